/** What a workload's user is told as it happens: what was written and why, what waits, what went wrong. */
import type { WorkloadStatus } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import { limits } from "../../apiserver/limits.ts";
import type { EventRecord } from "../runtime/interface.ts";
import type { Outcome } from "./apply.ts";
import { causesText } from "./child.ts";
import type { ChildKind } from "./desired.ts";
import { childKinds, type Outcomes } from "./status.ts";

export function transitionEvents(
  previous: WorkloadStatus | undefined,
  next: WorkloadStatus,
  outcomes: Outcomes,
): EventRecord[] {
  return [
    ...creationEvents(outcomes),
    ...childKinds.flatMap((kind) => childEvents(kind, previous, next, outcomes[kind])),
    ...summaryEvents(previous, next),
  ];
}

/** One for all that were made: each event is a request. */
function creationEvents(outcomes: Outcomes): EventRecord[] {
  const made = childKinds.flatMap((kind) => {
    const outcome = outcomes[kind];
    return outcome.result === "created" ? [`${kind} ${outcome.live.metadata.name}`] : [];
  });
  return made.length === 0 ? [] : [{ type: "Normal", reason: "Created", message: `Created ${made.join(", ")}.` }];
}

function childEvents(
  kind: ChildKind,
  previous: WorkloadStatus | undefined,
  next: WorkloadStatus,
  outcome: Outcome,
): EventRecord[] {
  switch (outcome.result) {
    case "updated":
      return [{ type: "Normal", reason: "Updated", message: updateMessage(kind, outcome) }];
    case "deleted":
      return [{ type: "Normal", reason: "Deleted", message: `Deleted ${kind}.` }];
    case "held": {
      const news = previous?.pendingChange !== next.pendingChange;
      const message = `A change of ${kind} is held back: ${next.pendingChange}`;
      return news ? [{ type: "Normal", reason: outcome.reason, message: cut(message) }] : [];
    }
    case "foreign":
    case "failed":
    case "refused": {
      const { reason = "", message = "" } = next.conditions[kind] ?? {};
      const before = previous?.conditions?.[kind];
      const news = before?.reason !== reason || before.message !== message;
      return news ? [{ type: "Warning", reason, message }] : [];
    }
    case "leaving": {
      const { reason = "", message = "" } = next.conditions[kind] ?? {};
      return previous?.conditions?.[kind]?.reason === reason ? [] : [{ type: "Normal", reason, message }];
    }
    case "created":
    case "unchanged":
    case "absent":
      return [];
  }
}

type Written = Extract<Outcome, { readonly restarts: boolean }>;

function updateMessage(kind: ChildKind, outcome: Written): string {
  const why = causesText(outcome.causes);
  const where = outcome.paths.length === 0 ? "" : ` Changed: ${outcome.paths.join(", ")}.`;
  const then = outcome.restarts ? " Its pods restart." : "";
  return cut(`Updated ${kind} ${outcome.live.metadata.name}: ${why}.${then}${where}`);
}

function cut(message: string): string {
  const most = limits.maxMessageLength.value;
  return message.length > most ? `${message.slice(0, most - 1)}…` : message;
}

/** A phase that is entered; that of a failure is told of the child it is about. */
function summaryEvents(previous: WorkloadStatus | undefined, next: WorkloadStatus): EventRecord[] {
  const { phase, reason = "", message = "" } = next;
  if (phase === "Degraded" && (previous?.phase !== phase || previous.reason !== reason)) {
    return [{ type: "Warning", reason, message: cut(message) }];
  }
  const became = phase === "Ready" && previous?.phase !== undefined && previous.phase !== "Ready";
  return became ? [{ type: "Normal", reason, message }] : [];
}
