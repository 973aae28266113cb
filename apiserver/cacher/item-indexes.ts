import { limits } from "../limits.ts";
import { compareKeys } from "../storage/keys.ts";
import type { Indexing } from "./encoder.ts";

/** Only what has one of the values in the index is wanted. */
export type Lookup = { readonly index: string; readonly values: readonly string[] };

/** An index nobody has asked in so long is forgotten. */
const keepMs = 10 * 60_000;
/** What more than this part of all items have in common is found as fast by looking at each. */
const selectivePart = 16;
/** Few are found faster by an index however few there are in all. */
const few = 64;

/** Of one index: the keys of the items that have a value. */
class ItemIndex {
  readonly keysOf = new Map<string, Set<string>>();
  usedAtMs: number;

  constructor(nowMs: number) {
    this.usedAtMs = nowMs;
  }

  add(value: string | undefined, key: string): void {
    if (value === undefined) return;
    const keys = this.keysOf.get(value) ?? new Set();
    this.keysOf.set(value, keys.add(key));
  }

  delete(value: string | undefined, key: string): void {
    if (value === undefined) return;
    const keys = this.keysOf.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.keysOf.delete(value);
  }
}

/**
 * The items of a state by what lists ask for, such as a label's value. An index is made when it is first asked for and would
 * save looking at most items.
 *
 * Invariant: forgetting an index changes speed, not answers.
 */
export class ItemIndexes<T> {
  readonly #indexing: Indexing<T>;
  readonly #now: () => number;
  /** The one last used is the last. */
  readonly #indexes = new Map<string, ItemIndex>();

  /** @param now  elapsed ms */
  constructor(indexing: Indexing<T>, now: () => number) {
    this.#indexing = indexing;
    this.#now = now;
  }

  /** Keys that indexes hold, of all of them. */
  get entries(): number {
    let entries = 0;
    for (const { keysOf } of this.#indexes.values()) for (const keys of keysOf.values()) entries += keys.size;
    return entries;
  }

  /** @param item  `undefined`: it was deleted */
  changed(key: string, previous: T | undefined, item: T | undefined): void {
    for (const [name, index] of this.#indexes) {
      const before = this.#valueOf(previous, name);
      const after = this.#valueOf(item, name);
      if (before === after) continue;
      index.delete(before, key);
      index.add(after, key);
    }
  }

  /**
   * Keys in order, of which all that are wanted are some; `undefined` where looking at each item costs no more.
   * @param lookups  all must hold
   * @param size     items that would be looked at otherwise
   * @param all      every item there is
   */
  find(lookups: readonly Lookup[], size: number, all: ReadonlyMap<string, T>): readonly string[] | undefined {
    let best: { readonly sets: readonly ReadonlySet<string>[]; readonly count: number } | undefined;
    for (const { index: name, values } of lookups.slice(0, maxLookups)) {
      const index = this.#use(name) ?? (size * 2 < all.size ? undefined : this.#make(name, all));
      if (index === undefined) continue;
      const sets = [...new Set(values)].flatMap((value) => index.keysOf.get(value) ?? []);
      const count = sets.reduce((sum, { size: keys }) => sum + keys, 0);
      if (best === undefined || count < best.count) best = { sets, count };
    }
    if (best === undefined || best.count > Math.max(few, size / selectivePart)) return undefined;
    return best.sets.flatMap((keys) => [...keys]).sort(compareKeys);
  }

  /** Forgets what has not been used for long. */
  expire(): void {
    for (const [name, { usedAtMs }] of this.#indexes) {
      if (usedAtMs < this.#now() - keepMs) this.#indexes.delete(name);
    }
  }

  #use(name: string): ItemIndex | undefined {
    const index = this.#indexes.get(name);
    if (index === undefined) return undefined;
    index.usedAtMs = this.#now();
    this.#indexes.delete(name);
    this.#indexes.set(name, index);
    return index;
  }

  #make(name: string, all: ReadonlyMap<string, T>): ItemIndex {
    const index = new ItemIndex(this.#now());
    for (const [key, item] of all) index.add(this.#valueOf(item, name), key);
    this.#indexes.set(name, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= limits.maxCacheIndexes.value) break;
      this.#indexes.delete(oldest);
    }
    return index;
  }

  #valueOf(item: T | undefined, name: string): string | undefined {
    return item === undefined ? undefined : this.#indexing.valueOf(item, name);
  }
}

/** Of one selector: more narrow it down no further, mostly. */
const maxLookups = 3;
