/** The StatefulSet that runs a workload's instances (FM 4.2). */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { type BackendConfigs, overlayBackendConfigs } from "./backend-config.ts";
import { mainContainer, mainContainerName } from "./container.ts";
import { downloaderContainer, downloaderUses } from "./downloader.ts";
import { lacks } from "./drift.ts";
import { filebeatContainer, filebeatUses } from "./filebeat.ts";
import { childMetadata, componentLabels } from "./labels.ts";
import { partOf } from "./parts.ts";
import { completed, type PodTemplate, podTemplate } from "./pod-template.ts";
import { mainUses, podVolumes } from "./volumes.ts";
import { objectName, serviceName, type Workload } from "./workload.ts";

export function desiredStatefulSet(workload: Workload, configs: BackendConfigs, settings: Settings): KubeObject {
  const { spec, volumeClaimTemplates, claimRetentionPolicy } = workload;
  const pod = podOf(workload, settings);
  const overlaid = overlayBackendConfigs(pod, configs, mainContainerName(workload));
  const spread = settings.defaultAffinity && spec.pod?.disableDefaultAffinity !== true;
  const template = completed(overlaid, settings, spread ? pod.metadata.labels : undefined);
  const statefulSet: JsonObject = {
    replicas: spec.replicas ?? 1,
    selector: { matchLabels: componentLabels(workload) },
    serviceName: serviceName(workload),
    podManagementPolicy: "Parallel",
    updateStrategy: { type: "RollingUpdate" },
    template,
    volumeClaimTemplates:
      volumeClaimTemplates && volumeClaimTemplates.length > 0 ? [...volumeClaimTemplates] : undefined,
    persistentVolumeClaimRetentionPolicy: claimRetentionPolicy,
  };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: childMetadata(workload, objectName(workload)),
    spec: statefulSet,
  };
}

/** What the API server lets nobody change after creation. */
const immutableFields = ["selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"] as const;

/** `wanted` with the immutable fields of what exists, so that everything else can still change. */
export function keepImmutable(wanted: KubeObject, live: KubeObject | undefined): KubeObject {
  if (live === undefined) return wanted;
  const spec = { ...partOf(wanted, "spec") };
  const liveSpec = partOf(live, "spec");
  for (const field of immutableFields) {
    if (!sameValue(spec[field], liveSpec[field])) spec[field] = liveSpec[field];
  }
  return { ...wanted, spec };
}

/** Equal but for what the API server fills in. */
function sameValue(wanted: JsonValue | undefined, live: JsonValue | undefined): boolean {
  return (wanted === undefined) === (live === undefined) && lacks(wanted, live).length === 0;
}

function podOf(workload: Workload, settings: Settings): PodTemplate {
  const pod = workload.spec.pod ?? {};
  const downloader = downloaderContainer(workload, settings);
  const filebeat = filebeatContainer(workload, settings);
  return podTemplate(workload, settings, {
    labels: componentLabels(workload),
    initContainers: [...(pod.initContainers ?? []), ...(downloader === undefined ? [] : [downloader])],
    containers: [
      ...(pod.sidecars ?? []),
      mainContainer(workload, settings),
      ...(filebeat === undefined ? [] : [filebeat]),
    ],
    volumes: podVolumes(workload, [
      mainUses(workload, settings),
      ...(downloader === undefined ? [] : [downloaderUses(workload)]),
      ...(filebeat === undefined ? [] : [filebeatUses(workload)]),
    ]),
    mainContainer: mainContainerName(workload),
  });
}
