/**
 * The embedded backend: an append-only log in SQLite whose position is the revision (design D6).
 *
 * Invariant: this thread never waits for the disk; `worker.ts` does, and only it opens the database.
 * Invariant: watches hear of a write before its writer does.
 * Invariant: one process per data directory. The lock ends with the process that holds it.
 */
import { systemClock } from "../../machinery/clock.ts";
import { abortable } from "../abortable.ts";
import { closedError, isStorageError, StorageError, type StorageErrorCode } from "../errors.ts";
import {
  maxValueBytes,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type StorageBackend,
  type StorageEvent,
  type StorageWatch,
  type StorageWatchOptions,
  type StoredValue,
  type StorePosition,
} from "../interface.ts";
import { prefixEnd } from "../keys.ts";
import { prepareDataDirectory, recordOwner } from "./data-directory.ts";
import { type Disk, openDisk, type PendingWrite } from "./disk.ts";
import type { KeyRange, LogEntry, Query, QueryResult, WriteOutcome } from "./messages.ts";
import { RangeCounts } from "./range-counts.ts";
import { EmbeddedWatch } from "./watch.ts";

export type EmbeddedOptions = {
  /** Made if missing. */
  readonly directory: string;
  /** History is kept for one to two of these, in ms. Default 5 min, kube-apiserver's own (API T-08); 0 = all is kept. */
  readonly compactEveryMs?: number;
  /** Most bytes that the database file may take. Default: as much as the disk has. */
  readonly maxBytes?: number;
};

const defaultCompactEveryMs = 5 * 60 * 1000;

/**
 * @throws StartError `data directory … is in use by process …`, or one that says why it cannot be used, or why the store
 *   in it is not what it was
 */
export async function openEmbedded({ directory, ...options }: EmbeddedOptions): Promise<StorageBackend> {
  const dataDirectory = prepareDataDirectory(directory);
  const store = await EmbeddedStore.open(dataDirectory, options);
  try {
    recordOwner(dataDirectory);
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

type Written = {
  readonly pending: PendingWrite;
  readonly outcome: WriteOutcome;
};

class EmbeddedStore implements StorageBackend {
  readonly identity: string;
  readonly #disk: Disk;
  readonly #watches = new Set<EmbeddedWatch>();
  readonly #counts = new RangeCounts();
  /** Whoever asks while it is under way shares it. */
  #probe: Promise<void> | undefined;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  readonly #compactTimer: NodeJS.Timeout | undefined;
  #revision: Revision;
  #compacted: Revision;
  #closing: Promise<void> | undefined;

  static async open(
    directory: ReturnType<typeof prepareDataDirectory>,
    { compactEveryMs = defaultCompactEveryMs, maxBytes }: Omit<EmbeddedOptions, "directory">,
  ): Promise<EmbeddedStore> {
    const opened: { store?: EmbeddedStore } = {};
    const { disk, ...state } = await openDisk(
      directory,
      maxBytes,
      (written) => opened.store?.publish(written),
      (error) => opened.store?.lose(error),
    );
    opened.store = new EmbeddedStore(disk, state, compactEveryMs);
    return opened.store;
  }

  private constructor(
    disk: Disk,
    state: {
      readonly identity: string;
      readonly revision: Revision;
      readonly compacted: Revision;
    },
    compactEveryMs: number,
  ) {
    this.#disk = disk;
    this.identity = state.identity;
    this.#revision = state.revision;
    this.#compacted = state.compacted;
    this.#compactTimer = this.#compactRegularly(compactEveryMs);
  }

  async get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    const { value, revision } = expectResult(await this.#query({ type: "get", key }, signal), "get");
    return { value, revision };
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pages(options, signal);
      } catch (error) {
        // The newest state became history between two pages, and that was compacted: there is a newer one.
        const isOutrun = options.revision === undefined && isStorageError(error, "Compacted");
        if (!isOutrun || attempt === maxRangeAttempts) throw error;
      }
    }
  }

  /** One state in pages, between which others have their turn: the first one's revision is that of all. */
  async #pages({ prefix, startKey, limit, revision }: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    const range: KeyRange = { start: startKey ?? prefix, end: prefixEnd(prefix) };
    const items: StoredValue[] = [];
    let { start } = range;
    let at = revision;
    for (;;) {
      const rest = limit === undefined ? undefined : limit - items.length;
      const query: Query = { type: "page", range: { ...range, start }, limit: rest, revision: at };
      const page = expectResult(await this.#query(query, signal), "page");
      items.push(...page.items);
      at = page.revision;
      if (page.next === undefined) return { items, count: items.length, revision: at };
      if (items.length === limit) return { items, count: await this.#count(range, items, at, signal), revision: at };
      start = page.next;
    }
  }

  async #count(range: KeyRange, items: readonly StoredValue[], revision: Revision, signal?: AbortSignal) {
    const known = this.#counts.take(range, revision);
    const query: Query = { type: "count", range, revision };
    const count = known ?? expectResult(await this.#query(query, signal), "count").count;
    const last = items.at(-1);
    if (last !== undefined) this.#counts.put({ ...range, start: `${last.key}\0` }, revision, count - items.length);
    return count;
  }

  create(key: string, value: Uint8Array): Promise<Revision> {
    return this.#write({ type: "create", key }, value);
  }

  update(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    return this.#write({ type: "update", key, expected }, value);
  }

  delete(key: string, expected: Revision): Promise<Revision> {
    return this.#write({ type: "delete", key, expected }, noBytes);
  }

  async currentRevision(): Promise<Revision> {
    this.#checkOpen();
    return this.#revision;
  }

  watch({ prefix, after, previous: wantsPrevious, signal }: StorageWatchOptions): StorageWatch {
    const range: KeyRange = { start: prefix, end: prefixEnd(prefix) };
    const previous = wantsPrevious === true;
    const stop = () => watch.end(undefined);
    const watch = new EmbeddedWatch({
      prefix,
      after,
      previous,
      readHistory: async (from, to) => {
        const result = await this.#query({ type: "history", range, after: from, to, previous }, signal);
        const page = expectResult(result, "history");
        return { events: page.entries.map(eventOf), to: page.to };
      },
      currentRevision: () => this.#revision,
      onEnd: (ended) => {
        this.#watches.delete(ended);
        signal?.removeEventListener("abort", stop);
      },
    });
    this.#watches.add(watch);
    if (this.#closing !== undefined) watch.end(closedError());
    if (after > this.#revision) watch.end(new StorageError("FutureRevision", { revision: this.#revision }));
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop);
    return watch;
  }

  async compact(revision: Revision): Promise<void> {
    if (revision <= this.#compacted) throw new StorageError("Compacted", { revision: this.#compacted });
    if (revision > this.#revision) throw new StorageError("FutureRevision", { revision: this.#revision });
    while (this.#compacted < revision) {
      const step = await this.#query({ type: "compactStep", revision }, undefined);
      this.#compacted = Math.max(this.#compacted, expectResult(step, "compactStep").compacted);
    }
  }

  async compactedRevision(): Promise<Revision> {
    this.#checkOpen();
    return this.#compacted;
  }

  async ping(): Promise<void> {
    await this.get("", AbortSignal.timeout(pingDeadlineMs));
  }

  async pingWrite(): Promise<void> {
    if (systemClock.elapsedMs() - this.#probedAtMs < probeEveryMs) return;
    this.#probe ??= this.#query({ type: "probe" }, AbortSignal.timeout(pingDeadlineMs))
      .then(() => {
        this.#probedAtMs = systemClock.elapsedMs();
      })
      .finally(() => {
        this.#probe = undefined;
      });
    await this.#probe;
  }

  async sizeBytes(): Promise<number> {
    const size = await this.#query({ type: "size" }, AbortSignal.timeout(pingDeadlineMs));
    return expectResult(size, "size").bytes;
  }

  async position(signal?: AbortSignal): Promise<StorePosition> {
    return expectResult(await this.#query({ type: "position" }, signal), "position").position;
  }

  /** Revisions of this store only grow: they tell its states apart. */
  mark(signal?: AbortSignal): Promise<StorePosition> {
    return this.position(signal);
  }

  /** What could be another store was refused when it was opened; a file that was replaced since is opened by a restart. */
  async adopt(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Tells the watches; the writers are told after them. */
  publish(written: readonly Written[]): void {
    const events = written.flatMap(({ pending, outcome }) => committedEvent(pending, outcome));
    const last = events.at(-1);
    if (last === undefined) return;
    this.#revision = last.revision;
    for (const watch of this.#watches) watch.push(events, last.revision);
  }

  /** The disk thread is gone: as asked, or for good. */
  lose(error: StorageError): void {
    const reason = this.#closing === undefined ? error : closedError();
    for (const watch of this.#watches) watch.end(reason);
  }

  #write(write: PendingWrite["write"], value: Uint8Array): Promise<Revision> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      if (value.byteLength > maxValueBytes) throw new StorageError("TooLarge", { key: write.key });
      const settle = (outcome: WriteOutcome | StorageError) => {
        if (outcome instanceof StorageError) reject(outcome);
        else if ("failure" in outcome) reject(writeError(write.key, outcome.failure, outcome.revision));
        else resolve(outcome.revision);
      };
      this.#disk.write({ write, value, settle });
    });
  }

  async #query(query: Query, signal: AbortSignal | undefined): Promise<QueryResult> {
    this.#checkOpen();
    return abortable(() => this.#disk.query(query), signal);
  }

  #compactRegularly(everyMs: number): NodeJS.Timeout | undefined {
    if (everyMs === 0) return undefined;
    let mark = this.#revision;
    const compact = () => {
      const due = mark;
      mark = this.#revision;
      // A failure is the disk's and meets every reader and writer too; history is only kept for longer.
      if (due > this.#compacted) this.compact(due).catch(() => {});
    };
    return setInterval(compact, everyMs).unref();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    clearInterval(this.#compactTimer);
    await this.#disk.close();
  }
}

/** A list that was outrun by compaction so often is given up: that comes every few minutes. */
const maxRangeAttempts = 20;

/** Health checks give up after 2 s; this answers before. */
const pingDeadlineMs = 1900;

/** A disk that took a write is not asked again for so long, in ms: whoever asks for health must not wear it out. */
const probeEveryMs = 1000;

const noBytes = new Uint8Array(0);

function writeError(key: string, code: StorageErrorCode, revision: Revision | undefined): StorageError {
  if (code === "Full")
    return new StorageError(code, { key, message: "the disk is full: only what frees room is written" });
  return new StorageError(code, revision === undefined ? { key } : { key, revision });
}

function committedEvent({ write, value }: PendingWrite, outcome: WriteOutcome): StorageEvent[] {
  if ("failure" in outcome) return [];
  const { revision } = outcome;
  return [eventOf({ key: write.key, revision, value: write.type === "delete" ? undefined : value })];
}

function eventOf({ value, ...write }: LogEntry): StorageEvent {
  return value === undefined ? { type: "delete", ...write } : { type: "put", value, ...write };
}

function expectResult<T extends QueryResult["type"]>(result: QueryResult, type: T): Extract<QueryResult, { type: T }> {
  if (!isResult(result, type)) throw new TypeError(`the disk thread answered ${result.type} instead of ${type}`);
  return result;
}

function isResult<T extends QueryResult["type"]>(
  result: QueryResult,
  type: T,
): result is Extract<QueryResult, { type: T }> {
  return result.type === type;
}
