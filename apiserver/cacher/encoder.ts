import type { Revision } from "../storage/interface.ts";

/** What the cache holds of a key: decoded once, encoded once. Shared, and never changed after it was made. */
export interface Encoded {
  readonly revision: Revision;
  /** As readers are sent it. */
  readonly json: Uint8Array;
}

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** What items may be found by, each with one value or none: a label, for example. */
export interface Indexing<T> {
  /** Of the indexes that the item is in. */
  namesOf(item: T): Iterable<string>;
  valueOf(item: T, name: string): string | undefined;
}

/** What the cache must know of what is stored: how it is read, and how readers are told of it. */
export interface Encoder<T extends Encoded> {
  /** Absent: items are found by their keys alone. */
  readonly indexing?: Indexing<T>;
  /** @throws Error when the bytes are none of its values */
  decode(value: Uint8Array, revision: Revision): T;
  /** The same content under another revision: what a deletion shows. */
  atRevision(item: T, revision: Revision): T;
  /** What all readers are sent of one change. */
  frame(type: ChangeType, item: T): Uint8Array;
}

/**
 * One event of a watch. `frame` is encoded once for all readers. A bookmark carries only its revision, and whether it ends
 * the initial events; `status` says why a watch ends.
 */
export type CacheWatchEvent<T, F> =
  | { readonly type: ChangeType; readonly item: T; readonly frame: Uint8Array }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: "ERROR"; readonly status: F };
