/**
 * Answers of others, kept for a while: at most `capacity` of them, the least recently used going first.
 *
 * Invariant: a value is never returned at or after its end, so a cache that is full of stale values changes speed only.
 */
export class ExpiringCache<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly endMs: number }>();
  readonly #capacity: number;
  readonly #now: () => number;

  /** @param options `now` is a clock in ms; only differences and the ends given to `set` matter */
  constructor(options: { capacity: number; now: () => number }) {
    this.#capacity = options.capacity;
    this.#now = options.now;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.endMs <= this.#now()) return undefined;
    // Insertion order of a Map is the order of use: what was just read goes to the end.
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** @param endMs on the cache's own clock */
  set(key: string, value: Value, endMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, endMs });
    if (this.#entries.size <= this.#capacity) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }
}
