import type { JsonObject } from "../../meta/v1.ts";
import type { ResourceRequirements, VolumeMount } from "./core-types.ts";
import type { PulsarMessaging } from "./messaging.ts";
import type { PodPolicy } from "./pod-policy.ts";
import type { GenericRuntime, GoRuntime, JavaRuntime, PythonRuntime } from "./runtimes.ts";

export type ProcessingGuarantee = "atleast_once" | "atmost_once" | "effectively_once" | "manual";
export type SubscriptionPosition = "latest" | "earliest";
export type LogTopicAgent = "runtime" | "sidecar";

/** A Secret's name is its `path`; the map that holds these is keyed by environment variable. */
export type SecretRef = { path?: string; key?: string };

export type StatefulConfig = {
  pulsar?: { serviceUrl?: string; javaProvider?: { className?: string; config?: JsonObject } };
};

export type BatchSourceConfig = { discoveryTriggererClassName?: string; discoveryTriggererConfig?: JsonObject };

/** What Function, Source and Sink have in common (FM 1.4). Everything is optional on the wire. */
export type WorkloadSpec = {
  /** Pulsar's name of it; defaults to `metadata.name`. In a mesh the component's key. */
  name?: string;
  className?: string;
  tenant?: string;
  /** Pulsar's namespace, not Kubernetes'. */
  namespace?: string;
  clusterName?: string;
  replicas?: number;
  minReplicas?: number;
  /** Its presence turns the HorizontalPodAutoscaler on. */
  maxReplicas?: number;
  showPreciseParallelism?: boolean;
  image?: string;
  imagePullPolicy?: string;
  imageHasPulsarctl?: boolean;
  /** The image has wget: the wire name is older than the tool. */
  imageHasGet?: boolean;
  downloaderImage?: string;
  cleanupImage?: string;
  filebeatImage?: string;
  logTopic?: string;
  logTopicAgent?: LogTopicAgent;
  processingGuarantee?: ProcessingGuarantee;
  runtimeFlags?: string;
  resources?: ResourceRequirements;
  secretsMap?: { [variable: string]: SecretRef };
  volumeMounts?: VolumeMount[];
  pod?: PodPolicy;
  pulsar?: PulsarMessaging;
  pulsarPackageService?: PulsarMessaging;
  java?: JavaRuntime;
  python?: PythonRuntime;
  golang?: GoRuntime;
  genericRuntime?: GenericRuntime;
  statefulConfig?: StatefulConfig;
};

/** What Function and Sink, which consume topics, have in common. */
export type ConsumerSpec = {
  /** Acknowledgement timeout in ms. */
  timeout?: number;
  autoAck?: boolean;
  maxMessageRetry?: number;
  retainOrdering?: boolean;
  retainKeyOrdering?: boolean;
  deadLetterTopic?: string;
  subscriptionName?: string;
  cleanupSubscription?: boolean;
  subscriptionPosition?: SubscriptionPosition;
};

/**
 * One entry of a status map. The first three are the operator's vocabulary (FM 1.7, 1.8); the others say why.
 *
 * - `condition`: `StatefulSetReady`, `ServiceReady`, `HPAReady`, `VPAReady`; of a mesh `FunctionReady`,
 *   `SourceReady`, `SinkReady`, `MeshReady`, `Orphaned`
 * - `status`: `True`, `False`
 * - `action`: `Create`, `Update`, `Delete`, `Wait`, `NoAction`
 */
export type ResourceCondition = {
  condition?: string;
  status?: string;
  action?: string;
  reason?: string;
  message?: string;
  /** RFC 3339. */
  lastTransitionTime?: string;
};

/**
 * - `Pending`: no pod has started yet
 * - `Progressing`: pods start, or are replaced
 * - `Ready`: all pods are ready, or none is wanted
 * - `Degraded`: a pod can't do its work, or what it needs is missing
 * - `Paused`: a change waits because somebody paused it; what runs is ready
 * - `Failed`: the cluster refuses an object, or the name of one is taken
 */
export type WorkloadPhase = "Pending" | "Progressing" | "Ready" | "Degraded" | "Paused" | "Failed";

/** The one thing to know, for people and for `kubectl wait --for=jsonpath='{.status.phase}'=Ready`. */
export type Summary = {
  phase: WorkloadPhase;
  /** CamelCase, for programs. */
  reason: string;
  /** A sentence. */
  message: string;
};

/** A BackendConfig that has a say in the pods. */
export type AppliedConfig = {
  namespace?: string;
  name?: string;
  resourceVersion?: string;
  /** Field paths of what it gives, e.g. `env.TZ` and `pod.labels.team`, whether or not the workload's own wins. */
  fields?: string[];
};

/** The three required members are those the CRDs require (FM 1.3). */
export type WorkloadStatus = {
  /** Keyed `StatefulSet`, `Service`, `HorizontalPodAutoscaler`, `VerticalPodAutoscaler`. */
  conditions: { [component: string]: ResourceCondition };
  /** Replicas wanted by the StatefulSet, not those that are ready. */
  replicas: number;
  /** Label selector of the pods, serialized. */
  selector: string;
  phase?: WorkloadPhase;
  reason?: string;
  message?: string;
  readyReplicas?: number;
  /** Replicas with the newest pod template. */
  updatedReplicas?: number;
  availableReplicas?: number;
  /** The installation's first, then the namespace's. */
  backendConfigs?: AppliedConfig[];
  observedGeneration?: number;
  globalBackendConfigRevision?: string;
  namespacedBackendConfigRevision?: string;
  /** Why a change of the pods waits, and where it would change the StatefulSet: `Reason: path, path`. No values. */
  pendingChange?: string;
};
