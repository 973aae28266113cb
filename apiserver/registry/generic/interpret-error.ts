/** Storage's vocabulary into that of the API (design D14). Nothing storage says becomes "not found" by accident (D9). */
import type { GroupResource, Status } from "../../apis/meta/v1.ts";
import {
  newAlreadyExists,
  newConflict,
  newExpired,
  newInsufficientStorage,
  newInternal,
  newNotFound,
  newRequestEntityTooLarge,
  newServiceUnavailable,
  newTimeout,
  newTooLargeResourceVersion,
  objectModified,
  StatusError,
} from "../../errors/status-error.ts";
import { isStorageError, type StorageError, type StorageErrorCode } from "../../storage/errors.ts";

type Subject = { readonly resource: GroupResource; readonly name: string };

/** What concerns the store as a whole has no cause here: the store's guard logs it, once for all requests. */
const meanings: { readonly [code in StorageErrorCode]: (subject: Subject, error: StorageError) => StatusError } = {
  KeyExists: ({ resource, name }) => newAlreadyExists(resource, name),
  KeyNotFound: ({ resource, name }) => newNotFound(resource, name),
  Conflict: ({ resource, name }) => newConflict(resource, name, objectModified),
  Compacted: () => newExpired("The resourceVersion for the provided list is too old."),
  FutureRevision: (_subject, { revision = 0 }) => newTooLargeResourceVersion(revision + 1, revision),
  TooLarge: () => newRequestEntityTooLarge("the object is larger than storage accepts"),
  Full: () => newInsufficientStorage(fullSentence),
  Unwritable: (_subject, { message }) => newServiceUnavailable(message, { retryAfterSeconds }),
  Unreachable: () => newTimeout("storage did not answer; the outcome of a write is unknown"),
  Unusable: (_subject, { message }) => newServiceUnavailable(message, { retryAfterSeconds }),
  Closed: (_subject, cause) => newServiceUnavailable("the server is shutting down", { cause }),
};

/** A store that came back is found within it. */
const retryAfterSeconds = 2;

const fullSentence =
  "the store is full: nothing was written; objects can be deleted, and writes are taken again once there is room";

/** What a client is told about a failure of storage; anything else is returned as it is. */
export function interpretError(error: unknown, subject: Subject): unknown {
  return isStorageError(error) ? meanings[error.code](subject, error) : error;
}

/** Rejects with what `interpretError` makes of a failure. */
export async function interpreted<T>(subject: Subject, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw interpretError(error, subject);
  }
}

/** The object of the ERROR event that ends a watch whose history could not be read (API W-12, W-14, W-38). */
export function watchFailure(error: unknown): Status {
  if (isStorageError(error, "Compacted")) {
    return newExpired("The resourceVersion for the provided watch is too old.").status;
  }
  const interpretedError = interpretError(error, { resource: { group: "", resource: "" }, name: "" });
  if (interpretedError instanceof StatusError) return interpretedError.status;
  return newInternal("the watch could not be continued").status;
}
