import { LRUCache } from "lru-cache";

/**
 * Answers of others, kept for a while: at most `capacity` of them, the least recently used going first.
 *
 * Invariant: a value is never returned at or after its end, so a cache that is full of stale values changes speed only.
 */
export class ExpiringCache<Value> {
  readonly #entries: LRUCache<string, { readonly value: Value; readonly endMs: number }>;
  readonly #now: () => number;

  /** @param options `now` is a clock in ms that nobody can set back, or what was to end would last */
  constructor({ capacity, now }: { capacity: number; now: () => number }) {
    this.#entries = new LRUCache({ max: capacity });
    this.#now = now;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.endMs > this.#now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** @param endMs on the cache's own clock */
  set(key: string, value: Value, endMs: number): void {
    this.#entries.set(key, { value, endMs });
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }
}
