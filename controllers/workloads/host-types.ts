/** The types of the cluster that controllers write workloads to. */
import type { ResourceType } from "../../apiserver/client/client.ts";

const namespaced = (group: string, version: string, kind: string, resource: string): ResourceType => ({
  group,
  version,
  kind,
  resource,
  namespaced: true,
});

export const hostTypes = {
  StatefulSet: namespaced("apps", "v1", "StatefulSet", "statefulsets"),
  Service: namespaced("", "v1", "Service", "services"),
  HorizontalPodAutoscaler: namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  VerticalPodAutoscaler: namespaced("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers"),
  Job: namespaced("batch", "v1", "Job", "jobs"),
  Pod: namespaced("", "v1", "Pod", "pods"),
  ConfigMap: namespaced("", "v1", "ConfigMap", "configmaps"),
  Secret: namespaced("", "v1", "Secret", "secrets"),
  Namespace: { group: "", version: "v1", kind: "Namespace", resource: "namespaces", namespaced: false },
} as const;
