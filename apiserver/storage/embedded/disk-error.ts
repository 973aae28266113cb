import { isStorageError, type StorageErrorCode } from "../errors.ts";
import { DamageError } from "./format.ts";
import type { DiskError } from "./messages.ts";

/** SQLite's primary result codes that say what is wrong with the disk (https://sqlite.org/rescode.html). */
const full = 13;
const meanings: ReadonlyMap<number, { readonly code: StorageErrorCode; readonly what: string }> = new Map([
  [8, { code: "Unwritable", what: "the store cannot be written" }],
  [10, { code: "Unwritable", what: "the disk failed, so what became of a write is unknown" }],
  [11, { code: "Unusable", what: "the store is damaged" }],
  [full, { code: "Full", what: "the disk is full" }],
  [14, { code: "Unwritable", what: "the store cannot be opened for writing" }],
  [26, { code: "Unusable", what: "the store is damaged" }],
]);

/** What the main thread is told of an exception in this one. */
export function diskError(error: unknown): DiskError {
  const message = error instanceof Error ? error.message : String(error);
  if (isStorageError(error)) return { code: error.code, revision: error.revision, message };
  const meaning = meanings.get(primaryCode(error));
  return meaning === undefined
    ? { code: undefined, revision: undefined, message }
    : { code: meaning.code, revision: undefined, message: `${meaning.what}: ${message}` };
}

export function isFull(error: unknown): boolean {
  return primaryCode(error) === full;
}

/** What was read is not what was written: no error of one operation alone. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamageError || meanings.get(primaryCode(error))?.code === "Unusable";
}

/** An extended code has the primary one in its low byte. */
function primaryCode(error: unknown): number {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return 0;
  return error.errcode & 0xff;
}
