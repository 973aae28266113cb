import { compareKeys, prefixEnd } from "../storage/keys.ts";
import type { ItemIndexes, Lookup } from "./item-indexes.ts";

export type Entry<T> = { readonly key: string; readonly item: T };

/** Index of the first entry whose key is not less than `key`. */
export function lowerBound(entries: readonly Entry<unknown>[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && compareKeys(entry.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A part of the key space: every key that starts with `prefix`; all keys for `""`. */
export function rangeOf(entries: readonly Entry<unknown>[], prefix: string): { start: number; end: number } {
  const afterPrefix = prefixEnd(prefix);
  return {
    start: prefix === "" ? 0 : lowerBound(entries, prefix),
    end: afterPrefix === undefined ? entries.length : lowerBound(entries, afterPrefix),
  };
}

/** Which part of the state may be wanted: a part of the key space, and of that what all lookups find. */
export type Sought = { readonly scope: string; readonly lookups?: readonly Lookup[] };

/**
 * The newest object of every key, by key, in key order, and by what it is indexed by.
 *
 * Invariant: an array handed out by `snapshot` never changes; the next write works on a copy of it. So any number of
 *            readers share one snapshot, and copying (of references) happens at most once per snapshot.
 */
export class OrderedState<T> {
  readonly #byKey = new Map<string, T>();
  readonly #indexes: ItemIndexes<T> | undefined;
  readonly #bytesOf: (item: T) => number;
  #bytes = 0;
  #ordered: Entry<T>[];
  #shared = false;

  /**
   * @param entries in key order; owned by the state from now on
   * @param bytesOf what an item takes
   */
  constructor(entries: Entry<T>[] = [], indexes?: ItemIndexes<T>, bytesOf: (item: T) => number = () => 0) {
    this.#ordered = entries;
    this.#indexes = indexes;
    this.#bytesOf = bytesOf;
    for (const { key, item } of entries) {
      this.#byKey.set(key, item);
      this.#bytes += bytesOf(item);
    }
  }

  /** Of all items. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#ordered.length;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** Returns what was there before. */
  put(key: string, item: T): T | undefined {
    const previous = this.#byKey.get(key);
    this.#byKey.set(key, item);
    const ordered = this.#own();
    const index = lowerBound(ordered, key);
    ordered.splice(index, previous === undefined ? 0 : 1, { key, item });
    this.#changed(key, previous, item);
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.#byKey.get(key);
    if (previous === undefined) return undefined;
    this.#byKey.delete(key);
    const ordered = this.#own();
    ordered.splice(lowerBound(ordered, key), 1);
    this.#changed(key, previous, undefined);
    return previous;
  }

  snapshot(): readonly Entry<T>[] {
    this.#shared = true;
    return this.#ordered;
  }

  /** In key order, entries among which are all that are sought: everything, unless an index knows better. */
  select({ scope, lookups = [] }: Sought): readonly Entry<T>[] {
    const entries = this.snapshot();
    if (lookups.length === 0 || this.#indexes === undefined) return entries;
    const { start, end } = rangeOf(entries, scope);
    const keys = this.#indexes.find(lookups, end - start, this.#byKey);
    return keys === undefined ? entries : keys.flatMap((key) => this.#entryOf(key));
  }

  #changed(key: string, previous: T | undefined, item: T | undefined): void {
    this.#indexes?.changed(key, previous, item);
    this.#bytes +=
      (item === undefined ? 0 : this.#bytesOf(item)) - (previous === undefined ? 0 : this.#bytesOf(previous));
  }

  /** Gives up what has not been of use for long. */
  tidy(): void {
    this.#indexes?.expire();
  }

  #entryOf(key: string): readonly Entry<T>[] {
    const item = this.#byKey.get(key);
    return item === undefined ? [] : [{ key, item }];
  }

  #own(): Entry<T>[] {
    if (this.#shared) {
      this.#ordered = this.#ordered.slice();
      this.#shared = false;
    }
    return this.#ordered;
  }
}
