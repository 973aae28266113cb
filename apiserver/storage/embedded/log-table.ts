import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StorageError } from "../errors.ts";
import type { Revision, StoredValue } from "../interface.ts";
import {
  checksumOf,
  currentValue,
  firstRevision,
  integer,
  prepareDatabase,
  type Row,
  readOne,
  storedValue,
  text,
} from "./format.ts";
import { verifyDatabase } from "./integrity.ts";
import type {
  HistoryPage,
  HistoryQuery,
  KeyRange,
  LogEntry,
  RangePage,
  Write,
  WriteFailure,
  WriteGroup,
  WriteOutcome,
} from "./messages.ts";

/**
 * The log on disk: row number = revision. Synchronous; runs in the disk thread.
 *
 * Invariant: a read costs what it returns, and no call takes longer than a step of the bounds below: what is longer is
 *            asked for in several, and writers go in between.
 */

/** Writes undone per compaction step: a few ms of work, so that writers hardly wait for it. */
const compactStepRevisions = 1000;

/** Values in one page, and their bytes: reading and handing them over takes a few ms. */
const pageItems = 500;
const pageBytes = 4 * 1024 * 1024;

/** Keys looked at for one page of a past state, which has not all that are there now: some µs each. */
const pastPageKeys = 1000;

/** Pages of 4 KiB in the write-ahead log before it is copied into the table: 16 MiB, to copy hot pages less often. */
const checkpointPages = 4096;

const keyRange = "key >= :start AND key < :end";

/** To SQLite every text is less than any blob. */
const endOfKeys = new Uint8Array([0xff]);

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    revisionOf: prepare("SELECT revision FROM current WHERE key = ?"),
    valueAt: prepare("SELECT key AS logged, deleted, value, checksum FROM log WHERE revision = ?"),
    append: prepare("INSERT INTO log (revision, key, deleted, previous, value, checksum) VALUES (?, ?, ?, ?, ?, ?)"),
    setCurrent: prepare(
      "INSERT INTO current (key, revision) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision",
    ),
    dropCurrent: prepare("DELETE FROM current WHERE key = ?"),
    presentItems: prepare(`
      SELECT current.key, current.revision, log.key AS logged, log.deleted, log.value, log.checksum
      FROM current LEFT JOIN log ON log.revision = current.revision
      WHERE current.key >= :start AND current.key < :end ORDER BY current.key LIMIT :limit`),
    presentCount: prepare(`SELECT count(*) AS count FROM current WHERE ${keyRange}`),
    oldestOfNextKey: prepare(`
      SELECT key, revision FROM log INDEXED BY log_by_key WHERE ${keyRange} ORDER BY key, revision LIMIT 1`),
    newestOfKey: prepare(`
      SELECT key, revision, deleted, value, checksum FROM log INDEXED BY log_by_key
      WHERE key = :key AND revision <= :revision ORDER BY revision DESC LIMIT 1`),
    keysSince: prepare(`
      SELECT total(CASE deleted WHEN 1 THEN -1 ELSE 1 END) AS count FROM log INDEXED BY log_turns
      WHERE (previous IS NULL OR deleted = 1) AND revision > :revision AND ${keyRange}`),
    history: prepare(`
      SELECT revision, key, deleted, value, checksum FROM log
      WHERE revision > :after AND revision <= :to AND +key >= :start AND +key < :end ORDER BY revision`),
    historyWithPrevious: prepare(`
      SELECT log.revision, log.key, log.deleted, log.value, log.checksum, log.previous,
        old.value AS oldValue, old.checksum AS oldChecksum
      FROM log LEFT JOIN log AS old ON old.revision = log.previous
      WHERE log.revision > :after AND log.revision <= :to AND +log.key >= :start AND +log.key < :end
      ORDER BY log.revision`),
    forgetReplaced: prepare(`
      DELETE FROM log WHERE revision IN
        (SELECT previous FROM log WHERE revision > :after AND revision <= :to AND previous IS NOT NULL)`),
    forgetDeletes: prepare("DELETE FROM log WHERE revision > :after AND revision <= :to AND deleted = 1"),
    touch: prepare(
      "INSERT INTO meta (name, value) VALUES ('touched', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
    ),
    pages: prepare("PRAGMA page_count"),
    freePages: prepare("PRAGMA freelist_count"),
    setCompacted: prepare("UPDATE meta SET value = ? WHERE name = 'compacted'"),
  } satisfies Record<string, StatementSync>;
}

export class LogTable {
  readonly identity: string;
  readonly #database: DatabaseSync;
  readonly #sql: ReturnType<typeof prepareAll>;
  readonly #pageBytes: number;
  readonly #maxPages: number | undefined;
  #revision: Revision;
  #compacted: Revision;
  #objects: number;

  /**
   * @param maxBytes most that the file may take; default: as much as the disk has
   * @throws an error whose `errcode` is 5 (SQLITE_BUSY) while another process has the file open
   */
  constructor(file: string, { maxBytes }: { readonly maxBytes?: number | undefined } = {}) {
    const database = new DatabaseSync(file);
    try {
      prepareDatabase(database, checkpointPages);
      this.#sql = prepareAll(database);
      this.identity = text(readOne(database, "SELECT value FROM meta WHERE name = 'identity'"));
      this.#compacted = integer(readOne(database, "SELECT value FROM meta WHERE name = 'compacted'"));
      // A compacted delete leaves no row, so the newest row alone may be older than the newest revision.
      const newest = readOne(database, "SELECT max(revision) FROM log");
      this.#revision = Math.max(this.#compacted, newest === null ? firstRevision : integer(newest));
      this.#objects = integer(readOne(database, "SELECT count(*) FROM current"));
      this.#pageBytes = integer(readOne(database, "PRAGMA page_size"));
      this.#maxPages = maxBytes === undefined ? undefined : Math.ceil(maxBytes / this.#pageBytes);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    this.lendPages(0);
  }

  /** Keys that exist. */
  get objects(): number {
    return this.#objects;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compacted(): Revision {
    return this.#compacted;
  }

  /**
   * Commits the groups in one transaction: one wait for the disk. A write whose condition fails changes nothing and
   * leaves the others alone. When this throws, what became of the groups is unknown, except when the disk is full: then
   * nothing was written.
   *
   * @param shrinking refuse what needs room: creates, and updates to something larger
   */
  write(groups: readonly WriteGroup[], shrinking = false): WriteOutcome[][] {
    const before = { revision: this.#revision, objects: this.#objects };
    try {
      return this.#transaction(() =>
        groups.map(({ writes, values }) => writes.map((write) => this.#apply(write, values, shrinking))),
      );
    } catch (error) {
      this.#revision = before.revision;
      this.#objects = before.objects;
      throw error;
    }
  }

  /** Writes something that nobody reads, to see whether the disk takes it. */
  touch(): void {
    this.#transaction(() => this.#sql.touch.run());
  }

  #transaction<T>(work: () => T): T {
    this.#sql.begin.run();
    try {
      const result = work();
      this.#sql.commit.run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#sql.rollback.run();
      throw error;
    }
  }

  #apply(write: Write, values: ArrayBuffer, shrinking: boolean): WriteOutcome {
    const found = this.#sql.revisionOf.get(write.key)?.revision;
    const current = found === undefined ? undefined : integer(found);
    const failure = conditionFailure(write, current);
    if (failure !== undefined) return failure;

    const revision = this.#revision + 1;
    const deleted = write.type === "delete";
    const value = deleted ? null : new Uint8Array(values, write.start, write.end - write.start);
    if (shrinking && needsRoom(this.get(write.key), value)) return { failure: "Full" };
    const checksum = checksumOf(revision, write.key, value ?? noBytes);
    this.#sql.append.run(revision, write.key, deleted ? 1 : 0, current ?? null, value, checksum);
    if (deleted) this.#sql.dropCurrent.run(write.key);
    else this.#sql.setCurrent.run(write.key, revision);
    this.#revision = revision;
    if (current === undefined) this.#objects++;
    if (deleted) this.#objects--;
    return { revision };
  }

  get(key: string): StoredValue | undefined {
    const revision = this.#sql.revisionOf.get(key)?.revision;
    return revision === undefined ? undefined : this.#stored(key, integer(revision));
  }

  #stored(key: string, revision: Revision): StoredValue {
    return currentValue({ key, revision, ...this.#sql.valueAt.get(revision) });
  }

  /**
   * The first items of the range, as many as one step may have; `next` is where the rest begins, if there is any.
   * @throws StorageError `Compacted`, `FutureRevision`
   */
  page(range: KeyRange, limit: number | undefined, at: Revision | undefined): RangePage {
    const revision = at ?? this.#revision;
    this.#checkHistory(revision);
    const items = Math.min(limit ?? pageItems, pageItems);
    const page = revision < this.#revision ? this.#past(range, items, revision) : this.#present(range, items);
    return { ...page, revision };
  }

  #present(range: KeyRange, limit: number): { items: StoredValue[]; next: string | undefined } {
    const items: StoredValue[] = [];
    let size = 0;
    for (const row of this.#sql.presentItems.iterate({ ...bounds(range), ":limit": limit })) {
      const item = currentValue(row);
      items.push(item);
      size += item.value.byteLength;
      if (size >= pageBytes) break;
    }
    const isAll = items.length < limit && size < pageBytes;
    return { items, next: isAll ? undefined : keyAfter(items.at(-1)?.key) };
  }

  /** Goes from key to key: their oldest rows tell which did not exist yet, their newest up to then what they were. */
  #past(range: KeyRange, limit: number, revision: Revision): { items: StoredValue[]; next: string | undefined } {
    const { oldestOfNextKey, newestOfKey } = this.#sql;
    const items: StoredValue[] = [];
    let size = 0;
    let { start } = range;
    for (let looked = 0; looked < pastPageKeys && items.length < limit && size < pageBytes; looked++) {
      const oldest = oldestOfNextKey.get(bounds({ start, end: range.end }));
      if (oldest === undefined) return { items, next: undefined };
      const key = text(oldest.key);
      start = `${key}\0`;
      if (integer(oldest.revision) > revision) continue;
      const row = newestOfKey.get({ ":key": key, ":revision": revision });
      if (row === undefined || row.deleted === 1) continue;
      const item = storedValue(row);
      items.push(item);
      size += item.value.byteLength;
    }
    return { items, next: start };
  }

  /**
   * How many keys the range has at a revision.
   * @throws StorageError `Compacted`, `FutureRevision`
   */
  count(range: KeyRange, revision: Revision): number {
    this.#checkHistory(revision);
    const now = integer(this.#sql.presentCount.get(bounds(range))?.count);
    if (revision === this.#revision) return now;
    return now - integer(this.#sql.keysSince.get({ ...bounds(range), ":revision": revision })?.count);
  }

  /**
   * Writes in the range with `after` < revision <= `to`, in order, as many as one step may have: `to` is how far it came.
   * @throws StorageError `Compacted`, `FutureRevision`
   */
  history({ range, after, to, previous }: HistoryQuery): HistoryPage {
    this.#checkHistory(Math.max(after, firstRevision));
    const entries: LogEntry[] = [];
    let size = 0;
    const rows = previous ? this.#sql.historyWithPrevious : this.#sql.history;
    for (const row of rows.iterate({ ...bounds(range), ":after": after, ":to": to })) {
      const entry = logEntry(row);
      entries.push(entry);
      size += (entry.value?.byteLength ?? 0) + (entry.previous?.value.byteLength ?? 0);
      if (size >= pageBytes) return { entries, to: entry.revision };
    }
    return { entries, to };
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
    this.#transaction(() => {
      this.#sql.forgetReplaced.run(window);
      this.#sql.forgetDeletes.run(window);
      this.#sql.setCompacted.run(to);
    });
    this.#compacted = to;
    return to;
  }

  /** Bytes of the file that hold nothing. */
  get freeBytes(): number {
    return integer(this.#sql.freePages.get()?.freelist_count) * this.#pageBytes;
  }

  /** Of the file. */
  sizeBytes(): number {
    return integer(this.#sql.pages.get()?.page_count) * this.#pageBytes;
  }

  /** Whether so much can be written before the file has reached its bound. */
  hasRoom(bytes: number): boolean {
    if (this.#maxPages === undefined) return true;
    const pages = this.#maxPages - integer(this.#sql.pages.get()?.page_count);
    return pages * this.#pageBytes + this.freeBytes >= bytes;
  }

  /** Lets the file grow beyond its bound by so much. */
  lendPages(bytes: number): void {
    if (this.#maxPages === undefined) return;
    this.#database.exec(`PRAGMA max_page_count = ${this.#maxPages + Math.ceil(bytes / this.#pageBytes)}`);
  }

  /**
   * Copies the write-ahead log into the table, as far as there is room.
   * @param pages from now on this is done whenever so many have gathered
   */
  checkpoint(bytes: number): void {
    const pages = Math.min(checkpointPages, Math.floor(bytes / this.#pageBytes));
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}; PRAGMA wal_checkpoint(PASSIVE)`);
  }

  /** @throws StorageError `Unusable` that says what is damaged, as far as that is found within `budgetMs` */
  verify(budgetMs: number): void {
    verifyDatabase(this.#database, budgetMs);
  }

  close(): void {
    this.#database.close();
  }
}

/** Room an update may take where there is none to spare: finalizers and conditions come and go while objects are deleted. */
const smallGrowthBytes = 1024;

function needsRoom(previous: StoredValue | undefined, value: Uint8Array | null): boolean {
  if (value === null) return false;
  return previous === undefined || value.byteLength > previous.value.byteLength + smallGrowthBytes;
}

function conditionFailure(write: Write, current: Revision | undefined): WriteFailure | undefined {
  if (write.type === "create") return current === undefined ? undefined : { failure: "KeyExists", revision: current };
  if (current === undefined) return { failure: "KeyNotFound" };
  return current === write.expected ? undefined : { failure: "Conflict", revision: current };
}

function logEntry(row: Row): LogEntry {
  const { key, previous } = row;
  const { value, ...written } = storedValue(row);
  const old = { key, revision: previous, value: row.oldValue, checksum: row.oldChecksum };
  return {
    ...written,
    value: row.deleted === 1 ? undefined : value,
    previous: typeof previous === "number" ? storedValue(old) : undefined,
  };
}

const noBytes = new Uint8Array(0);

function bounds({ start, end }: KeyRange): Record<string, SQLInputValue> {
  return { ":start": start, ":end": end ?? endOfKeys };
}

function keyAfter(key: string | undefined): string | undefined {
  return key === undefined ? undefined : `${key}\0`;
}
