/** The Job that removes from Pulsar what a deleted workload leaves there (FM 4.13, and 9.4 for what it avoids). */
import type { Container } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { type BackendConfigs, overlayBackendConfigs } from "./backend-config.ts";
import { type AdminTool, adminTool, toolsOf } from "./command/download.ts";
import { type Step, shellCommand, type Word } from "./command/shell.ts";
import { containerResources, environment, environmentSources, hardened } from "./container.ts";
import { mainImage, pullPolicy } from "./images.ts";
import { componentLabel, componentLabels, nameLabel, namespaceLabel } from "./labels.ts";
import { completed, type PodTemplate, podTemplate } from "./pod-template.ts";
import { cleanupAccess } from "./pulsar-access.ts";
import { accessUses, layOutVolumes } from "./volumes.ts";
import { type CleanupTask, cleanupName, type Workload } from "./workload.ts";

/** Uid of the workload a clean-up is for. It has no owner reference: the collector would take it from a live owner. */
export const ownerLabel = "owner";
export const containerName = "cleanup";
/** A broker that is just starting or moving a topic refuses for some seconds. */
const attemptsPerTask = 3;
/** In case nobody is left to delete a finished Job, in s. */
const keepFinishedSeconds = 3600;

export function desiredCleanupJob(workload: Workload, configs: BackendConfigs, settings: Settings): KubeObject {
  const pod = workload.spec.pod ?? {};
  const { volumes, mounts } = layOutVolumes(workload, accessUses(cleanupAccess(workload.spec)));
  const template = podTemplate(workload, settings, {
    labels: podLabels(workload),
    initContainers: pod.initContainers ?? [],
    // The user's sidecars would keep the Job from ever completing.
    containers: [cleanupContainer(workload, settings, mounts)],
    volumes,
  });
  const overlaid = completed(withoutAbsentMounts(overlayBackendConfigs(template, configs, "")), settings);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: cleanupName(workload),
      namespace: workload.namespace,
      labels: { ...componentLabels(workload), [ownerLabel]: workload.uid },
    },
    spec: cleanupJobSpec(overlaid, settings),
  };
}

export const cleanupJobSpec = (template: PodTemplate, settings: Settings): JsonObject => ({
  activeDeadlineSeconds: settings.cleanupDeadlineSeconds,
  // Each task tries again by itself; doing finished ones twice would fail.
  backoffLimit: 0,
  ttlSecondsAfterFinished: keepFinishedSeconds,
  template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } },
});

/** A Job has no claims of its own: what the workload mounts from its claim templates isn't there. */
function withoutAbsentMounts({ metadata, spec }: PodTemplate): PodTemplate {
  const present = new Set((spec.volumes ?? []).map(({ name }) => name));
  const cut = ({ volumeMounts = [], ...container }: Container): Container => ({
    ...container,
    volumeMounts: volumeMounts.filter(({ name }) => present.has(name)),
  });
  return {
    metadata,
    spec: { ...spec, containers: spec.containers.map(cut), initContainers: spec.initContainers?.map(cut) },
  };
}

/** Unlike those of the workload's pods, so that neither Service nor StatefulSet nor autoscaler takes it for one. */
function podLabels(workload: Workload): { [key: string]: string } {
  const name = cleanupName(workload);
  return {
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/name": name,
    [componentLabel]: `${workload.component}-cleanup`,
    [nameLabel]: workload.name,
    [namespaceLabel]: workload.namespace,
  };
}

function cleanupContainer(workload: Workload, settings: Settings, mounts: Container["volumeMounts"]): Container {
  const { spec } = workload;
  return {
    name: containerName,
    image: spec.cleanupImage || mainImage(workload, settings),
    imagePullPolicy: pullPolicy(workload, settings),
    command: shellCommand("sh", cleanupSteps(workload, imageOf(workload))),
    env: environment(workload),
    envFrom: environmentSources(workload),
    resources: containerResources(spec),
    volumeMounts: [...(mounts ?? []), ...(spec.volumeMounts ?? [])],
    securityContext: hardened(),
  };
}

/** What the image of the workload's own Job offers, as far as the workload says. */
function imageOf({ spec }: Workload): Parameters<typeof toolsOf>[0] {
  const image = spec.cleanupImage || spec.image;
  return { ...spec, ...(image ? { image } : {}) };
}

/** @param image  that the steps are run in */
export function cleanupSteps({ spec, cleanup }: Workload, image: Parameters<typeof toolsOf>[0]): Step[] {
  const tool = adminTool(cleanupAccess(spec), toolsOf(image));
  return [
    ...tool.setup,
    ...cleanup.map((task) => ({ words: [...tool.words, ...taskWords(task, tool.name)], attempts: attemptsPerTask })),
  ];
}

function taskWords(task: CleanupTask, tool: AdminTool["name"]): Word[] {
  switch (task.do) {
    case "delete-topic":
      return ["topics", "delete", "-f", task.topic];
    case "unsubscribe-namespace":
      return tool === "pulsarctl"
        ? ["namespaces", "unsubscribe", task.namespace, task.subscription]
        : ["namespaces", "unsubscribe", "-s", task.subscription, task.namespace];
    case "unsubscribe":
      return tool === "pulsarctl"
        ? ["subscriptions", "delete", task.topic, task.subscription]
        : ["topics", "unsubscribe", "-s", task.subscription, task.topic];
  }
}
