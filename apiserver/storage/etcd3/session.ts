/**
 * Calls that hold in one store only.
 *
 * Invariant: what is read or written shares a transaction with a look at the store's identity. In an etcd that was
 *            emptied, replaced or put back nothing is read and nothing written: the call fails with `Unusable`.
 * Invariant: no answer is older than one had before.
 *
 * The key with the identity is written anew, with the same value, to mark the store: etcd counts that in its version. An
 * etcd that was put back has fewer marks, even where its tools raised the revisions meanwhile (`--bump-revision`).
 */
import { randomUUID } from "node:crypto";
import type { ICompare, IRangeRequest, IRangeResponse, IRequestOp, IResponseHeader, ITxnResponse } from "etcd3";
import { abortable } from "../abortable.ts";
import { importNoteKey, replacedBy } from "../backup/import-note.ts";
import { closedError, StorageError } from "../errors.ts";
import type { Revision, StorePosition } from "../interface.ts";
import type { EtcdClient } from "./client.ts";
import { interpretEtcdError } from "./errors.ts";
import type { Keyspace } from "./keyspace.ts";

const identityKey = "/registry/functionmesh-identity";
/** Every key is below it. */
const registryPrefix = "/registry/";
/** Never written; asked for where only the answer's header counts. */
export const healthKey = "/registry/health";

export class EtcdSession {
  readonly client: EtcdClient;
  readonly keyspace: Keyspace;
  #identity = "";
  #marks = 0;
  #newestSeen: Revision = 0;
  #clusterId: string | undefined;
  #closed = false;

  constructor(client: EtcdClient, keyspace: Keyspace) {
    this.client = client;
    this.keyspace = keyspace;
  }

  get identity(): string {
    return this.#identity;
  }

  /** Newest revision any answer had. */
  get newestSeen(): Revision {
    return this.#newestSeen;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.client.close();
  }

  /**
   * Insists from now on that the store is the one that stood at `position`, no matter where it stood before. One that was
   * never used gets an identity.
   */
  async adopt({ identity, revision, marks }: StorePosition): Promise<void> {
    this.#identity = identity ?? (await this.#ensureIdentity());
    this.#marks = marks;
    this.#newestSeen = revision;
    this.#clusterId = undefined;
  }

  /** Where the store stands, whichever it is: the one call that does not insist. */
  async position(signal?: AbortSignal): Promise<StorePosition> {
    const note = { key: this.keyspace.key(importNoteKey) };
    const everything = { ...this.keyspace.range(registryPrefix), count_only: true };
    const answer = await this.attempt(
      () =>
        this.client.read((kv, options) =>
          kv.txn({ success: [this.#identityRange, everything, note].map(rangeOf) }, options),
        ),
      identityKey,
      signal,
    );
    const [identity, all, imported] = answer.responses;
    const kept = identity?.response_range.kvs[0];
    return {
      identity: kept?.value.toString(),
      revision: Number(answer.header.revision),
      objects: Number(all?.response_range.count ?? 0),
      marks: Number(kept?.version ?? 0),
      replaces: replacedBy(imported?.response_range.kvs[0]?.value),
    };
  }

  /** Marks the store, so that every earlier state of it can be told from this one. */
  async mark(signal?: AbortSignal): Promise<StorePosition> {
    const key = this.keyspace.key(identityKey);
    const put = { request_put: { key, value: Buffer.from(this.#identity) } };
    await this.write(identityKey, { compare: [], operation: put, failure: [] });
    const position = await this.position(signal);
    if (position.identity === this.#identity) this.#marks = Math.max(this.#marks, position.marks);
    return position;
  }

  /** One range in the store insisted on, linearizable; `revision` is the store's at the time of the read. */
  async read(
    range: IRangeRequest,
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly range: IRangeResponse; readonly revision: Revision }> {
    const floor = this.#newestSeen;
    const answer = await this.attempt(
      () => this.client.read((kv, options) => kv.txn({ compare: this.#sameStore, success: [rangeOf(range)] }, options)),
      key,
      signal,
    );
    if (!answer.succeeded) throw notTheStore();
    this.#accept(answer.header, floor);
    const response = answer.responses[0]?.response_range;
    if (response === undefined) throw new StorageError("Unreachable", { key, message: "etcd: no answer to a range" });
    return { range: response, revision: Number(answer.header.revision) };
  }

  /**
   * One conditional write in the store insisted on. It is sent once.
   * @param request `failure` is done when a condition does not hold
   */
  async write(
    key: string,
    request: {
      readonly compare: readonly ICompare[];
      readonly operation: IRequestOp;
      readonly failure: readonly IRequestOp[];
    },
  ): Promise<ITxnResponse> {
    const floor = this.#newestSeen;
    const answer = await this.attempt(
      () =>
        this.client.write((kv) =>
          kv.txn({
            compare: [...this.#sameStore, ...request.compare],
            success: [request.operation],
            failure: [rangeOf(this.#identityRange), ...request.failure],
          }),
        ),
      key,
    );
    if (!answer.succeeded) this.#checkIdentity(answer);
    this.#accept(answer.header, floor);
    return answer;
  }

  /**
   * Whether an answer that came without a transaction may be the store's: of the same cluster, as far as that is known.
   * @throws StorageError `Unusable`
   */
  checkCluster({ cluster_id: id }: IResponseHeader): void {
    if (this.#clusterId !== undefined && id !== this.#clusterId) throw notTheStore();
  }

  /** Makes one call; its failure becomes a StorageError. */
  async attempt<T>(call: () => Promise<T>, key: string, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await abortable(call, signal);
    } catch (error) {
      throw interpretEtcdError(error, key);
    }
  }

  get #identityRange(): IRangeRequest {
    return { key: this.keyspace.key(identityKey) };
  }

  get #sameStore(): ICompare[] {
    const key = this.keyspace.key(identityKey);
    return [
      { key, target: "Value", result: "Equal", value: Buffer.from(this.#identity) },
      { key, target: "Version", result: "Greater", version: String(this.#marks - 1) },
    ];
  }

  #checkIdentity(answer: ITxnResponse): void {
    const kept = answer.responses[0]?.response_range.kvs[0];
    if (kept?.value.toString() !== this.#identity || Number(kept.version) < this.#marks) throw notTheStore();
  }

  #accept({ revision, cluster_id: clusterId }: IResponseHeader, floor: Revision): void {
    const newest = Number(revision);
    if (newest < floor) {
      throw new StorageError("Unusable", {
        message: `the store is older than it was: its newest revision is ${newest}, and ${floor} had been reached`,
      });
    }
    this.#newestSeen = Math.max(this.#newestSeen, newest);
    this.#clusterId = clusterId;
  }

  /** The first client writes an id; all others read it. */
  async #ensureIdentity(): Promise<string> {
    const key = this.keyspace.key(identityKey);
    const identity = randomUUID();
    const answer = await this.attempt(
      () =>
        this.client.write((kv) =>
          kv.txn({
            compare: [{ key, target: "Mod", result: "Equal", mod_revision: 0 }],
            success: [{ request_put: { key, value: Buffer.from(identity) } }],
            failure: [rangeOf(this.#identityRange)],
          }),
        ),
      identityKey,
    );
    if (answer.succeeded) return identity;
    const kept = answer.responses[0]?.response_range.kvs[0];
    if (kept === undefined) throw new StorageError("Unreachable", { message: "etcd: the identity came and went" });
    return kept.value.toString();
  }
}

const rangeOf = (request_range: IRangeRequest): IRequestOp => ({ request_range });

const notTheStore = (): StorageError =>
  new StorageError("Unusable", {
    message: "the store is not the one that this server used, or an earlier state of it",
  });
