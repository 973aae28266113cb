import type { FunctionMeshStatus } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { EventRecord } from "../runtime/interface.ts";
import type { MemberOutcome } from "./status.ts";

/** Which transitions of a mesh its user is told of. */
export function meshEvents(
  previous: FunctionMeshStatus | undefined,
  next: FunctionMeshStatus,
  outcomes: readonly MemberOutcome[],
): EventRecord[] {
  const events = outcomes.flatMap((outcome) => memberEvents(outcome, previous, next));
  if (next.condition?.status === "True" && previous?.condition?.status === "False") {
    events.push({ type: "Normal", reason: "Ready", message: "All members are ready." });
  }
  return events;
}

function memberEvents(
  outcome: MemberOutcome,
  previous: FunctionMeshStatus | undefined,
  next: FunctionMeshStatus,
): EventRecord[] {
  const { kind, component } = outcome;
  const before = previous?.[kind.conditions]?.[component];
  const { reason = "", message = "" } = next[kind.conditions]?.[component] ?? {};
  const news = before?.reason !== reason || before.message !== message;
  const what = `${kind.type.kind} ${"live" in outcome ? outcome.live?.metadata.name : component}`;
  switch (outcome.result) {
    case "created":
      return [{ type: "Normal", reason: "Created", message: `Created ${what}.` }];
    case "updated":
      return [{ type: "Normal", reason: "Updated", message: `Updated ${what}.` }];
    case "orphaned":
      return news ? [{ type: "Normal", reason: "Deleted", message: `Deleted ${what}: not in the mesh.` }] : [];
    case "foreign":
    case "failed":
      return news ? [{ type: "Warning", reason, message: `${component}: ${message}` }] : [];
    case "leaving":
      return news ? [{ type: "Normal", reason, message: `${component}: ${message}` }] : [];
    case "unchanged":
      return [];
  }
}
