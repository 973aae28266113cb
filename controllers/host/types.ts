/** The core types the host simulator reads and writes. */
import type { ResourceType } from "../../apiserver/client/client.ts";

const core = { group: "", version: "v1" } as const;
const apps = { group: "apps", version: "v1" } as const;
const batch = { group: "batch", version: "v1" } as const;

export const namespaceType: ResourceType = { ...core, kind: "Namespace", resource: "namespaces", namespaced: false };
export const podType: ResourceType = { ...core, kind: "Pod", resource: "pods", namespaced: true };
export const configMapType: ResourceType = { ...core, kind: "ConfigMap", resource: "configmaps", namespaced: true };
export const secretType: ResourceType = { ...core, kind: "Secret", resource: "secrets", namespaced: true };
export const eventType: ResourceType = { ...core, kind: "Event", resource: "events", namespaced: true };
export const serviceAccountType: ResourceType = {
  ...core,
  kind: "ServiceAccount",
  resource: "serviceaccounts",
  namespaced: true,
};
export const persistentVolumeClaimType: ResourceType = {
  ...core,
  kind: "PersistentVolumeClaim",
  resource: "persistentvolumeclaims",
  namespaced: true,
};
export const statefulSetType: ResourceType = {
  ...apps,
  kind: "StatefulSet",
  resource: "statefulsets",
  namespaced: true,
};
export const controllerRevisionType: ResourceType = {
  ...apps,
  kind: "ControllerRevision",
  resource: "controllerrevisions",
  namespaced: true,
};
export const jobType: ResourceType = { ...batch, kind: "Job", resource: "jobs", namespaced: true };
export const clusterRoleType: ResourceType = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "ClusterRole",
  resource: "clusterroles",
  namespaced: false,
};
