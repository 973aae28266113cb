/**
 * How anyone uses a Kubernetes API, ours or the host's. Controllers see nothing else.
 *
 * Invariant: objects that come out of a client are shared and must not be changed; copy what you want to alter.
 * Every method throws `StatusError` for an answer that is a failure, and rejects with the signal's reason when aborted.
 */
import type {
  DeletionPropagation,
  GroupVersion,
  JsonObject,
  JsonValue,
  KubeList,
  KubeObject,
  Preconditions,
  WatchEvent,
} from "../apis/meta/v1.ts";

/** What a client must know of a type to build its URLs. */
export type ResourceType = GroupVersion & {
  readonly kind: string;
  /** Plural, as in the URL. */
  readonly resource: string;
  readonly namespaced: boolean;
};

/** One object; `namespace` is absent for cluster-scoped types. */
export type ObjectRef = { readonly type: ResourceType; readonly name: string; readonly namespace?: string };

export type ListQuery = {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
};

export type WatchQuery = Omit<ListQuery, "limit" | "continue"> & {
  readonly allowBookmarks?: boolean;
  /** Streaming list: current objects as ADDED, then a bookmark annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
};

export type WriteOptions = {
  readonly fieldManager?: string;
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
};

export type ApplyOptions = WriteOptions & {
  readonly fieldManager: string;
  /** Takes fields over from other managers instead of failing with `Conflict`. Default: true. */
  readonly force?: boolean;
};

export type Patch =
  | { readonly type: "merge"; readonly body: JsonObject }
  | { readonly type: "json"; readonly body: JsonValue[] };

export type DeleteCall = {
  readonly propagationPolicy?: DeletionPropagation;
  /** 0: now. Absent: what the object asks for; only kinds with graceful deletion care. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: Preconditions;
  readonly signal?: AbortSignal;
};

export interface ResourceClient {
  /** @throws StatusError `NotFound` */
  get(ref: ObjectRef, options?: { subresource?: string; signal?: AbortSignal }): Promise<KubeObject>;
  list(type: ResourceType, query?: ListQuery, signal?: AbortSignal): Promise<KubeList>;
  /** Ends without error when the server ends the stream; an ERROR event is yielded, not thrown. */
  watch(type: ResourceType, query: WatchQuery, signal?: AbortSignal): AsyncIterable<WatchEvent>;
  /** Name and namespace are taken from `object.metadata`, apiVersion and kind must match `type`. */
  create(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  update(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  patch(ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<KubeObject>;
  /**
   * Makes the live object have the fields of `object`, and gives up fields this manager applied before and no longer
   * lists: server-side apply. Creates what is not there. Unchanged objects cost no write.
   */
  apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  delete(ref: ObjectRef, options?: DeleteCall): Promise<void>;
}
