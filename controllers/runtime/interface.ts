import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import type { Lister } from "./lister.ts";
import type { ObjectKey } from "./object-key.ts";
import type { Reconciler } from "./reconciler.ts";

/** Told of every change after the cache has it. Handlers must not throw, block, or change what they are given. */
export type InformerHandler = {
  readonly added?: (object: KubeObject) => void;
  readonly updated?: (object: KubeObject, old: KubeObject) => void;
  /** With the object's last state: the server's, or the cached one when the deletion was found by a relist. */
  readonly deleted?: (object: KubeObject) => void;
};

/** Every value under which an object is to be found. */
export type IndexFunction = (object: KubeObject) => readonly string[];

/** Indexes every informer has. `ownerUidIndex` holds all owner references, not only the controller's. */
export const ownerUidIndex = "owner-uid";

/** A cache of one type, kept equal to the server's state; shared by all who ask for the type. */
export interface Informer {
  readonly type: ResourceType;
  readonly lister: Lister;
  /** The cache has held the complete state at least once. */
  readonly synced: boolean;
  /** The resource version up to which the cache has seen everything; absent while it has to be listed anew. */
  readonly position: string | undefined;
  /** Resolves once synced. @throws the signal's reason */
  whenSynced(signal: AbortSignal): Promise<void>;
  /** A late handler is told of the present objects first, as added. Returns its removal. */
  addHandler(handler: InformerHandler): () => void;
  /** Idempotent by name; present objects are indexed at once. */
  addIndex(name: string, valuesOf: IndexFunction): void;
}

/** Gives out informers, one per type, namespace and selector however often they are asked for. */
export interface InformerFactory {
  /** @param namespace absent: all namespaces @param labelSelector absent: all objects */
  informer(type: ResourceType, namespace?: string, labelSelector?: string): Informer;
}

/** Which keys to reconcile when an object of the informer's type changes. */
export type Trigger = {
  readonly informer: Informer;
  /** Of an update, asked for the old and the new object. */
  readonly keysOf: (object: KubeObject) => readonly ObjectKey[];
  /** Updates for which this is false are ignored. */
  readonly concerns?: (object: KubeObject, old: KubeObject) => boolean;
};

export type ControllerOptions = {
  /** As it appears in logs and metrics, e.g. `function`. */
  readonly name: string;
  readonly reconciler: Reconciler;
  /** See `ownKind`, `ownedBy` and `mapped` in `triggers.ts`. */
  readonly triggers: readonly Trigger[];
  /** Caches the reconciler reads besides those of the triggers; all must be complete before the first run. */
  readonly reads?: readonly Informer[];
  /** How many objects are reconciled at once; 4 unless given. */
  readonly workers?: number;
  /** Longest time one run may take before its signal aborts; 60,000 unless given. */
  readonly deadlineMs?: number;
};

/** What a user reads under `kubectl describe`. `reason` is CamelCase and from a bounded set; `message` a sentence. */
export type EventRecord = {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** Who tells; the recorder's own unless given. */
  readonly component?: string;
};

export interface EventRecorder {
  /** Never throws and never waits: a lost event is logged, nothing more. */
  record(regarding: KubeObject, event: EventRecord): void;
}
