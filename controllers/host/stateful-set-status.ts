import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isReady, isTerminating } from "./pods.ts";
import { availability, ordinalOf, type Revisions, revisionNameOf, settingsOf } from "./stateful-set-plan.ts";

/** The status a set with these pods has; its field names, and when a rollout counts as done, are Kubernetes'. */
export function deriveStatus(
  set: KubeObject,
  pods: readonly KubeObject[],
  { current, update }: Revisions,
  nowMs: number,
): JsonObject {
  const { first, replicas, minReadyMs } = settingsOf(set);
  const wanted = pods.filter((pod) => {
    const ordinal = ordinalOf(set, pod);
    return ordinal >= first && ordinal < first + replicas;
  });
  const ofRevision = (revision: KubeObject) =>
    wanted.filter((pod) => revisionNameOf(pod) === revision.metadata.name && !isTerminating(pod)).length;
  const ready = pods.filter(isReady).length;
  const updated = ofRevision(update);
  const rolledOut = updated === replicas && ready === replicas && pods.length === replicas;
  return {
    ...objectOf(set, "status"),
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready,
    availableReplicas: pods.filter((pod) => availability(pod, minReadyMs, nowMs).available).length,
    currentReplicas: rolledOut ? updated : ofRevision(current),
    updatedReplicas: updated,
    currentRevision: rolledOut ? update.metadata.name : current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: numberOf(objectOf(set, "status"), "collisionCount") ?? 0,
  };
}

/** The revision pods had before the rollout under way; the newest one when none is. */
export const currentRevision = (set: KubeObject, revisions: readonly KubeObject[], update: KubeObject): KubeObject => {
  const name = textOf(objectOf(set, "status"), "currentRevision");
  return revisions.find(({ metadata }) => metadata.name === name) ?? update;
};
