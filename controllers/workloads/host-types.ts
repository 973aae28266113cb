/** The types of the cluster that controllers write workloads to, by kind. */
import {
  configMapType,
  horizontalPodAutoscalerType,
  jobType,
  namespaceType,
  podType,
  secretType,
  serviceType,
  statefulSetType,
  verticalPodAutoscalerType,
} from "../../apiserver/client/resource-types.ts";

export const hostTypes = {
  StatefulSet: statefulSetType,
  Service: serviceType,
  HorizontalPodAutoscaler: horizontalPodAutoscalerType,
  VerticalPodAutoscaler: verticalPodAutoscalerType,
  Job: jobType,
  Pod: podType,
  ConfigMap: configMapType,
  Secret: secretType,
  Namespace: namespaceType,
} as const;
