import type { JsonObject } from "../json.ts";

/**
 * Types of Kubernetes' core API that are embedded in our kinds, named as far as our own code reads them. The rest of
 * each is carried through untouched; the schemas beside know every field.
 */

/** `"100m"`, `"1.1Gi"`, or a plain number. Spelling is kept as written (API N-20). */
export type Quantity = string | number;

export type ResourceClaim = { name: string; request?: string };

/** core/v1 ResourceRequirements; resource name (`cpu`, `memory`, …) to amount. */
export type ResourceRequirements = {
  limits?: { [resource: string]: Quantity };
  requests?: { [resource: string]: Quantity };
  claims?: ResourceClaim[];
};

export type EnvVar = JsonObject & { name: string; value?: string };
export type VolumeMount = JsonObject & { name: string; mountPath: string };
export type Volume = JsonObject & { name: string };
export type Container = JsonObject & { name: string; env?: EnvVar[]; volumeMounts?: VolumeMount[] };
export type LocalObjectReference = { name?: string };
export type Toleration = JsonObject;
export type Affinity = JsonObject & {
  podAntiAffinity?: JsonObject & { preferredDuringSchedulingIgnoredDuringExecution?: JsonObject[] };
};
export type PodSecurityContext = JsonObject;
export type Probe = JsonObject;
export type PersistentVolumeClaim = JsonObject;

/** apps/v1 StatefulSetPersistentVolumeClaimRetentionPolicy. */
export type PersistentVolumeClaimRetentionPolicy = { whenDeleted?: string; whenScaled?: string };

/** autoscaling/v2. */
export type MetricSpec = JsonObject & { type: string };
export type HorizontalPodAutoscalerBehavior = JsonObject;
