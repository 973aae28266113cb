/** What a StatefulSet wants of its pods, and the next steps from those it has. Pure. */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { statefulSetType } from "../../apiserver/client/resource-types.ts";
import { limits } from "../../apiserver/limits.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { hasEnded, isReady, isTerminating, podFromTemplate, readySinceMs, textMap } from "./pods.ts";
import { controllerReference } from "./requests.ts";
import { templateOf } from "./stateful-set-revision.ts";

export const revisionLabel = "controller-revision-hash";

/** Where a rollout is: pods of `current` are being replaced by pods of `update`; equal when there is none. */
export type Revisions = { readonly current: KubeObject; readonly update: KubeObject };

/** Steps for now; whatever they bring about is the occasion for the next ones. */
export type Plan = {
  readonly create: readonly KubeObject[];
  readonly claims: readonly KubeObject[];
  readonly remove: readonly KubeObject[];
  /** Claims that go with their pod, as the set is scaled down and doesn't keep them. */
  readonly releases: readonly { readonly claim: string; readonly pod: KubeObject }[];
  /** Look again then, as a pod becomes available by the passing of time alone. */
  readonly recheckAfterMs?: number;
};

type Settings = {
  readonly first: number;
  readonly replicas: number;
  readonly parallel: boolean;
  readonly onDelete: boolean;
  /** Pods of an old revision that are replaced at once. */
  readonly maxUnavailable: number;
  readonly partition: number;
  readonly minReadyMs: number;
};

export function settingsOf(set: KubeObject): Settings {
  const spec = objectOf(set, "spec");
  const strategy = objectOf(spec, "updateStrategy");
  return {
    first: numberOf(objectOf(spec, "ordinals"), "start") ?? 0,
    replicas: numberOf(spec, "replicas") ?? 1,
    parallel: textOf(spec, "podManagementPolicy") === "Parallel",
    onDelete: textOf(strategy, "type") === "OnDelete",
    maxUnavailable: shareOf(objectOf(strategy, "rollingUpdate")?.maxUnavailable, numberOf(spec, "replicas") ?? 1),
    partition: numberOf(objectOf(strategy, "rollingUpdate"), "partition") ?? 0,
    minReadyMs: (numberOf(spec, "minReadySeconds") ?? 0) * 1000,
  };
}

/** The number at the end of a pod's name; -1 for a pod that isn't named after the set. */
export function ordinalOf(set: KubeObject, pod: KubeObject): number {
  const prefix = `${set.metadata.name ?? ""}-`;
  const { name = "" } = pod.metadata;
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^\d+$/.test(digits) ? Number(digits) : -1;
}

/** Ready for at least `minReadySeconds`. `waitMs` is what is still missing of it. */
export function availability(
  pod: KubeObject,
  minReadyMs: number,
  nowMs: number,
): { available: boolean; waitMs: number } {
  const since = isReady(pod) ? readySinceMs(pod) : undefined;
  if (since === undefined) return { available: false, waitMs: 0 };
  const waitMs = minReadyMs === 0 ? 0 : Math.max(0, since + minReadyMs - nowMs);
  return { available: waitMs === 0, waitMs };
}

export const revisionNameOf = ({ metadata }: KubeObject): string => metadata.labels?.[revisionLabel] ?? "";

/** What is beside the set and its pods. */
export type Circumstances = {
  readonly nowMs: number;
  /** Pods of one set that are run, however many it asks for: what was stored before there was a limit is borne. */
  readonly maxReplicas: number;
};

/**
 * The next steps, `maxPodsPerStep` of them at most. In order, unless the set is `Parallel`: one pod at a time from the lowest ordinal up when growing,
 * from the highest down when shrinking or updating, each after the one before is available.
 */
export function planPods(
  set: KubeObject,
  pods: readonly KubeObject[],
  revisions: Revisions,
  { nowMs, maxReplicas }: Circumstances,
): Plan {
  const asked = settingsOf(set);
  const settings = { ...asked, replicas: Math.min(asked.replicas, maxReplicas) };
  const { first, replicas, parallel, minReadyMs } = settings;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const create: KubeObject[] = [];
  const claims: KubeObject[] = [];
  const remove: KubeObject[] = [];
  let recheckAfterMs: number | undefined;
  let settled = true;

  for (let ordinal = first; ordinal < first + replicas && (settled || parallel); ordinal++) {
    if (create.length === limits.maxPodsPerStep.value) break;
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) {
      claims.push(...claimsOf(set, ordinal));
      create.push(newPod(set, ordinal, revisionFor(settings, ordinal, revisions)));
      settled = false;
    } else if (hasEnded(pod) && !isTerminating(pod)) {
      remove.push(pod);
      settled = false;
    } else {
      const { available, waitMs } = availability(pod, minReadyMs, nowMs);
      if (waitMs > 0) recheckAfterMs = Math.min(waitMs, recheckAfterMs ?? waitMs);
      settled &&= available && !isTerminating(pod);
    }
  }

  const recheck = recheckAfterMs === undefined ? {} : { recheckAfterMs };
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < first || ordinal >= first + replicas)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  const scaledDown = settled || parallel ? nextCondemned(condemned, parallel) : [];
  remove.push(...scaledDown);
  if (settled && condemned.length === 0) remove.push(...nextOutdated(byOrdinal, settings, revisions));
  return { create, claims, remove, releases: scaledDown.flatMap((pod) => releasesOf(set, pod)), ...recheck };
}

function nextCondemned(condemned: readonly KubeObject[], parallel: boolean): readonly KubeObject[] {
  if (parallel) return condemned.filter((pod) => !isTerminating(pod));
  const [highest] = condemned;
  return highest === undefined || isTerminating(highest) ? [] : [highest];
}

/** The highest ordinals first. */
function nextOutdated(
  byOrdinal: ReadonlyMap<number, KubeObject>,
  { first, replicas, onDelete, partition, maxUnavailable }: Settings,
  { update }: Revisions,
): readonly KubeObject[] {
  if (onDelete) return [];
  return [...byOrdinal]
    .filter(([ordinal]) => ordinal >= Math.max(first, first + partition) && ordinal < first + replicas)
    .filter(([, pod]) => revisionNameOf(pod) !== update.metadata.name)
    .sort(([a], [b]) => b - a)
    .slice(0, Math.min(maxUnavailable, limits.maxPodsPerStep.value))
    .map(([, pod]) => pod);
}

/** A number, or a share of `total` such as `25%`, rounded down; one at least. */
function shareOf(value: JsonValue | undefined, total: number): number {
  const percent = /^(\d{1,3})%$/.exec(String(value))?.[1];
  const count = percent === undefined ? Number(value) : Math.floor((Number(percent) * total) / 100);
  return Number.isInteger(count) && count > 1 ? count : 1;
}

/** Below the partition a lost pod comes back as it was. */
const revisionFor = ({ first, partition }: Settings, ordinal: number, { current, update }: Revisions): KubeObject =>
  ordinal < first + partition ? current : update;

function newPod(set: KubeObject, ordinal: number, revision: KubeObject): KubeObject {
  const { name: setName = "", namespace = "" } = set.metadata;
  const name = `${setName}-${ordinal}`;
  const pod = podFromTemplate(templateOf(revision), {
    name,
    namespace,
    owner: controllerReference(statefulSetType, set),
    labels: {
      "apps.kubernetes.io/pod-index": String(ordinal),
      [revisionLabel]: revision.metadata.name ?? "",
      "statefulset.kubernetes.io/pod-name": name,
    },
  });
  const spec = objectOf(pod, "spec");
  const subdomain = textOf(objectOf(set, "spec"), "serviceName");
  const claimed = claimTemplates(set).map((template) => volumeOf(template, name));
  const claimedNames = new Set(claimed.map((volume) => volume.name));
  const others = listOf(spec, "volumes").filter(
    (volume) => !isObject(volume) || !claimedNames.has(textOf(volume, "name")),
  );
  const volumes = [...others, ...claimed];
  return {
    ...pod,
    spec: {
      ...spec,
      hostname: name,
      ...(subdomain === "" ? {} : { subdomain }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

const claimTemplates = (set: KubeObject): readonly JsonObject[] =>
  listOf(objectOf(set, "spec"), "volumeClaimTemplates").filter(isObject);

const claimName = (template: JsonObject, podName: string): string =>
  `${textOf(objectOf(template, "metadata"), "name")}-${podName}`;

const volumeOf = (template: JsonObject, podName: string) => ({
  name: textOf(objectOf(template, "metadata"), "name"),
  persistentVolumeClaim: { claimName: claimName(template, podName) },
});

const retention = (set: KubeObject, field: "whenDeleted" | "whenScaled"): string =>
  textOf(objectOf(objectOf(set, "spec"), "persistentVolumeClaimRetentionPolicy"), field);

function releasesOf(set: KubeObject, pod: KubeObject): Plan["releases"] {
  if (retention(set, "whenScaled") !== "Delete") return [];
  return claimTemplates(set).map((template) => ({ claim: claimName(template, pod.metadata.name ?? ""), pod }));
}

/** The claims of one pod. They outlive it, and the set too unless its retention policy says otherwise. */
function claimsOf(set: KubeObject, ordinal: number): readonly KubeObject[] {
  const { name = "", namespace = "" } = set.metadata;
  const spec = objectOf(set, "spec");
  const owned = retention(set, "whenDeleted") === "Delete";
  return claimTemplates(set).map((template) => {
    const metadata = objectOf(template, "metadata");
    return {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: claimName(template, `${name}-${ordinal}`),
        namespace,
        labels: {
          ...textMap(objectOf(metadata, "labels")),
          ...textMap(objectOf(objectOf(spec, "selector"), "matchLabels")),
        },
        annotations: textMap(objectOf(metadata, "annotations")),
        ...(owned ? { ownerReferences: [controllerReference(statefulSetType, set)] } : {}),
      },
      spec: objectOf(template, "spec"),
    };
  });
}
