/**
 * Why storage refused or could not tell.
 *
 * - `KeyExists`: create of a key that is there
 * - `KeyNotFound`: update or delete of a key that is not there
 * - `Conflict`: the key has another revision than the one given
 * - `Compacted`: the revision asked for is older than the history kept; `revision` is the oldest that is kept
 * - `FutureRevision`: the revision asked for does not exist yet; `revision` is the newest
 * - `TooLarge`: the value is over the backend's limit
 * - `Full`: there is no room for what was to be written, and nothing was; deletes go on for a while
 * - `Unwritable`: the store can be read but not written: a read-only mount, a failing disk
 * - `Unreachable`: no answer; a write may have been committed
 * - `Unusable`: the store is foreign, emptied, damaged or older than it was before (design D9); nothing may be concluded from it
 * - `Closed`: the backend was closed
 */
export type StorageErrorCode =
  | "KeyExists"
  | "KeyNotFound"
  | "Conflict"
  | "Compacted"
  | "FutureRevision"
  | "TooLarge"
  | "Full"
  | "Unwritable"
  | "Unreachable"
  | "Unusable"
  | "Closed";

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly key: string;
  readonly revision: number | undefined;

  constructor(
    code: StorageErrorCode,
    at: { key?: string; revision?: number; message?: string },
    options?: ErrorOptions,
  ) {
    super(at.message ?? `${code}${at.key === undefined ? "" : ` at ${at.key}`}`, options);
    this.name = "StorageError";
    this.code = code;
    this.key = at.key ?? "";
    this.revision = at.revision;
  }
}

export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && (code === undefined || error.code === code);
}

export function closedError(): StorageError {
  return new StorageError("Closed", { message: "the store was closed" });
}
