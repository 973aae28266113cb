/**
 * The database file: its tables, and how a file of an earlier release becomes one of this.
 *
 * `log` has a row per write, a delete being a row without value, and each row says which revision it replaced. `current`
 * has the newest revision of every key that exists. `log_by_key` finds the state of a key at any revision, `log_turns`
 * the writes that changed how many keys there are.
 *
 * Invariant: rows at or before the compacted revision are live in the state at that revision; no others remain.
 */
import { randomUUID } from "node:crypto";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { crc32 } from "node:zlib";
import { StorageError } from "../errors.ts";
import type { StoredValue } from "../interface.ts";

const formatVersion = 2;

/** The store's creation counts as a write: revision 0 means "nothing yet" and lists at "0" mean "any". */
export const firstRevision = 1;

const tables = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    previous INTEGER,
    value BLOB
  ) STRICT;
  CREATE TABLE current (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Format 1 knew no checksums; its rows have none for as long as they live. */
const sinceFormat2 = `
  ALTER TABLE log ADD COLUMN checksum INTEGER;
  CREATE INDEX log_by_key ON log (key, revision);
  CREATE INDEX log_turns ON log (revision, key, deleted) WHERE previous IS NULL OR deleted = 1;
  PRAGMA user_version = ${formatVersion};
`;

/**
 * Locks the file, and makes it one of this release.
 * @param checkpointPages pages of 4 KiB in the write-ahead log before it is copied into the table
 * @throws Error that says which format the file has
 */
export function prepareDatabase(database: DatabaseSync, checkpointPages: number): void {
  // The file lock of an open handle ends with its process, however that dies; a lock file would stay behind.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA temp_store = MEMORY`);
  database.exec("BEGIN EXCLUSIVE");
  const version = integer(readOne(database, "PRAGMA user_version"));
  if (version > formatVersion) {
    throw new Error(`its format ${version} is not one that this program reads: ${formatVersion} is the newest`);
  }
  if (version === 0) {
    database.exec(tables);
    const insert = database.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
    insert.run("identity", randomUUID());
    insert.run("compacted", firstRevision);
  }
  if (version < 2) database.exec(sinceFormat2);
  database.exec("COMMIT");
}

/** Of everything a row says; what the disk returns is compared with it. */
export function checksumOf(revision: number, key: string, value: Uint8Array): number {
  return crc32(value, crc32(`${revision} ${key}`));
}

export function readOne(database: DatabaseSync, sql: string): SQLOutputValue | undefined {
  const row = database.prepare(sql).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

/** The disk returned something else than was written: no failure of one operation alone. */
export class DamageError extends StorageError {
  constructor(what: string) {
    super("Unusable", { message: `the store is damaged: ${what}` });
  }
}

/** A row with a value of the log, as any statement returns it. */
export type Row = Record<string, SQLOutputValue | undefined>;

/** @throws DamageError */
export function storedValue(row: Row): StoredValue {
  const stored = { key: text(row.key), value: bytes(row.value ?? null), revision: integer(row.revision) };
  const { checksum } = row;
  if (typeof checksum === "number" && checksum !== checksumOf(stored.revision, stored.key, stored.value)) {
    throw new DamageError(`what it has of ${stored.key} at revision ${stored.revision} is not what was written`);
  }
  return stored;
}

/**
 * Of a key that exists, by its row in the log, if that is there: `logged` is the key it has.
 * @throws DamageError
 */
export function currentValue(row: Row): StoredValue {
  if (row.logged !== row.key || row.deleted !== 0)
    throw new DamageError(`it has lost what is current of ${text(row.key)}`);
  return storedValue(row);
}

type Column = SQLOutputValue | undefined;

export function integer(column: Column): number {
  if (typeof column !== "number") throw new TypeError("the database holds no integer where one belongs");
  return column;
}

export function text(column: Column): string {
  if (typeof column !== "string") throw new TypeError("the database holds no text where some belongs");
  return column;
}

/** SQLite may give an empty value back as NULL. */
function bytes(column: Column): Uint8Array {
  if (column === null) return new Uint8Array(0);
  if (!(column instanceof Uint8Array)) throw new TypeError("the database holds no bytes where some belong");
  return column;
}
