import { randomUUID } from "node:crypto";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { StorageError } from "../errors.ts";
import type { RangeResult, Revision, StoredValue } from "../interface.ts";
import type { KeyRange, LogEntry, Write, WriteFailure, WriteGroup, WriteOutcome } from "./messages.ts";

/**
 * The log on disk: row number = revision. Synchronous; runs in the disk thread.
 *
 * `log` has a row per write, a delete being a row without value, and each row says which revision it replaced.
 * `current` has the newest revision of every key that exists. A past state is `current` with the writes since then
 * undone, so what it costs depends on how far back it is, and there is no second index that every write must feed.
 *
 * Invariant: rows at or before the compacted revision are live in the state at that revision; no others remain.
 */

const formatVersion = 1;

const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    previous INTEGER,
    value BLOB
  ) STRICT;
  CREATE TABLE current (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${formatVersion};
`;

/** The store's creation counts as a write: revision 0 means "nothing yet" and lists at "0" mean "any". */
const firstRevision = 1;

/** Writes undone per compaction step: a few ms of work, so that writers hardly wait for it. */
const compactStepRevisions = 1000;

/** Pages of 4 KiB in the write-ahead log before it is copied into the table: 16 MiB, to copy hot pages less often. */
const checkpointPages = 4096;

const keyRange = "key >= :start AND (:end IS NULL OR key < :end)";

/** `:revision` is the state asked for: keys written since then are taken back to what their first write replaced. */
const pastState = `
  WITH touched AS MATERIALIZED (
    SELECT key, min(revision) AS first FROM log WHERE revision > :revision AND +key >= :start AND (:end IS NULL OR +key < :end)
    GROUP BY key
  ), state AS (
    SELECT key, revision FROM current WHERE ${keyRange} AND key NOT IN (SELECT key FROM touched)
    UNION ALL
    SELECT touched.key, log.previous FROM touched JOIN log ON log.revision = touched.first WHERE log.previous IS NOT NULL
  )`;

const presentState = `WITH state AS (SELECT key, revision FROM current WHERE ${keyRange})`;

const stateItems = `SELECT state.key, state.revision, log.value FROM state JOIN log ON log.revision = state.revision ORDER BY state.key LIMIT :limit`;
const stateCount = "SELECT count(*) AS count FROM state";

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    revisionOf: prepare("SELECT revision FROM current WHERE key = ?"),
    valueAt: prepare("SELECT value FROM log WHERE revision = ?"),
    append: prepare("INSERT INTO log (revision, key, deleted, previous, value) VALUES (?, ?, ?, ?, ?)"),
    setCurrent: prepare(
      "INSERT INTO current (key, revision) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision",
    ),
    dropCurrent: prepare("DELETE FROM current WHERE key = ?"),
    presentItems: prepare(`${presentState} ${stateItems}`),
    presentCount: prepare(`${presentState} ${stateCount}`),
    pastItems: prepare(`${pastState} ${stateItems}`),
    pastCount: prepare(`${pastState} ${stateCount}`),
    history: prepare(`
      SELECT log.revision, log.key, log.deleted, log.value, log.previous, old.value AS previousValue
      FROM log LEFT JOIN log AS old ON old.revision = log.previous
      WHERE log.revision > :after AND log.revision <= :to AND +log.key >= :start AND (:end IS NULL OR +log.key < :end)
      ORDER BY log.revision`),
    forgetReplaced: prepare(`
      DELETE FROM log WHERE revision IN
        (SELECT previous FROM log WHERE revision > :after AND revision <= :to AND previous IS NOT NULL)`),
    forgetDeletes: prepare("DELETE FROM log WHERE revision > :after AND revision <= :to AND deleted = 1"),
    setCompacted: prepare("UPDATE meta SET value = ? WHERE name = 'compacted'"),
  } satisfies Record<string, StatementSync>;
}

export class LogTable {
  readonly identity: string;
  readonly #database: DatabaseSync;
  readonly #sql: ReturnType<typeof prepareAll>;
  #revision: Revision;
  #compacted: Revision;

  /** @throws an error whose `errcode` is 5 (SQLITE_BUSY) while another process has the file open */
  constructor(file: string) {
    const database = new DatabaseSync(file);
    try {
      prepareDatabase(database);
      this.#sql = prepareAll(database);
      this.identity = text(readOne(database, "SELECT value FROM meta WHERE name = 'identity'"));
      this.#compacted = integer(readOne(database, "SELECT value FROM meta WHERE name = 'compacted'"));
      // A compacted delete leaves no row, so the newest row alone may be older than the newest revision.
      const newest = readOne(database, "SELECT max(revision) FROM log");
      this.#revision = Math.max(this.#compacted, newest === null ? firstRevision : integer(newest));
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compacted(): Revision {
    return this.#compacted;
  }

  /**
   * Commits the groups in one transaction: one wait for the disk. A write whose condition fails changes nothing and
   * leaves the others alone. When this throws, what became of the groups is unknown.
   */
  write(groups: readonly WriteGroup[]): WriteOutcome[][] {
    const before = this.#revision;
    this.#sql.begin.run();
    try {
      const outcomes = groups.map(({ writes, values }) => writes.map((write) => this.#apply(write, values)));
      this.#sql.commit.run();
      return outcomes;
    } catch (error) {
      this.#revision = before;
      if (this.#database.isTransaction) this.#sql.rollback.run();
      throw error;
    }
  }

  #apply(write: Write, values: ArrayBuffer): WriteOutcome {
    const found = this.#sql.revisionOf.get(write.key)?.revision;
    const current = found === undefined ? undefined : integer(found);
    const failure = conditionFailure(write, current);
    if (failure !== undefined) return failure;

    const revision = this.#revision + 1;
    const deleted = write.type === "delete";
    const previous = current === undefined ? undefined : this.#stored(write.key, current);
    const value = deleted ? null : new Uint8Array(values, write.start, write.end - write.start);
    this.#sql.append.run(revision, write.key, deleted ? 1 : 0, current ?? null, value);
    if (deleted) this.#sql.dropCurrent.run(write.key);
    else this.#sql.setCurrent.run(write.key, revision);
    this.#revision = revision;
    return { revision, previous };
  }

  get(key: string): StoredValue | undefined {
    const revision = this.#sql.revisionOf.get(key)?.revision;
    return revision === undefined ? undefined : this.#stored(key, integer(revision));
  }

  #stored(key: string, revision: Revision): StoredValue {
    return {
      key,
      value: bytes(this.#sql.valueAt.get(revision)?.value),
      revision,
    };
  }

  /** @throws StorageError `Compacted`, `FutureRevision` */
  range(range: KeyRange, limit: number | undefined, at: Revision | undefined): RangeResult {
    const revision = at ?? this.#revision;
    this.#checkHistory(revision);
    const past = revision < this.#revision;
    const state = {
      ":start": range.start,
      ":end": range.end ?? null,
      ...(past ? { ":revision": revision } : {}),
    };
    const items = (past ? this.#sql.pastItems : this.#sql.presentItems).all({
      ...state,
      ":limit": limit ?? -1,
    });
    const complete = limit === undefined || items.length < limit;
    const count = complete
      ? items.length
      : integer((past ? this.#sql.pastCount : this.#sql.presentCount).get(state)?.count);
    return {
      items: items.map((row) => ({
        key: text(row.key),
        value: bytes(row.value),
        revision: integer(row.revision),
      })),
      count,
      revision,
    };
  }

  /**
   * Writes in the range with `after` < revision <= `to`, in order.
   * @throws StorageError `Compacted`, `FutureRevision`
   */
  history(range: KeyRange, after: Revision, to: Revision): LogEntry[] {
    this.#checkHistory(Math.max(after, firstRevision));
    const rows = this.#sql.history.all({
      ":after": after,
      ":to": to,
      ":start": range.start,
      ":end": range.end ?? null,
    });
    return rows.map((row) => logEntry(row));
  }

  #checkHistory(revision: Revision): void {
    if (revision < this.#compacted) throw new StorageError("Compacted", { revision: this.#compacted });
    if (revision > this.#revision) throw new StorageError("FutureRevision", { revision: this.#revision });
  }

  /**
   * Forgets history before `revision`, `compactStepRevisions` writes at most; returns how far it is now.
   * The work depends on the writes since the last compaction, not on the number of keys.
   * @throws StorageError `FutureRevision`
   */
  compactStep(revision: Revision): Revision {
    if (revision > this.#revision) throw new StorageError("FutureRevision", { revision: this.#revision });
    const after = this.#compacted;
    const to = Math.min(revision, after + compactStepRevisions);
    if (to <= after) return after;
    const window: Record<string, SQLInputValue> = {
      ":after": after,
      ":to": to,
    };
    this.#sql.begin.run();
    try {
      this.#sql.forgetReplaced.run(window);
      this.#sql.forgetDeletes.run(window);
      this.#sql.setCompacted.run(to);
      this.#sql.commit.run();
    } catch (error) {
      if (this.#database.isTransaction) this.#sql.rollback.run();
      throw error;
    }
    this.#compacted = to;
    return to;
  }

  close(): void {
    this.#database.close();
  }
}

function prepareDatabase(database: DatabaseSync): void {
  // The file lock of an open handle ends with its process, however that dies; a lock file would stay behind.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA temp_store = MEMORY`);
  database.exec("BEGIN EXCLUSIVE");
  const version = integer(readOne(database, "PRAGMA user_version"));
  if (version === 0) {
    database.exec(schema);
    const insert = database.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
    insert.run("identity", randomUUID());
    insert.run("compacted", firstRevision);
  } else if (version !== formatVersion) {
    throw new Error(`its format ${version} is not the one this program reads, ${formatVersion}`);
  }
  database.exec("COMMIT");
}

function conditionFailure(write: Write, current: Revision | undefined): WriteFailure | undefined {
  if (write.type === "create") return current === undefined ? undefined : { failure: "KeyExists", revision: current };
  if (current === undefined) return { failure: "KeyNotFound" };
  return current === write.expected ? undefined : { failure: "Conflict", revision: current };
}

function logEntry(row: Record<string, SQLOutputValue>): LogEntry {
  const key = text(row.key);
  const previous = row.previous;
  return {
    key,
    revision: integer(row.revision),
    value: row.deleted === 1 ? undefined : bytes(row.value),
    previous:
      previous === null
        ? undefined
        : {
            key,
            value: bytes(row.previousValue),
            revision: integer(previous),
          },
  };
}

function readOne(database: DatabaseSync, sql: string): SQLOutputValue | undefined {
  const row = database.prepare(sql).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

type Column = SQLOutputValue | undefined;

function integer(column: Column): number {
  if (typeof column !== "number") throw new TypeError("the database holds no integer where one belongs");
  return column;
}

function text(column: Column): string {
  if (typeof column !== "string") throw new TypeError("the database holds no text where some belongs");
  return column;
}

/** SQLite may give an empty value back as NULL. */
function bytes(column: Column): Uint8Array {
  if (column === null) return new Uint8Array(0);
  if (!(column instanceof Uint8Array)) throw new TypeError("the database holds no bytes where some belong");
  return column;
}
