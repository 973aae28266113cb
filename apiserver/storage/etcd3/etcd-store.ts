/**
 * The etcd backend (design D6): the etcd3 package for reads, transactions and authentication, a watch of our own.
 *
 * Invariant: a write is sent once. Whoever gets `Unreachable` must read to learn what became of it.
 * Invariant: every write is a transaction on the key's mod revision (API T-03); none goes around it.
 */
import type { IRequestOp, ITxnResponse } from "etcd3";
import { systemClock } from "../../machinery/clock.ts";
import { closedError, isStorageError, StorageError } from "../errors.ts";
import {
  maxValueBytes,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type StorageBackend,
  type StorageWatch,
  type StorageWatchOptions,
  type StoredValue,
  type StorePosition,
} from "../interface.ts";
import { EtcdClient, type EtcdClientOptions } from "./client.ts";
import { type CompactorState, firstCompactorState, takeTurn } from "./compactor.ts";
import { interpretEtcdError } from "./errors.ts";
import { Keyspace } from "./keyspace.ts";
import { OwnDeletes } from "./own-deletes.ts";
import { firstPageKeys, nextPageKeys } from "./page-size.ts";
import { EtcdSession, healthKey } from "./session.ts";
import { EtcdWatch, storedValue } from "./watch.ts";

export type EtcdOptions = EtcdClientOptions & {
  /** Put before every key, e.g. `/functionmesh`; keys begin with `/registry/`. Default: nothing. */
  readonly prefix?: string;
  /** How often history older than one interval is dropped, in ms. Default 5 min (API T-08); 0 = never. */
  readonly compactEveryMs?: number;
  /** A store that was never used is left so, and unusable, until it is adopted. Default: it gets an identity. */
  readonly asFound?: boolean;
};

const defaultCompactEveryMs = 5 * 60 * 1000;

/** A list that was outrun by compaction so often is given up: that comes every few minutes. */
const maxRangeAttempts = 20;

/** Health checks give up after 2 s; this answers before. */
const pingDeadlineMs = 1900;

/** A write that etcd took proves for so long, in ms, that it takes writes. */
const writtenLatelyMs = 30_000;

/** @throws StorageError `Unreachable` when no endpoint answers */
export async function openEtcd(options: EtcdOptions): Promise<StorageBackend> {
  const session = new EtcdSession(new EtcdClient(options), new Keyspace(options.prefix ?? ""));
  try {
    const found = await session.position();
    if (found.identity !== undefined || options.asFound !== true) await session.adopt(found);
    return new EtcdStore(session, options.compactEveryMs ?? defaultCompactEveryMs);
  } catch (error) {
    session.close();
    throw error;
  }
}

class EtcdStore implements StorageBackend {
  readonly #session: EtcdSession;
  readonly #watches = new Set<EtcdWatch>();
  readonly #ownDeletes = new OwnDeletes();
  readonly #compactTimer: NodeJS.Timeout | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(session: EtcdSession, compactEveryMs: number) {
    this.#session = session;
    this.#compactTimer = this.#compactRegularly(compactEveryMs);
  }

  get identity(): string {
    return this.#session.identity;
  }

  position(signal?: AbortSignal): Promise<StorePosition> {
    return this.#session.position(signal);
  }

  mark(signal?: AbortSignal): Promise<StorePosition> {
    return this.#session.mark(signal);
  }

  adopt(position: StorePosition): Promise<void> {
    return this.#session.adopt(position);
  }

  async get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    const { range, revision } = await this.#session.read({ key: this.#keyspace.key(key) }, key, signal);
    const kv = range.kvs[0];
    return { value: kv === undefined ? undefined : storedValue(kv, this.#keyspace), revision };
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pages(options, signal);
      } catch (error) {
        // The newest state became history between two pages, and that was compacted: there is a newer one.
        const isOutrun = options.revision === undefined && isStorageError(error, "Compacted");
        if (!isOutrun || attempt === maxRangeAttempts) throw await this.#withRevision(error);
      }
    }
  }

  /**
   * One state in pages: the first one's revision is that of all. Not by etcd 3.7's RangeStream: of 10,000 values of 3.4 KB it
   * cost this process 92 to 191 ms of CPU where pages cost 127 to 202, and etcd as much; and it cannot share a transaction
   * with the look at the store's identity.
   */
  async #pages({ prefix, startKey, limit, revision }: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    const wanted = limit ?? Number.POSITIVE_INFINITY;
    const items: StoredValue[] = [];
    let range = this.#keyspace.range(prefix, startKey);
    let pageKeys = firstPageKeys;
    let state = { revision, count: 0 };
    for (;;) {
      const { range: page, revision: now } = await this.#session.read(
        { ...range, limit: Math.min(pageKeys, wanted - items.length), ...atRevision(state.revision) },
        prefix,
        signal,
      );
      if (items.length === 0) {
        state = { revision: revision ?? now, count: Number(page.count) };
      }
      for (const kv of page.kvs) items.push(storedValue(kv, this.#keyspace));
      const last = page.kvs.at(-1);
      if (last === undefined || !page.more || items.length >= wanted) break;
      pageKeys = nextPageKeys(page.kvs.map(({ value }) => value.length));
      range = { ...range, key: Buffer.concat([last.key, Buffer.from([0])]) };
    }
    return { items, count: state.count, revision: state.revision ?? 0 };
  }

  create(key: string, value: Uint8Array): Promise<Revision> {
    return this.#put(key, value, absent);
  }

  update(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    return this.#put(key, value, presentAt(expected));
  }

  async #put(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    if (value.byteLength > maxValueBytes) throw new StorageError("TooLarge", { key });
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return this.#write(key, expected, { request_put: { key: this.#keyspace.key(key), value: bytes } });
  }

  delete(key: string, expected: Revision): Promise<Revision> {
    this.#ownDeletes.note(key);
    return this.#write(key, presentAt(expected), { request_delete_range: { key: this.#keyspace.key(key) } });
  }

  async #write(key: string, expected: Revision, operation: IRequestOp): Promise<Revision> {
    const etcdKey = this.#keyspace.key(key);
    const answer = await this.#session
      .write(key, {
        compare: [unchangedSince(etcdKey, expected)],
        operation,
        failure: [{ request_range: { key: etcdKey, keys_only: true } }],
      })
      .catch((error: unknown) => {
        this.#writtenAtMs = Number.NEGATIVE_INFINITY;
        throw error;
      });
    if (!answer.succeeded) throw conditionError(key, expected, answer);
    this.#writtenAtMs = systemClock.elapsedMs();
    return Number(answer.header.revision);
  }

  async currentRevision(signal?: AbortSignal): Promise<Revision> {
    const request = { key: this.#keyspace.key(healthKey), count_only: true };
    return (await this.#session.read(request, healthKey, signal)).revision;
  }

  watch({ signal, ...options }: StorageWatchOptions): StorageWatch {
    const stop = () => watch.end(undefined);
    const watch = new EtcdWatch({
      ...options,
      source: {
        openStream: () => this.#session.client.openWatchStream(),
        checkHistory: (revision) => this.#checkHistory(revision),
        checkStore: async () => void (await this.currentRevision()),
        checkHeader: (header) => this.#session.checkCluster(header),
        isOwnDelete: (key) => this.#ownDeletes.has(key),
        newestSeen: () => this.#session.newestSeen,
        keyspace: this.#keyspace,
      },
      onEnd: (ended) => {
        this.#watches.delete(ended);
        signal?.removeEventListener("abort", stop);
      },
    });
    this.#watches.add(watch);
    if (this.#session.closed) watch.end(closedError());
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop);
    return watch;
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await this.currentRevision();
      await this.#session.attempt(() => this.#session.client.write((kv) => kv.compact({ revision })), "");
    } catch (error) {
      throw await this.#withRevision(error);
    }
  }

  /** etcd names this number only to a watch that comes too late, so one is made to. */
  async compactedRevision(): Promise<Revision> {
    try {
      await this.#checkHistory(firstRevision);
      return firstRevision;
    } catch (error) {
      if (!isStorageError(error, "Compacted")) throw error;
    }
    const { stream } = await this.#session.attempt(() => this.#session.client.openWatchStream(), "");
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        stream.end();
        stream.cancel();
        reject(new StorageError("Unreachable", { message: "etcd: no answer to a watch" }));
      }, compactedRevisionDeadlineMs);
      stream.on("error", (error) => {
        clearTimeout(deadline);
        reject(interpretEtcdError(error));
      });
      stream.on("data", ({ compact_revision }) => {
        if (Number(compact_revision) === 0) return;
        clearTimeout(deadline);
        resolve(Number(compact_revision));
        stream.end();
        stream.cancel();
      });
      stream.write({ create_request: { key: this.#keyspace.key(healthKey), start_revision: firstRevision } });
    });
  }

  async pingWrite(): Promise<void> {
    if (systemClock.elapsedMs() - this.#writtenAtMs < writtenLatelyMs) return;
    await this.#session.mark(AbortSignal.timeout(pingDeadlineMs));
    this.#writtenAtMs = systemClock.elapsedMs();
  }

  async ping(): Promise<void> {
    const request = { key: this.#keyspace.key(healthKey), count_only: true };
    const end = systemClock.now() + pingDeadlineMs;
    const { client } = this.#session;
    const ask = () => client.read((kv, { deadline }) => kv.range(request, { deadline: Math.min(end, deadline) }));
    await this.#session.attempt(ask, healthKey, AbortSignal.timeout(pingDeadlineMs));
  }

  async sizeBytes(): Promise<number> {
    const { client } = this.#session;
    return this.#session.attempt(() => client.sizeBytes(), "", AbortSignal.timeout(pingDeadlineMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#session.closed) return;
    clearInterval(this.#compactTimer);
    for (const watch of this.#watches) watch.end(closedError());
    this.#session.close();
  }

  get #keyspace(): Keyspace {
    return this.#session.keyspace;
  }

  /** A read of any one key at the revision tells whether there is history. */
  async #checkHistory(revision: Revision): Promise<void> {
    const request = {
      key: this.#keyspace.key(healthKey),
      count_only: true,
      revision: Math.max(revision, firstRevision),
    };
    try {
      await this.#session.read(request, "");
    } catch (error) {
      // A revision that etcd had once is no future one: this is another etcd, or an older one.
      if (isStorageError(error, "FutureRevision")) await this.currentRevision();
      throw error;
    }
  }

  /** Adds which revision would have been accepted: etcd does not say. */
  async #withRevision(error: unknown): Promise<unknown> {
    if (isStorageError(error, "Compacted")) {
      return new StorageError("Compacted", { revision: await this.compactedRevision() }, { cause: error });
    }
    if (isStorageError(error, "FutureRevision")) {
      return new StorageError("FutureRevision", { revision: await this.currentRevision() }, { cause: error });
    }
    return error;
  }

  #compactRegularly(everyMs: number): NodeJS.Timeout | undefined {
    if (everyMs === 0) return undefined;
    let state: CompactorState = firstCompactorState;
    const turn = async (): Promise<CompactorState> => {
      await this.currentRevision();
      return this.#session.client.write((kv) => takeTurn(kv, state));
    };
    const compact = () => {
      turn().then(
        (next) => {
          state = next;
        },
        // An etcd that fails here fails readers and writers too; the next turn makes up for this one.
        () => {},
      );
    };
    return setInterval(compact, everyMs).unref();
  }
}

/** Of a new etcd: nothing was ever written at or before it. */
const firstRevision = 1;

/** etcd looks for late watches every 100 ms. */
const compactedRevisionDeadlineMs = 5_000;

function atRevision(revision: Revision | undefined): { revision?: Revision } {
  return revision === undefined ? {} : { revision };
}

/** The revision etcd compares with where there is no key. */
const absent = 0;

/** What expects a key must not be satisfied by its absence, whatever revision it was given. */
function presentAt(expected: Revision): number {
  return expected > absent ? expected : -1;
}

function unchangedSince(key: Buffer, revision: Revision) {
  return { key, target: "Mod", result: "Equal", mod_revision: revision } as const;
}

function conditionError(key: string, expected: Revision, { responses }: ITxnResponse): StorageError {
  // The first response has the store's identity.
  const kv = responses[1]?.response_range.kvs[0];
  if (kv === undefined) return new StorageError("KeyNotFound", { key });
  return new StorageError(expected === absent ? "KeyExists" : "Conflict", { key, revision: Number(kv.mod_revision) });
}
