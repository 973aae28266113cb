/**
 * The verbs a resource may serve (upstream `rest.Storage`), and what passes between handlers and registry.
 *
 * Invariant: an `EncodedObject` and everything below it is shared and never changed after it was made.
 */
import type {
  DeletionPropagation,
  GroupVersion,
  JsonObject,
  KubeObject,
  ListMeta,
  Preconditions,
  Status,
} from "../../apis/meta/v1.ts";
import type { UserInfo } from "../../authentication/user.ts";
import type { CacheWatchEvent } from "../../cacher/encoder.ts";
import type { FieldSelector, LabelSelector } from "../../machinery/selectors.ts";
import type { RequestBody } from "../../machinery/serializer.ts";

/** An object with its wire form. `json` is complete (apiVersion, kind, resourceVersion) and ends without newline. */
export interface EncodedObject {
  readonly object: KubeObject;
  readonly json: Uint8Array;
  /** Of what a cache holds: of `json`, without touching it. */
  readonly bytes?: number;
  /** Of what a cache holds: the bytes of its metadata, a view into `json`. */
  readonly metadataJson?: Uint8Array | undefined;
  /** Of the write that made it. */
  readonly revision?: number;
  /** A positive integer that stays the same as long as the object has its name. */
  readonly keyHash?: number;
}

/** One event of a watch. `frame` is `{"type":…,"object":…}\n`, encoded once for all readers. */
export type RestWatchEvent = CacheWatchEvent<EncodedObject, Status>;

/** What a verb knows of the request it serves. */
export interface RequestContext {
  readonly user: UserInfo;
  /** `""` for cluster-scoped resources and for lists across namespaces. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Of the request, for the log and for whoever is asked about it. */
  readonly auditId: string;
  /** As sent; `""` when absent. */
  readonly userAgent: string;
  /**
   * What the request does besides its verb: an apply may create (API S-04).
   * @throws StatusError 403 when the user may not do that to the object
   */
  readonly requireVerb: (verb: string) => Promise<void>;
  /** Adds a `Warning` header to the answer; repeated texts are sent once. */
  readonly warn: (text: string) => void;
}

export type DryRun = { readonly dryRun: boolean };
export type FieldValidation = "Ignore" | "Warn" | "Strict";
/** Options of a write, checked (API V-13 … V-16). */
export type WriteOptions = DryRun & {
  readonly fieldValidation: FieldValidation;
  /** As the client named it; `""` when it did not. */
  readonly fieldManager: string;
  /** Takes fields over from other managers; only for apply (API S-22). */
  readonly force: boolean;
};

/** A create, update or patch as it arrives: nobody has looked into the body yet. */
export type WriteRequest = {
  /** Of the URL; `""` when a collection is posted to. */
  readonly name: string;
  readonly body: RequestBody;
  readonly options: WriteOptions;
  /** Must hold for the stored object on every attempt. */
  readonly preconditions?: Preconditions;
};

/** `created`: nothing was stored under that name before. */
export type WriteResult = { readonly item: EncodedObject; readonly created: boolean };

/** Selectors and position of a list, already parsed and checked (API L-04). */
export type ListOptions = {
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  /** 0: no limit. */
  readonly limit: number;
  /** Opaque; `""` when absent. */
  readonly continue: string;
  /** `""`, `"0"` or a decimal. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: "" | "Exact" | "NotOlderThan";
};

export type ListResult = { readonly items: readonly EncodedObject[]; readonly metadata: ListMeta };

export type WatchOptions = {
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  readonly resourceVersion: string;
  /** `undefined`: not given; then an unset or `0` resourceVersion starts with the current objects (API W-11, W-28). */
  readonly sendInitialEvents: boolean | undefined;
  readonly allowBookmarks: boolean;
  /**
   * A resourceVersion that storage has not reached ends the watch with an error rather than have it wait (API W-13): where
   * storage was put back, who waits in this process would wait for ever.
   */
  readonly refusesFuture?: boolean;
  /** How long the caller will read, in ms: a bookmark comes about 2 s before (API W-31). It ends nothing by itself. */
  readonly timeoutMs?: number;
};

export type DeleteRequest = DryRun & {
  readonly preconditions?: Preconditions;
  readonly propagationPolicy?: DeletionPropagation;
  /** Legacy form of the policy; exclusive with it. */
  readonly orphanDependents?: boolean;
  readonly gracePeriodSeconds?: number;
  /** Deletes only what cannot be decoded, without looking at it; exclusive with all but a dry run (API X-13). */
  readonly ignoresReadErrors?: boolean;
};
/** `deleted`: gone now. Otherwise finalizers or a grace period hold the object, which is returned as it is now. */
export type DeleteResult = { readonly deleted: boolean; readonly item: EncodedObject };

export interface Getter {
  get(context: RequestContext, name: string, options: { resourceVersion: string }): Promise<EncodedObject>;
}
export interface Lister {
  list(context: RequestContext, options: ListOptions): Promise<ListResult>;
}
export interface Watcher {
  /**
   * Yields batches until the caller's signal aborts or the reader was too slow. What is wrong with the position is
   * an ERROR event, always the last; the promise rejects only before the first batch.
   */
  watch(context: RequestContext, options: WatchOptions): Promise<AsyncIterable<readonly RestWatchEvent[]>>;
}
export interface Creater {
  /** The request's name is that of the parent for subresources such as `token`. */
  create(context: RequestContext, request: WriteRequest): Promise<WriteResult>;
}
export interface Updater {
  update(context: RequestContext, request: WriteRequest): Promise<WriteResult>;
}
export interface Patcher {
  /** Media types of the patches it takes, in the order a 415 lists them (API P-01). */
  readonly patchTypes: readonly string[];
  patch(context: RequestContext, request: WriteRequest): Promise<WriteResult>;
}
export interface Deleter {
  delete(context: RequestContext, name: string, options: DeleteRequest): Promise<DeleteResult>;
  deleteCollection(context: RequestContext, list: ListOptions, options: DeleteRequest): Promise<ListResult>;
}

/** The verbs one endpoint serves; what is absent is 405 and is missing from discovery and OpenAPI. */
export type RestStorage = Partial<Getter & Lister & Watcher & Creater & Updater & Patcher & Deleter>;

/** One column of a Table (API N-31). `cell` is pure and must bear any stored object. */
export type Column = {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: "name";
  readonly description: string;
  /** 0: always shown; above: only with `-o wide`. */
  readonly priority: number;
  readonly cell: (object: KubeObject) => CellValue | TimedCell;
};

export type CellValue = string | number | boolean | null;
/** A cell that changes though its object does not, such as an age. It may be kept for long, so it must not hold the object. */
export type TimedCell = (now: Date) => CellValue;

/** A subresource endpoint below an object, `functions/{name}/status` for example. */
export type SubresourceEndpoint = {
  readonly name: string;
  /** Kind of its bodies; `autoscaling/v1 Scale` for `scale`. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly schemaName: string;
  readonly storage: RestStorage;
};

/** One served resource: the row that routing, discovery, OpenAPI, authorization and metrics read (design D4). */
export type ResourceEndpoint = {
  readonly group: string;
  readonly version: string;
  /** What its objects are stored as. */
  readonly stored: GroupVersion;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Component name of the kind's schema; its list is `${schemaName}List`. */
  readonly schemaName: string;
  readonly columns: readonly Column[];
  readonly selectableFields: readonly string[];
  readonly storage: RestStorage;
  readonly subresources: readonly SubresourceEndpoint[];
  /** Bodies may also come as `application/vnd.kubernetes.protobuf` (core types of the standalone host). */
  readonly acceptsProtobuf: boolean;
  /** See `ResourceDefinition`. */
  readonly bareItems?: boolean;
  /** A deletion answers the object that is gone, not a Status. */
  readonly returnsDeleted?: boolean;
  /**
   * How many there are, all versions together, and the bytes of their JSON, as they are cached; `undefined` while that is
   * not known. Absent: nothing is stored.
   */
  readonly storedSize?: () => { readonly objects: number; readonly bytes: number } | undefined;
};

export type { JsonObject };
