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
  ResourceClaim,
  Toleration,
  Volume,
  VolumeMount,
} from "../core/types.ts";
import {
  choice,
  duplicatesTolerated,
  flag,
  int32,
  int64,
  keyedBy,
  list,
  map,
  object,
  patchedBy,
  text,
  textMap,
  texts,
} from "../nodes.ts";
import { ref } from "../schema.ts";

const core = (type: string) => `io.k8s.api.core.v1.${type}`;
const autoscaling = (type: string) => `io.k8s.api.autoscaling.v2.${type}`;
const quantity = ref<Quantity>("io.k8s.apimachinery.pkg.api.resource.Quantity");

/** Amounts by resource: `cpu`, `memory`, …. */
function amounts(description: string) {
  return map(quantity, description);
}

export const resources = object(
  "What the main container asks of its node and may use at most. A Function, Source or Sink needs memory in both, requests not above limits.",
  {
    requests: amounts(
      "What is reserved, and what the scheduler looks for: cpu in cores (100m is a tenth), memory in bytes (1Gi). Memory must be above 0.",
    ),
    limits: amounts(
      "What may be used at most. A container that needs more memory is killed; one that needs more cpu is slowed down. Java uses a fifth of the memory limit for direct buffers.",
    ),
    claims: list(ref<ResourceClaim>(core("ResourceClaim")), "Claims of the pod that the container uses.", {
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    }),
  },
);

export const volumeMounts = list(
  ref<VolumeMount>(core("VolumeMount")),
  "Where volumes of pod.volumes appear in the main, downloader, log shipping and clean-up containers.",
  keyedBy("mountPath"),
);

const liveness = object(
  "An HTTP probe of the instance's metrics port, 9094. A container that keeps failing it is restarted. Each attempt may take periodSeconds.",
  {
    periodSeconds: int32("Seconds between attempts. The probe exists only when this is above 0."),
    initialDelaySeconds: int32("Seconds after the container's start before the first attempt. Default: 0."),
    successThreshold: int32(
      "Successes in a row after which the container counts as alive again. Default, and only legal value: 1.",
    ),
    failureThreshold: int32("Failures in a row after which the container is restarted. Default: 3."),
  },
);

const containerPolicy = object("How the autoscaler treats one container.", {
  containerName: text(
    "The container: pulsar-function, pulsar-source, pulsar-sink, a sidecar, or * for all others. Must be set.",
  ),
  mode: choice(["Auto", "Off"], "Off leaves the container as it is. Default: Auto."),
  minAllowed: amounts("The least that is ever recommended."),
  maxAllowed: amounts("The most that is ever recommended."),
  controlledResources: texts("Resources that are changed. Default: cpu and memory."),
  controlledValues: choice(
    ["RequestsAndLimits", "RequestsOnly"],
    "Whether limits move in proportion to requests. Default: RequestsAndLimits.",
  ),
});

const vpa = object(
  "A VerticalPodAutoscaler that fits the requests of the pods to what they use. Excludes maxReplicas. Needs autoscaling.k8s.io/v1 in the cluster.",
  {
    updatePolicy: object("When recommendations are applied.", {
      updateMode: choice(
        ["Off", "Initial", "Recreate", "Auto"],
        "Off only recommends; Initial sets new pods; Recreate and Auto also replace running ones. Default: Auto.",
      ),
      minReplicas: int32("Pods that must be running before one of them is replaced. Default: the autoscaler's own, 2."),
    }),
    resourcePolicy: object("Bounds of what is recommended.", {
      containerPolicies: list(
        containerPolicy,
        "Policies by container. Containers that none names are treated by the autoscaler's defaults.",
      ),
    }),
  },
);

const byName = keyedBy("name");

/** `spec.pod` of workloads and of BackendConfigs, which honour some of it (FM 1.6). */
export const podPolicy = object(
  "How the pods are made and scaled. In a BackendConfig only labels, nodeSelector, affinity, tolerations, annotations, terminationGracePeriodSeconds, imagePullSecrets, serviceAccountName, liveness and startupProbe have an effect.",
  {
    labels: textMap("Labels of the pods, besides those that select them, which can't be replaced."),
    annotations: textMap(
      "Annotations of the pods. They win over the defaults that announce the metrics port to Prometheus.",
    ),
    nodeSelector: textMap("Labels a node must have to run the pods."),
    affinity: ref<Affinity>(core("Affinity"), {
      description:
        "Where pods may, or had better, run. A preference for spreading the workload over nodes is added unless disableDefaultAffinity is set.",
    }),
    tolerations: list(ref<Toleration>(core("Toleration")), "Taints of nodes that the pods put up with."),
    securityContext: ref<PodSecurityContext>(core("PodSecurityContext"), {
      description:
        "Replaces the default as a whole: user 10000, group and file system group 10001, the runtime's default seccomp profile.",
    }),
    terminationGracePeriodSeconds: int64(
      "Seconds between asking the instance to stop and killing it. Default: Kubernetes' own, 30.",
    ),
    volumes: list(
      ref<Volume>(core("Volume")),
      "Volumes of the pods, to be mounted by volumeMounts, sidecars and initContainers.",
      {
        ...byName,
        "x-kubernetes-patch-strategy": "merge,retainKeys",
      },
    ),
    imagePullSecrets: list(
      ref<LocalObjectReference>(core("LocalObjectReference")),
      "Secrets with which images are pulled.",
      {
        ...byName,
        ...duplicatesTolerated,
      },
    ),
    initContainers: list(
      ref<Container>(core("Container")),
      "Containers that run to completion, in this order, before the package is downloaded and the instance starts.",
      byName,
    ),
    sidecars: list(ref<Container>(core("Container")), "Containers that run beside the main one.", byName),
    serviceAccountName: text("Identity of the pods towards Kubernetes. Default: the namespace's default account."),
    builtinAutoscaler: texts(
      "Ready-made scaling rules, effective with maxReplicas: AverageUtilizationCPUPercent or AverageUtilizationMemoryPercent, followed by 80, 50 or 20. One rule of each family counts; other names are ignored. Wins over autoScalingMetrics and autoScalingBehavior.",
    ),
    autoScalingMetrics: list(
      ref<MetricSpec>(autoscaling("MetricSpec")),
      "What the HorizontalPodAutoscaler scales by, effective with maxReplicas. Default: 80 percent of the cpu limit.",
    ),
    autoScalingBehavior: ref<HorizontalPodAutoscalerBehavior>(autoscaling("HorizontalPodAutoscalerBehavior"), {
      description: "How fast the HorizontalPodAutoscaler scales up and down, effective with maxReplicas.",
    }),
    vpa,
    env: list(
      ref<EnvVar>(core("EnvVar")),
      "Environment variables of the main and the log shipping container. In a BackendConfig use spec.env instead.",
      // Apply replaces it as a whole, as it does with the CRD; strategic merge patch merges it.
      { "x-kubernetes-list-type": "atomic", ...patchedBy("name") },
    ),
    liveness,
    startupProbe: ref<Probe>(core("Probe"), {
      description: "Startup probe of the main container: until it succeeds once, liveness isn't probed.",
    }),
    disableDefaultAffinity: flag("Don't add the preference for spreading pods over nodes. Default: false."),
  },
);
