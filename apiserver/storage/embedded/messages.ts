import type { StorageErrorCode } from "../errors.ts";
import type { Revision, StoredValue, StorePosition } from "../interface.ts";

/** What the disk thread is started with. */
export type DiskFiles = {
  readonly database: string;
  /** Where the store stood, and the room kept for a full disk. */
  readonly mark: string;
  readonly reserve: string;
  readonly maxBytes: number | undefined;
};

/**
 * What the main thread and the disk thread say to each other.
 *
 * Invariant: answers arrive in the order the disk thread made them, so a reader never learns a revision before the
 *            main thread has learned of the writes up to it.
 */

/** A conditional write. `value` is a part of its group's buffer: from byte `start` up to `end`, excluded. */
export type Write =
  | {
      readonly type: "create";
      readonly key: string;
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly type: "update";
      readonly key: string;
      readonly start: number;
      readonly end: number;
      readonly expected: Revision;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly expected: Revision;
    };

/** `Conflict` says in `revision` which one the key has. */
export type WriteFailure = {
  readonly failure: "KeyExists" | "KeyNotFound" | "Conflict" | "Full";
  readonly revision?: Revision;
};

export type WriteOutcome = { readonly revision: Revision } | WriteFailure;

/** The bytes of all values of a group in one buffer: handed over to the disk thread, not copied. */
export type WriteGroup = {
  readonly writes: readonly Write[];
  readonly values: ArrayBuffer;
};

/** `end` is the first key after the range; undefined is the end of all keys. */
export type KeyRange = {
  readonly start: string;
  readonly end: string | undefined;
};

export type Query =
  | { readonly type: "get"; readonly key: string }
  | { readonly type: "position" }
  /** Is the disk writable? */
  | { readonly type: "probe" }
  /** Of the file. */
  | { readonly type: "size" }
  /** The first values of the range, not more than a bounded piece of it. */
  | {
      readonly type: "page";
      readonly range: KeyRange;
      readonly limit: number | undefined;
      readonly revision: Revision | undefined;
    }
  | { readonly type: "count"; readonly range: KeyRange; readonly revision: Revision }
  | ({ readonly type: "history" } & HistoryQuery)
  /** Forgets history before `revision`, but not more than a bounded piece of it. */
  | { readonly type: "compactStep"; readonly revision: Revision };

/** Writes with `after` < revision <= `to`, but not more than a bounded piece of them. */
export type HistoryQuery = {
  readonly range: KeyRange;
  readonly after: Revision;
  readonly to: Revision;
  /** With what was at the keys before. */
  readonly previous: boolean;
};

/** `next` is the first key that is not in the page; undefined after the last. */
export type RangePage = {
  readonly items: readonly StoredValue[];
  readonly revision: Revision;
  readonly next: string | undefined;
};

/** Every write up to `to` is there. */
export type HistoryPage = { readonly entries: readonly LogEntry[]; readonly to: Revision };

/** What was done to a key, and, where that was asked for, what was there before. A delete has no value. */
export type LogEntry = {
  readonly key: string;
  readonly revision: Revision;
  readonly value: Uint8Array | undefined;
  readonly previous?: StoredValue | undefined;
};

export type QueryResult =
  | {
      readonly type: "get";
      readonly value: StoredValue | undefined;
      readonly revision: Revision;
    }
  | { readonly type: "position"; readonly position: StorePosition }
  | { readonly type: "probe" }
  | { readonly type: "size"; readonly bytes: number }
  | ({ readonly type: "page" } & RangePage)
  | { readonly type: "count"; readonly count: number }
  | ({ readonly type: "history" } & HistoryPage)
  | { readonly type: "compactStep"; readonly compacted: Revision };

export type ToDisk =
  | ({ readonly type: "write"; readonly id: number } & WriteGroup)
  | { readonly type: "query"; readonly id: number; readonly query: Query }
  | { readonly type: "close" };

/** What a StorageError is made of; without a code it is an unknown failure. */
export type DiskError = {
  readonly code: StorageErrorCode | undefined;
  readonly revision: Revision | undefined;
  readonly message: string;
};

export type FromDisk =
  | {
      readonly type: "opened";
      readonly identity: string;
      readonly revision: Revision;
      readonly compacted: Revision;
    }
  /** `refused`: it can be read, but is not what it should be; `message` then goes on after "the store". */
  | { readonly type: "notOpened"; readonly message: string; readonly refused: boolean }
  /** Durable: one item per group that shared the transaction, in the order they were sent. */
  | {
      readonly type: "written";
      readonly groups: readonly {
        readonly id: number;
        readonly outcomes: readonly WriteOutcome[];
      }[];
    }
  | {
      readonly type: "notWritten";
      readonly ids: readonly number[];
      readonly error: DiskError;
    }
  | {
      readonly type: "result";
      readonly id: number;
      readonly result: QueryResult;
    }
  | { readonly type: "error"; readonly id: number; readonly error: DiskError };
