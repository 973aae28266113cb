import assert from "node:assert/strict";
import test from "node:test";
import { StorageError, type StorageErrorCode } from "../errors.ts";
import { diskError, isDamage, isFull } from "./disk-error.ts";

/** As node:sqlite throws it; an extended code has the primary one in its low byte. */
const sqliteError = (errcode: number, message: string): Error => Object.assign(new Error(message), { errcode });

const cases: Record<
  string,
  { readonly error: unknown; readonly code: StorageErrorCode | undefined; readonly message: RegExp }
> = {
  "a full disk": { error: sqliteError(13, "database or disk is full"), code: "Full", message: /^the disk is full: / },
  "a read-only mount": {
    error: sqliteError(8, "attempt to write a readonly database"),
    code: "Unwritable",
    message: /^the store cannot be written: attempt to write/,
  },
  "a failing write (SQLITE_IOERR_WRITE)": {
    error: sqliteError(778, "disk I/O error"),
    code: "Unwritable",
    message: /^the disk failed, so what became of a write is unknown: disk I\/O error$/,
  },
  "a file that vanished (SQLITE_READONLY_DBMOVED)": {
    error: sqliteError(1032, "x"),
    code: "Unwritable",
    message: /x$/,
  },
  "a damaged file": {
    error: sqliteError(11, "malformed"),
    code: "Unusable",
    message: /^the store is damaged: malformed$/,
  },
  "an error of storage": {
    error: new StorageError("Compacted", { revision: 7 }),
    code: "Compacted",
    message: /Compacted/,
  },
  "anything else": { error: new Error("odd"), code: undefined, message: /^odd$/ },
};

for (const [name, { error, code, message }] of Object.entries(cases)) {
  test(`diskError: ${name} is ${code ?? "unknown"}`, () => {
    const told = diskError(error);
    assert.equal(told.code, code);
    assert.match(told.message, message);
    assert.equal(isFull(error), code === "Full");
    assert.equal(isDamage(error), name === "a damaged file");
  });
}
