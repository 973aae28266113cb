/** What a user is told of a workload: a conclusion from what was seen and done, never an input of the next run. */
import type { ResourceCondition, WorkloadStatus } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { limits } from "../../apiserver/limits.ts";
import { deepEqual, isObject } from "../../apiserver/machinery/json.ts";
import { failureMessage, type Outcome } from "./apply.ts";
import { appliedConfigs } from "./backend-config.ts";
import type { ChildKind } from "./desired.ts";
import type { Observed } from "./gather.ts";
import { componentLabels, selectorText } from "./labels.ts";
import { numberAt, partOf } from "./parts.ts";
import type { Reference } from "./references.ts";
import { summarize } from "./summary.ts";
import type { Workload } from "./workload.ts";

export type Outcomes = { readonly [Kind in ChildKind]: Outcome };

/** The operator's names of the conditions (FM 1.7). */
const conditionNames: { readonly [Kind in ChildKind]: string } = {
  StatefulSet: "StatefulSetReady",
  Service: "ServiceReady",
  HorizontalPodAutoscaler: "HPAReady",
  VerticalPodAutoscaler: "VPAReady",
};
export const childKinds = Object.keys(conditionNames).filter((kind): kind is ChildKind => kind in conditionNames);

export type StatusInput = {
  readonly workload: Workload;
  readonly generation: number;
  readonly previous: WorkloadStatus | undefined;
  readonly outcomes: Outcomes;
  readonly observed: Observed;
  /** What its pods need and the namespace lacks. */
  readonly missing: readonly Reference[];
  /** RFC 3339. */
  readonly now: string;
};

/** The StatefulSet that runs the workload now, if it is ours. */
export function statefulSetOf({ StatefulSet: outcome }: Outcomes): KubeObject | undefined {
  const isOurs = outcome.result !== "foreign" && outcome.result !== "leaving";
  return "live" in outcome && isOurs ? outcome.live : undefined;
}

export function deriveStatus(input: StatusInput): WorkloadStatus {
  const { workload, generation, previous, outcomes, observed, now } = input;
  const conditions: { [component: string]: ResourceCondition } = {};
  for (const kind of childKinds) {
    const condition = conditionOf(kind, outcomes[kind]);
    if (condition !== undefined) conditions[kind] = since(condition, previous?.conditions?.[kind], now);
  }
  const outcome = outcomes.StatefulSet;
  const statefulSet = statefulSetOf(outcomes);
  const { global, namespaced } = observed.configs;
  const inEffect = appliedConfigs(observed.configs);
  return {
    conditions,
    ...summarize({ ...input, conditions, statefulSet }),
    replicas: numberAt(statefulSet, "spec", "replicas"),
    readyReplicas: numberAt(statefulSet, "status", "readyReplicas"),
    updatedReplicas: numberAt(statefulSet, "status", "updatedReplicas"),
    availableReplicas: numberAt(statefulSet, "status", "availableReplicas"),
    selector: selectorText(componentLabels(workload)),
    observedGeneration: generation,
    ...(inEffect.length > 0 && { backendConfigs: inEffect }),
    ...(global && { globalBackendConfigRevision: global.metadata.resourceVersion ?? "" }),
    ...(namespaced && { namespacedBackendConfigRevision: namespaced.metadata.resourceVersion ?? "" }),
    ...(outcome.result === "held" ? { pendingChange: pendingChange(outcome), pendingDiff: [...outcome.diff] } : {}),
  };
}

/** Where the StatefulSet would change, and why it doesn't. No values: they may hold credentials (FM W-43). */
function pendingChange({ reason, paths }: Extract<Outcome, { result: "held" }>): string {
  return `${reason}: ${paths.join(", ")}`.slice(0, limits.maxMessageLength.value);
}

/** The time of a condition is that of its last change of `status`. */
export function since(
  condition: ResourceCondition,
  previous: ResourceCondition | undefined,
  now: string,
): ResourceCondition {
  const unchanged = previous?.status === condition.status ? previous?.lastTransitionTime : undefined;
  return { ...condition, lastTransitionTime: unchanged ?? now };
}

function conditionOf(kind: ChildKind, outcome: Outcome): ResourceCondition | undefined {
  const condition = conditionNames[kind];
  const action = "live" in outcome && outcome.live !== undefined ? "Update" : "Create";
  switch (outcome.result) {
    case "absent":
    case "deleted":
      return undefined;
    case "foreign": {
      const message = `${kind} ${outcome.live.metadata.name} exists and is not managed by this object.`;
      return { condition, status: "False", action: "Wait", reason: "NotOwned", message };
    }
    case "leaving": {
      const message = `${kind} ${outcome.live.metadata.name} of a deleted object of this name is going.`;
      return { condition, status: "False", action: "Wait", reason: "PredecessorLeaves", message };
    }
    case "failed":
      return { condition, status: "False", action, reason: "ApplyFailed", message: failureMessage(outcome.error) };
    case "refused":
      return { condition, status: "False", action, reason: outcome.reason, message: outcome.message };
    case "held":
      return { condition, ...readiness(kind, outcome.live), action: "Update", reason: outcome.reason };
    default:
      return { condition, ...readiness(kind, outcome.live) };
  }
}

type Readiness = Pick<ResourceCondition, "status" | "action" | "reason" | "message">;
const ready: Readiness = { status: "True", action: "NoAction", reason: "Ready" };

/** Only pods take time; the other objects do their work once they exist. */
function readiness(kind: ChildKind, live: KubeObject): Readiness {
  if (kind !== "StatefulSet") return ready;
  const wanted = numberAt(live, "spec", "replicas");
  const seen = numberAt(live, "status", "observedGeneration") >= (live.metadata.generation ?? 0);
  const readyReplicas = seen ? numberAt(live, "status", "readyReplicas") : 0;
  if (!seen || readyReplicas < wanted) {
    const message = `${readyReplicas} of ${wanted} pods are ready.`;
    return { status: "False", action: "Wait", reason: "PodsNotReady", message };
  }
  const status = partOf(live, "status");
  const updated = numberAt(live, "status", "updatedReplicas");
  if (status.updateRevision !== status.currentRevision && updated < wanted) {
    const message = `${updated} of ${wanted} pods are up to date.`;
    return { status: "False", action: "Wait", reason: "RollingUpdate", message };
  }
  return ready;
}

/** The merge patch that turns one status into the other; absent when they are equal. */
export function statusPatch(previous: JsonValue | undefined, next: JsonObject): JsonObject | undefined {
  const old = isObject(previous) ? previous : {};
  const patch: JsonObject = {};
  for (const field of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const value = next[field];
    if (deepEqual(old[field], value)) continue;
    const nested = isObject(value) && isObject(old[field]) ? statusPatch(old[field], value) : value;
    patch[field] = nested ?? null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
