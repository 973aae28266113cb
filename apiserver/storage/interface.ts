/**
 * The storage port (design D6): revisioned keys and bytes. It knows no kinds and no HTTP.
 *
 * Invariant: there is one revision sequence per store; every committed write takes the next revision, and a reader
 *            that has seen revision N has seen every write up to N.
 * Invariant: an acknowledged write survives `kill -9` and power loss. One that was not acknowledged fails with
 *            `Unreachable`, which says "unknown", never "failed".
 * Invariant: every promise here is checked by `test/conformance/storage.ts`, for every backend.
 */
import { limits } from "../limits.ts";

/** A position in the store's history: a positive safe integer. 0 stands for "nothing yet". */
export type Revision = number;

/** What tells one store from another, and from an earlier state of itself (design D9). */
export type StorePosition = {
  /** Written when the store was first used; `undefined` when nothing was ever written. */
  readonly identity: string | undefined;
  readonly revision: Revision;
  /** Keys that exist. */
  readonly objects: number;
  /**
   * How often the store was marked; 0 where no marks are kept. A store that was put back has fewer marks, even where its
   * revisions were raised on the way, as etcd's tools can.
   */
  readonly marks: number;
  /** Identity of the store that this one was filled from by an import. */
  readonly replaces?: string | undefined;
};

/**
 * `value` must not be changed by whoever gets it, nor by whoever gave it to `create` or `update`: the same bytes go to
 * every reader.
 */
export type StoredValue = {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the write that made this value. */
  readonly revision: Revision;
};

/** A committed write. `previous`: what was at the key before, told to those alone who ask for it. */
export type StorageEvent = {
  readonly key: string;
  /** Of the write; a deletion has one of its own. */
  readonly revision: Revision;
  readonly previous?: StoredValue | undefined;
} & ({ readonly type: "put"; readonly value: Uint8Array } | { readonly type: "delete" });

/**
 * What a watch yields: writes under its prefix in revision order, without gaps or repeats, or the news that there
 * were none. After an item every event up to and including `revision` has been yielded.
 */
export type StorageWatchItem = {
  readonly revision: Revision;
  readonly events: readonly StorageEvent[];
};

export interface StorageWatch extends AsyncIterable<StorageWatchItem>, AsyncDisposable {
  /** Of events that wait for the reader. */
  readonly waitingBytes: number;
  /** Asks for an item (maybe without events) whose revision is at least the store's revision at the time of the call. */
  requestProgress(): void;
}

export type StorageWatchOptions = {
  readonly prefix: string;
  /** Writes of a greater revision are told. */
  readonly after: Revision;
  /** Tells with each event what was there before. That is read from history: for those who don't know it already. */
  readonly previous?: true;
  readonly signal?: AbortSignal;
};

export type RangeOptions = {
  /** Keys that start with this. */
  readonly prefix: string;
  /** First key wanted, inclusive; must start with `prefix`. Default: the first. */
  readonly startKey?: string;
  /** At most so many items. Default: all. */
  readonly limit?: number;
  /** State as of this revision. Default: the newest, linearizable. */
  readonly revision?: Revision;
};

export type RangeResult = {
  /** In byte order of their keys. */
  readonly items: readonly StoredValue[];
  /** Keys under the prefix from `startKey` on, whether returned or not. */
  readonly count: number;
  /** Revision the answer is consistent at. */
  readonly revision: Revision;
};

/** A `signal` ends the waiting with `Unreachable`. After closing, every method rejects with `Closed`. */
export interface StorageBackend extends AsyncDisposable {
  /** Random id written when the store was first used; equal for every client of one store. `adopt` may change it. */
  readonly identity: string;

  /** Newest value of `key`, linearizable; `revision` is the store's at the time of the read. */
  get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{
    readonly value: StoredValue | undefined;
    readonly revision: Revision;
  }>;

  /**
   * @throws StorageError `Compacted`, `FutureRevision` when `options.revision` is outside the history kept
   */
  range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult>;

  /** @throws StorageError `KeyExists`, `TooLarge`, `Full`, `Unwritable`, `Unreachable` */
  create(key: string, value: Uint8Array): Promise<Revision>;

  /**
   * Replaces the value if the key still has revision `expected`.
   * @throws StorageError `Conflict`, `KeyNotFound`, `TooLarge`, `Full`, `Unwritable`, `Unreachable`
   */
  update(key: string, value: Uint8Array, expected: Revision): Promise<Revision>;

  /** @throws StorageError `Conflict`, `KeyNotFound`, `Full`, `Unwritable`, `Unreachable` */
  delete(key: string, expected: Revision): Promise<Revision>;

  /** The store's revision now, linearizable; cheap. */
  currentRevision(signal?: AbortSignal): Promise<Revision>;

  /**
   * Every write under `prefix` with a revision greater than `after`. The iteration fails with `Compacted` when that
   * history is gone, also from under a reader that fell behind, with `FutureRevision` when `after` is newer than the store, with `Unreachable` when the store was
   * lost for good, with `Closed` when the backend was closed; short losses are bridged inside. It ends without error
   * when `signal` aborts or the watch is disposed.
   * What waits for a reader is bounded (`limits.maxWatchAheadBytes`): a slow one is served from history.
   */
  watch(options: StorageWatchOptions): StorageWatch;

  /**
   * Forgets history before `revision`; the newest value of every key stays.
   * @throws StorageError `Compacted` when that is done already, `FutureRevision`, `Unreachable`
   */
  compact(revision: Revision): Promise<void>;

  /** Oldest revision that `range` and `watch({after})` still accept. */
  compactedRevision(): Promise<Revision>;

  /**
   * Where the store stands, linearizable.
   * @throws StorageError `Unusable` when that cannot be told any more
   */
  position(signal?: AbortSignal): Promise<StorePosition>;

  /** As `position`; where states of a store cannot be told apart by their revisions alone, it leaves a mark that does. */
  mark(signal?: AbortSignal): Promise<StorePosition>;

  /**
   * Goes on with the store that stands at `position`, whatever it was before: until then everything but `position` fails
   * with `Unusable` in a store that is not the one opened, or an earlier state of it. One without identity gets one.
   */
  adopt(position: StorePosition): Promise<void>;

  /**
   * Rejects if the store cannot take a write now (health check; ends within about 2 s).
   * @throws StorageError `Full`, `Unwritable`, `Unreachable`, `Unusable`
   */
  pingWrite(): Promise<void>;

  /** Rejects if the store cannot serve a read now (health check; ends within about 2 s). */
  ping(): Promise<void>;

  /** What the store takes of its disk, in bytes; of etcd, the member's that is asked. Ends within about 2 s. */
  sizeBytes(): Promise<number>;
}

/** Largest value a store accepts, in bytes. */
export const maxValueBytes = limits.maxValueBytes.value;
