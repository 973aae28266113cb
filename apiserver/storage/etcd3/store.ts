/**
 * The etcd backend (design D6): the etcd3 package for reads, transactions and authentication, a watch of our own.
 *
 * Invariant: a write is sent once. Whoever gets `Unreachable` must read to learn what became of it.
 * Invariant: every write is a transaction on the key's mod revision (API T-03); none goes around it.
 */
import { randomUUID } from "node:crypto";
import type { IRangeRequest, IRequestOp, ITxnResponse } from "etcd3";
import { abortable } from "../abortable.ts";
import { closedError, isStorageError, StorageError } from "../errors.ts";
import {
  maxValueBytes,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type StorageBackend,
  type StorageWatch,
  type StoredValue,
} from "../interface.ts";
import type { StorePosition } from "../position.ts";
import { EtcdClient, type EtcdClientOptions } from "./client.ts";
import { type CompactorState, firstCompactorState, takeTurn } from "./compactor.ts";
import { interpretEtcdError } from "./errors.ts";
import { Keyspace } from "./keyspace.ts";
import { firstPageKeys, nextPageKeys } from "./page-size.ts";
import { EtcdWatch, storedValue } from "./watch.ts";

export type EtcdOptions = EtcdClientOptions & {
  /** Put before every key, e.g. `/functionmesh`; keys begin with `/registry/`. Default: nothing. */
  readonly prefix?: string;
  /** How often history older than one interval is dropped, in ms. Default 5 min (API T-08); 0 = never. */
  readonly compactEveryMs?: number;
};

const defaultCompactEveryMs = 5 * 60 * 1000;

/** Health checks give up after 2 s; this answers before. */
const pingDeadlineMs = 1900;

const registryPrefix = "/registry/";
const identityKey = "/registry/functionmesh-identity";
const healthKey = "/registry/health";

/** @throws StorageError `Unreachable` when no endpoint answers */
export async function openEtcd(options: EtcdOptions): Promise<StorageBackend> {
  const client = new EtcdClient(options);
  const keyspace = new Keyspace(options.prefix ?? "");
  try {
    const identity = await ensureIdentity(client, keyspace);
    return new EtcdStore(client, keyspace, identity, options.compactEveryMs ?? defaultCompactEveryMs);
  } catch (error) {
    client.close();
    throw interpretEtcdError(error);
  }
}

/** The first client writes an id; all others read it. */
async function ensureIdentity(client: EtcdClient, keyspace: Keyspace): Promise<string> {
  const key = keyspace.key(identityKey);
  const identity = randomUUID();
  const answer = await client.kv.txn({
    compare: [unchangedSince(key, absent)],
    success: [{ request_put: { key, value: Buffer.from(identity) } }],
    failure: [{ request_range: { key } }],
  });
  if (answer.succeeded) return identity;
  const kept = answer.responses[0]?.response_range.kvs[0];
  if (kept === undefined)
    throw new StorageError("Unreachable", { key: identityKey, message: "etcd lost the identity" });
  return kept.value.toString();
}

class EtcdStore implements StorageBackend {
  readonly identity: string;
  readonly #client: EtcdClient;
  readonly #keyspace: Keyspace;
  readonly #watches = new Set<EtcdWatch>();
  readonly #compactTimer: NodeJS.Timeout | undefined;
  #newestSeen: Revision = 0;
  #closed = false;

  constructor(client: EtcdClient, keyspace: Keyspace, identity: string, compactEveryMs: number) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.identity = identity;
    this.#compactTimer = this.#compactRegularly(compactEveryMs);
  }

  async get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    const answer = await this.#range({ key: this.#keyspace.key(key) }, key, signal);
    const kv = answer.kvs[0];
    return {
      value: kv === undefined ? undefined : storedValue(kv, this.#keyspace),
      revision: Number(answer.header.revision),
    };
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    try {
      return await this.#pages(options, signal);
    } catch (error) {
      throw await this.#withRevision(error);
    }
  }

  /** One state in pages: the first one's revision is that of all. */
  async #pages({ prefix, startKey, limit, revision }: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    const wanted = limit ?? Number.POSITIVE_INFINITY;
    const items: StoredValue[] = [];
    let range = this.#keyspace.range(prefix, startKey);
    let pageKeys = firstPageKeys;
    let state = { revision, count: 0 };
    for (;;) {
      const page = await this.#range(
        { ...range, limit: Math.min(pageKeys, wanted - items.length), ...atRevision(state.revision) },
        prefix,
        signal,
      );
      if (items.length === 0) {
        state = { revision: revision ?? Number(page.header.revision), count: Number(page.count) };
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

  async delete(key: string, expected: Revision): Promise<Revision> {
    return this.#write(key, presentAt(expected), { request_delete_range: { key: this.#keyspace.key(key) } });
  }

  async #write(key: string, expected: Revision, operation: IRequestOp): Promise<Revision> {
    const etcdKey = this.#keyspace.key(key);
    const answer = await this.#call(
      () =>
        this.#client.kv.txn({
          compare: [unchangedSince(etcdKey, expected)],
          success: [operation],
          failure: [{ request_range: { key: etcdKey, keys_only: true } }],
        }),
      key,
    );
    if (!answer.succeeded) throw conditionError(key, expected, answer);
    return Number(answer.header.revision);
  }

  async currentRevision(signal?: AbortSignal): Promise<Revision> {
    const answer = await this.#range({ key: this.#keyspace.key(healthKey), count_only: true }, healthKey, signal);
    return Number(answer.header.revision);
  }

  watch({ prefix, after, signal }: { prefix: string; after: Revision; signal?: AbortSignal }): StorageWatch {
    const stop = () => watch.end(undefined);
    const watch = new EtcdWatch({
      prefix,
      after,
      source: {
        openStream: () => this.#client.openWatchStream(),
        checkHistory: (revision) => this.#checkHistory(revision),
        newestSeen: () => this.#newestSeen,
        keyspace: this.#keyspace,
      },
      onEnd: (ended) => {
        this.#watches.delete(ended);
        signal?.removeEventListener("abort", stop);
      },
    });
    this.#watches.add(watch);
    if (this.#closed) watch.end(closedError());
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop);
    return watch;
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await this.#call(() => this.#client.kv.compact({ revision }), "");
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
    const stream = await this.#call(() => this.#client.openWatchStream(), "");
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
    await this.ping();
  }

  async position(signal?: AbortSignal): Promise<StorePosition> {
    const all = { ...this.#keyspace.range(registryPrefix), count_only: true };
    const answer = await this.#range(all, registryPrefix, signal);
    const revision = Number(answer.header.revision);
    return { identity: this.identity, revision, objects: Number(answer.count), marks: 0 };
  }

  async ping(): Promise<void> {
    const request = { key: this.#keyspace.key(healthKey), count_only: true };
    await this.#call(() => this.#client.kv.range(request, { deadline: Date.now() + pingDeadlineMs }), healthKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#compactTimer);
    for (const watch of this.#watches) watch.end(closedError());
    this.#client.close();
  }

  /** A read of any one key at the revision tells whether there is history. */
  async #checkHistory(revision: Revision): Promise<void> {
    const request = { key: this.#keyspace.key(healthKey), count_only: true };
    await this.#range({ ...request, revision: Math.max(revision, firstRevision) }, "");
  }

  #range(request: IRangeRequest, key: string, signal?: AbortSignal) {
    return this.#call(() => this.#client.kv.range(request), key, signal);
  }

  /** Makes one call; its failure becomes a StorageError. */
  async #call<T extends object>(call: () => Promise<T>, key: string, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      const answer = await abortable(call, signal);
      if ("header" in answer) this.#see(answer.header);
      return answer;
    } catch (error) {
      throw interpretEtcdError(error, key);
    }
  }

  #see(header: unknown): void {
    if (typeof header !== "object" || header === null || !("revision" in header)) return;
    this.#newestSeen = Math.max(this.#newestSeen, Number(header.revision));
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
    const compact = () => {
      takeTurn(this.#client.kv, state).then(
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
  const kv = responses[0]?.response_range.kvs[0];
  if (kv === undefined) return new StorageError("KeyNotFound", { key });
  return new StorageError(expected === absent ? "KeyExists" : "Conflict", { key, revision: Number(kv.mod_revision) });
}
