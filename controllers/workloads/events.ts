/** Which transitions of a workload its user is told of. */
import type { WorkloadStatus } from "../../apiserver/apis/compute/v1alpha1/workload.ts";
import type { EventRecord } from "../runtime/interface.ts";
import type { ChildKind } from "./desired.ts";
import { childKinds, type Outcomes } from "./status.ts";

export function transitionEvents(
  previous: WorkloadStatus | undefined,
  next: WorkloadStatus,
  outcomes: Outcomes,
): EventRecord[] {
  return childKinds.flatMap((kind) => childEvents(kind, previous, next, outcomes));
}

const written = {
  created: { reason: "Created", verb: "Created" },
  updated: { reason: "Updated", verb: "Updated" },
} as const;

function childEvents(
  kind: ChildKind,
  previous: WorkloadStatus | undefined,
  next: WorkloadStatus,
  outcomes: Outcomes,
): EventRecord[] {
  const outcome = outcomes[kind];
  const before = previous?.conditions?.[kind];
  const after = next.conditions[kind];
  const events: EventRecord[] = [];
  if (outcome.result === "created" || outcome.result === "updated") {
    const { reason, verb } = written[outcome.result];
    events.push({ type: "Normal", reason, message: `${verb} ${kind} ${outcome.live.metadata.name}.` });
  }
  if (outcome.result === "deleted") events.push({ type: "Normal", reason: "Deleted", message: `Deleted ${kind}.` });
  const { reason = "", message = "", status } = after ?? {};
  if (before?.reason === reason && before.message === message) return events;
  if (reason === "NotOwned" || reason === "ApplyFailed") events.push({ type: "Warning", reason, message });
  if (outcome.result === "held" && before?.reason !== reason) {
    events.push({ type: "Normal", reason, message: `A change of ${kind} is held back: ${next.pendingChange}` });
  }
  if (kind === "StatefulSet" && status === "True" && before !== undefined && before.status !== "True") {
    events.push({ type: "Normal", reason: "Ready", message: `All ${next.replicas} pods are ready.` });
  }
  return events;
}
