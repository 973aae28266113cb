/**
 * A workload as the renderer sees it. The kinds differ in what they put here, never in how it is rendered:
 * `controllers/{function,source,sink}/` make a `Workload` of their resource, this folder makes objects of it.
 */

import type {
  CryptoConfig,
  GenericRuntime,
  InputConf,
  JavaRuntime,
  PersistentVolumeClaim,
  PersistentVolumeClaimRetentionPolicy,
  RuntimeLogConfig,
  WorkloadSpec,
  WorkloadStatus,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import type { Word } from "./command/shell.ts";

/** Suffix of the names of a workload's objects, and value of their component label. */
export type Component = "function" | "source" | "sink";

/** What runs the user's code; `file` may be empty, and then the container gets no command (FM 4.14). */
export type Runtime = {
  /** Path inside the container. */
  readonly file: string;
  /** Where `file` is downloaded from; absent when the image has it. */
  readonly location?: string;
  readonly log: RuntimeLogConfig;
} & (
  | { readonly language: "java"; readonly java: JavaRuntime }
  | { readonly language: "python" | "go" }
  | { readonly language: "generic"; readonly generic: GenericRuntime }
);

/** What a clean-up removes from Pulsar, in this order. */
export type CleanupTask =
  | { readonly do: "unsubscribe-namespace"; readonly namespace: string; readonly subscription: string }
  | { readonly do: "unsubscribe"; readonly topic: string; readonly subscription: string }
  | { readonly do: "delete-topic"; readonly topic: string };

export type Workload = {
  readonly type: ResourceType;
  readonly component: Component;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly spec: WorkloadSpec;
  /** Labels only this kind has, besides the common ones. */
  readonly kindLabels: { readonly [key: string]: string };
  /** Absent: nothing says what to run. */
  readonly runtime?: Runtime;
  /** `--function_details`, in the protocol's field order. */
  readonly details: JsonObject;
  /** What a Go instance is told about the function itself; the rest of its configuration is the same for all. */
  readonly goConfig?: JsonObject;
  /** Flags of this kind for the Java runtime, before and after those of secrets and state. */
  readonly javaFlags: { readonly before: readonly Word[]; readonly after: readonly Word[] };
  readonly input?: InputConf;
  /** Producer's first, then consumers' by topic. */
  readonly cryptoConfigs: readonly CryptoConfig[];
  readonly volumeClaimTemplates?: readonly PersistentVolumeClaim[];
  readonly claimRetentionPolicy?: PersistentVolumeClaimRetentionPolicy;
  /** Empty: nothing to clean up. */
  readonly cleanup: readonly CleanupTask[];
};

/** `X-function`: name of the StatefulSet and the autoscalers. */
export const objectName = ({ name, component }: Pick<Workload, "name" | "component">): string => `${name}-${component}`;
/** After `objectName`. */
export const serviceSuffix = "-headless";
export const serviceName = (workload: Workload): string => objectName(workload) + serviceSuffix;
export const cleanupName = (workload: Workload): string => `${objectName(workload)}-cleanup`;

export function ownerReference(owner: {
  readonly type: ResourceType;
  readonly name: string;
  readonly uid: string;
}): OwnerReference {
  const { type, name, uid } = owner;
  return {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Log files are shipped by a Filebeat container. Without a log topic there is nowhere to ship them (FM W-50). */
export const shipsLogFiles = ({ logTopic, logTopicAgent }: WorkloadSpec): boolean =>
  logTopicAgent === "sidecar" && logTopic !== undefined && logTopic !== "";

/** A HorizontalPodAutoscaler moves the replicas. */
export const isAutoscaled = ({ maxReplicas }: WorkloadSpec): boolean => maxReplicas !== undefined;

/** Identity of a resource, common to how all kinds make a `Workload`. */
export function identity({ metadata }: KubeObject): Pick<Workload, "name" | "namespace" | "uid"> {
  return { name: metadata.name ?? "", namespace: metadata.namespace ?? "", uid: metadata.uid ?? "" };
}

/** Entries of a map from the user, in an order that doesn't depend on how they were written. */
export function sortedEntries<T>(map: { readonly [key: string]: T } | undefined): [string, T][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

export type WorkloadResource = KubeObject & { status?: WorkloadStatus };

/** All that the reconciler must know of a kind. */
export type WorkloadKind<R extends WorkloadResource = WorkloadResource> = {
  readonly type: ResourceType;
  readonly component: Component;
  readonly is: (object: KubeObject) => object is R;
  readonly workload: (resource: R) => Workload;
};
