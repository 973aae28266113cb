import type { Indexing } from "./encoder.ts";
import type { Lookup } from "./item-indexes.ts";

/** Where a reader looks: at a part of the key space (everything, a folder such as `demo/`, or one key), and there by a lookup. */
type Placed = { readonly scope: string; readonly lookup?: Lookup | undefined };

type Changed<T> = { readonly key: string; readonly item?: T | undefined; readonly previous?: T | undefined };

/** Readers of one part of the key space. */
class Bucket<R> {
  readonly ofAll = new Set<R>();
  /** Index, then value, to those who look for it. */
  readonly byLookup = new Map<string, Map<string, Set<R>>>();

  get isEmpty(): boolean {
    return this.ofAll.size === 0 && this.byLookup.size === 0;
  }

  add(reader: R, lookup: Lookup | undefined): void {
    if (lookup === undefined) this.ofAll.add(reader);
    for (const value of lookup?.values ?? []) {
      const byValue = this.byLookup.get(lookup?.index ?? "") ?? new Map<string, Set<R>>();
      this.byLookup.set(lookup?.index ?? "", byValue);
      byValue.set(value, (byValue.get(value) ?? new Set<R>()).add(reader));
    }
  }

  delete(reader: R, lookup: Lookup | undefined): void {
    this.ofAll.delete(reader);
    const byValue = this.byLookup.get(lookup?.index ?? "");
    for (const value of lookup?.values ?? []) {
      const those = byValue?.get(value);
      those?.delete(reader);
      if (those?.size === 0) byValue?.delete(value);
    }
    if (byValue?.size === 0) this.byLookup.delete(lookup?.index ?? "");
  }
}

/**
 * Readers by what they read, so that a change costs those alone who may want it: of 5,000 readers of other folders, or of
 * other values of a label, none is looked at.
 */
export class ReaderIndex<T, R extends Placed> implements Iterable<R> {
  readonly #readers = new Set<R>();
  readonly #byScope = new Map<string, Bucket<R>>();
  readonly #indexing: Indexing<T> | undefined;

  constructor(indexing?: Indexing<T>) {
    this.#indexing = indexing;
  }

  get size(): number {
    return this.#readers.size;
  }

  add(reader: R): void {
    const bucket = this.#byScope.get(reader.scope) ?? new Bucket<R>();
    this.#byScope.set(reader.scope, bucket);
    bucket.add(reader, reader.lookup);
    this.#readers.add(reader);
  }

  delete(reader: R): void {
    if (!this.#readers.delete(reader)) return;
    const bucket = this.#byScope.get(reader.scope);
    bucket?.delete(reader, reader.lookup);
    if (bucket?.isEmpty === true) this.#byScope.delete(reader.scope);
  }

  has(reader: R): boolean {
    return this.#readers.has(reader);
  }

  /** In whose scope the key is, and who looks for what the item has or had; one may come twice. */
  *concerning({ key, item, previous }: Changed<T>): Generator<R, undefined> {
    const folder = key.slice(0, key.indexOf("/") + 1);
    for (const scope of new Set(["", folder, key])) {
      const bucket = this.#byScope.get(scope);
      if (bucket === undefined) continue;
      yield* bucket.ofAll;
      if (bucket.byLookup.size === 0) continue;
      yield* this.#looking(bucket, item);
      yield* this.#looking(bucket, previous);
    }
  }

  *#looking({ byLookup }: Bucket<R>, item: T | undefined): Generator<R, undefined> {
    if (item === undefined || this.#indexing === undefined) return;
    for (const name of this.#indexing.namesOf(item)) {
      const byValue = byLookup.get(name);
      if (byValue !== undefined) yield* byValue.get(this.#indexing.valueOf(item, name) ?? "") ?? [];
    }
  }

  *[Symbol.iterator](): Generator<R, undefined> {
    yield* this.#readers;
  }
}
