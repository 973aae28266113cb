import type {
  Affinity,
  Container,
  EnvVar,
  HorizontalPodAutoscalerBehavior,
  LocalObjectReference,
  MetricSpec,
  PodSecurityContext,
  Probe,
  Quantity,
  Toleration,
  Volume,
} from "./core-types.ts";

export type VpaUpdateMode = "Off" | "Initial" | "Recreate" | "Auto";
export type VpaContainerPolicy = {
  containerName?: string;
  mode?: "Auto" | "Off";
  minAllowed?: { [resource: string]: Quantity };
  maxAllowed?: { [resource: string]: Quantity };
  controlledResources?: string[];
  controlledValues?: "RequestsAndLimits" | "RequestsOnly";
};
export type VpaSpec = {
  updatePolicy?: { updateMode?: VpaUpdateMode; minReplicas?: number };
  resourcePolicy?: { containerPolicies?: VpaContainerPolicy[] };
};

/** All in seconds or counts, as of core/v1 Probe. */
export type Liveness = {
  periodSeconds?: number;
  initialDelaySeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
};

/** `spec.pod` of every kind but FunctionMesh. A BackendConfig honours some of it (FM 1.6). */
export type PodPolicy = {
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  nodeSelector?: { [key: string]: string };
  affinity?: Affinity;
  tolerations?: Toleration[];
  securityContext?: PodSecurityContext;
  terminationGracePeriodSeconds?: number;
  volumes?: Volume[];
  imagePullSecrets?: LocalObjectReference[];
  initContainers?: Container[];
  sidecars?: Container[];
  serviceAccountName?: string;
  /** Names of built-in autoscaling rules; unknown names are ignored. */
  builtinAutoscaler?: string[];
  autoScalingMetrics?: MetricSpec[];
  autoScalingBehavior?: HorizontalPodAutoscalerBehavior;
  vpa?: VpaSpec;
  env?: EnvVar[];
  liveness?: Liveness;
  startupProbe?: Probe;
  disableDefaultAffinity?: boolean;
};
