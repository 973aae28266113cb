/** One page of a list, from a snapshot in memory or from storage's own history (API L-08, L-13, L-14). */

import { type Entry, lowerBound, rangeOf } from "../../cacher/ordered-state.ts";
import { limits } from "../../limits.ts";
import type { Revision, StorageBackend, StoredValue } from "../../storage/interface.ts";
import type { CachedObject } from "./cached-object.ts";
import type { Selection } from "./selection.ts";

export type PageRequest = {
  readonly selection: Selection;
  /** First key wanted, without the scope; `""`: from the beginning. */
  readonly start: string;
  /** 0: everything. */
  readonly limit: number;
};

export type Page = {
  readonly items: readonly CachedObject[];
  /** Where the next page begins, without the scope; `undefined` when this is the last. */
  readonly next: string | undefined;
  /** Objects after this page; unknown with selectors. */
  readonly remaining: number | undefined;
  readonly revision: Revision;
};

/** First and last number of keys read from storage at once while looking for matches; doubled in between. */
const firstReadSize = 500;
const maxReadSize = limits.maxReadKeys.value;

export function pageOfSnapshot(
  { revision, entries }: { revision: Revision; entries: readonly Entry<CachedObject>[] },
  { selection, start, limit }: PageRequest,
): Page {
  const { scope, singleKey, matches, everything } = selection;
  if (singleKey) return singlePage(entries, selection, revision);
  const range = rangeOf(entries, scope);
  const from = start === "" ? range.start : Math.max(range.start, lowerBound(entries, scope + start));
  const items: CachedObject[] = [];
  let lastKey = "";
  for (let index = from; index < range.end; index++) {
    const entry = entries[index];
    if (entry === undefined || !matches(entry.item, entry.key)) continue;
    if (limit > 0 && items.length === limit) {
      const remaining = everything ? range.end - index : undefined;
      return { items, next: keyAfter(lastKey, scope), remaining, revision };
    }
    items.push(entry.item);
    lastKey = entry.key;
  }
  return { items, next: undefined, remaining: undefined, revision };
}

function singlePage(entries: readonly Entry<CachedObject>[], { scope, matches }: Selection, revision: Revision): Page {
  const entry = entries[lowerBound(entries, scope)];
  const found = entry !== undefined && entry.key === scope && matches(entry.item, scope);
  return { items: found ? [entry.item] : [], next: undefined, remaining: undefined, revision };
}

export type StoragePlace = {
  readonly backend: StorageBackend;
  /** Of the resource. */
  readonly prefix: string;
  /** `undefined`: the newest. */
  readonly revision: Revision | undefined;
  readonly decode: (stored: StoredValue) => CachedObject;
  readonly signal: AbortSignal;
};

/** @throws StorageError `Compacted`, `FutureRevision` */
export async function pageOfStorage(place: StoragePlace, { selection, start, limit }: PageRequest): Promise<Page> {
  if (selection.singleKey) return singleFromStorage(place, selection);
  const { backend, prefix, decode, signal } = place;
  const scope = prefix + selection.scope;
  const items: CachedObject[] = [];
  let { revision } = place;
  let startKey = scope + start;
  let lastKey = "";
  let size = limit > 0 && selection.everything ? limit : firstReadSize;
  for (;;) {
    const read = await backend.range(
      { prefix: scope, startKey, limit: size, ...(revision === undefined ? {} : { revision }) },
      signal,
    );
    revision = read.revision;
    let seen = 0;
    for (const stored of read.items) {
      const item = decode(stored);
      if (selection.matches(item, stored.key.slice(prefix.length))) {
        if (limit > 0 && items.length === limit) {
          return { items, next: keyAfter(lastKey, scope), remaining: undefined, revision };
        }
        items.push(item);
        lastKey = stored.key;
      }
      seen++;
    }
    const remaining = read.count - seen;
    const last = read.items.at(-1);
    if (last === undefined || remaining <= 0) return { items, next: undefined, remaining: undefined, revision };
    if (limit > 0 && items.length === limit && selection.everything) {
      return { items, next: keyAfter(lastKey, scope), remaining, revision };
    }
    startKey = `${last.key}\0`;
    size = Math.min(size * 2, maxReadSize);
  }
}

async function singleFromStorage(place: StoragePlace, { scope, matches }: Selection): Promise<Page> {
  const key = place.prefix + scope;
  const { items, revision } = await place.backend.range(
    { prefix: key, limit: 1, ...(place.revision === undefined ? {} : { revision: place.revision }) },
    place.signal,
  );
  const found = items.filter((stored) => stored.key === key).map(place.decode);
  return { items: found.filter((item) => matches(item, scope)), next: undefined, remaining: undefined, revision };
}

/** The least key greater than `key`. */
function keyAfter(key: string, scope: string): string {
  return `${key.slice(scope.length)}\0`;
}
