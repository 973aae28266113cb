/** A part of the key space: everything, a folder (`demo/`), or one key. */
type Scoped = { readonly scope: string };

/**
 * Readers by what they read, so that a change costs those alone who may want it: of 5,000 readers of other folders none is
 * looked at.
 */
export class ReaderIndex<R extends Scoped> implements Iterable<R> {
  readonly #byScope = new Map<string, Set<R>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(reader: R): void {
    const those = this.#byScope.get(reader.scope) ?? new Set<R>();
    this.#byScope.set(reader.scope, those);
    those.add(reader);
    this.#size++;
  }

  delete(reader: R): void {
    const those = this.#byScope.get(reader.scope);
    if (those?.delete(reader) !== true) return;
    this.#size--;
    if (those.size === 0) this.#byScope.delete(reader.scope);
  }

  has(reader: R): boolean {
    return this.#byScope.get(reader.scope)?.has(reader) === true;
  }

  /** Whose scope the key is in. */
  *concerning(key: string): Generator<R, undefined> {
    const folder = key.slice(0, key.indexOf("/") + 1);
    for (const scope of new Set(["", folder, key])) yield* this.#byScope.get(scope) ?? [];
  }

  *[Symbol.iterator](): Generator<R, undefined> {
    for (const those of this.#byScope.values()) yield* those;
  }
}
