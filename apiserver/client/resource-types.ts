/** Kubernetes' own types, as far as this program uses them through a `ResourceClient`. */
import type { ResourceType } from "./client.ts";

type Row = Pick<ResourceType, "kind" | "resource">;

const inNamespaces = <T extends Row>(group: string, version: string, row: T) => ({
  ...row,
  group,
  version,
  namespaced: true,
});
const ofCluster = <T extends Row>(group: string, version: string, row: T) => ({
  ...row,
  group,
  version,
  namespaced: false,
});

export const configMapType = inNamespaces("", "v1", { kind: "ConfigMap", resource: "configmaps" });
export const eventType = inNamespaces("", "v1", { kind: "Event", resource: "events" });
export const namespaceType = ofCluster("", "v1", { kind: "Namespace", resource: "namespaces" });
export const persistentVolumeClaimType = inNamespaces("", "v1", {
  kind: "PersistentVolumeClaim",
  resource: "persistentvolumeclaims",
});
export const podType = inNamespaces("", "v1", { kind: "Pod", resource: "pods" });
export const resourceQuotaType = inNamespaces("", "v1", { kind: "ResourceQuota", resource: "resourcequotas" });
export const secretType = inNamespaces("", "v1", { kind: "Secret", resource: "secrets" });
export const serviceAccountType = inNamespaces("", "v1", { kind: "ServiceAccount", resource: "serviceaccounts" });
export const serviceType = inNamespaces("", "v1", { kind: "Service", resource: "services" });

export const controllerRevisionType = inNamespaces("apps", "v1", {
  kind: "ControllerRevision",
  resource: "controllerrevisions",
});
export const statefulSetType = inNamespaces("apps", "v1", { kind: "StatefulSet", resource: "statefulsets" });
export const jobType = inNamespaces("batch", "v1", { kind: "Job", resource: "jobs" });
export const horizontalPodAutoscalerType = inNamespaces("autoscaling", "v2", {
  kind: "HorizontalPodAutoscaler",
  resource: "horizontalpodautoscalers",
});
export const verticalPodAutoscalerType = inNamespaces("autoscaling.k8s.io", "v1", {
  kind: "VerticalPodAutoscaler",
  resource: "verticalpodautoscalers",
});

const rbac = "rbac.authorization.k8s.io";
export const roleType = inNamespaces(rbac, "v1", { kind: "Role", resource: "roles" } as const);
export const clusterRoleType = ofCluster(rbac, "v1", { kind: "ClusterRole", resource: "clusterroles" } as const);
export const roleBindingType = inNamespaces(rbac, "v1", { kind: "RoleBinding", resource: "rolebindings" } as const);
export const clusterRoleBindingType = ofCluster(rbac, "v1", {
  kind: "ClusterRoleBinding",
  resource: "clusterrolebindings",
} as const);

export const tokenReviewType = ofCluster("authentication.k8s.io", "v1", {
  kind: "TokenReview",
  resource: "tokenreviews",
});
export const subjectAccessReviewType = ofCluster("authorization.k8s.io", "v1", {
  kind: "SubjectAccessReview",
  resource: "subjectaccessreviews",
});
export const apiServiceType = ofCluster("apiregistration.k8s.io", "v1", {
  kind: "APIService",
  resource: "apiservices",
});
export const customResourceDefinitionType = ofCluster("apiextensions.k8s.io", "v1", {
  kind: "CustomResourceDefinition",
  resource: "customresourcedefinitions",
});
