import type {
  FunctionMeshStatus,
  ResourceCondition,
  Summary,
  WorkloadPhase,
  WorkloadStatus,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { limits } from "../../apiserver/limits.ts";
import { failureMessage } from "../workloads/apply.ts";
import { partOf } from "../workloads/parts.ts";
import { since } from "../workloads/status.ts";
import { type MemberKind, memberKinds } from "./desired.ts";

/** What became of one member. */
export type MemberOutcome = { readonly kind: MemberKind; readonly component: string } & (
  | { readonly result: "created" | "updated" | "unchanged"; readonly live: KubeObject }
  /** No longer in the mesh; on its way out. */
  | { readonly result: "orphaned"; readonly live: KubeObject }
  | { readonly result: "foreign"; readonly live: KubeObject }
  /** A deleted mesh of the same name had it, and it is going. */
  | { readonly result: "leaving"; readonly live: KubeObject }
  /** `retryInMs`: it is refused, and asked for again no sooner. */
  | { readonly result: "failed"; readonly live?: KubeObject; readonly error: unknown; readonly retryInMs?: number }
);

export function deriveMeshStatus(
  generation: number,
  outcomes: readonly MemberOutcome[],
  previous: FunctionMeshStatus | undefined,
  now: string,
): FunctionMeshStatus {
  const conditions = outcomes.map((outcome) => ({ outcome, condition: memberCondition(outcome) }));
  const status: FunctionMeshStatus = { observedGeneration: generation };
  for (const kind of memberKinds) {
    const entries = conditions
      .filter(({ outcome }) => outcome.kind === kind)
      .map(({ outcome: { component }, condition }) => {
        return [component, since(condition, previous?.[kind.conditions]?.[component], now)] as const;
      });
    if (entries.length > 0) status[kind.conditions] = Object.fromEntries(entries);
  }
  const waiting = conditions.filter(
    ({ condition }) => condition.condition === "Orphaned" || condition.status !== "True",
  );
  const condition = meshCondition(waiting);
  return { ...status, ...meshSummary(outcomes, condition), condition: since(condition, previous?.condition, now) };
}

type Waiting = { readonly outcome: MemberOutcome; readonly condition: ResourceCondition };

/** Says of each member that isn't ready why. */
function meshCondition(waiting: readonly Waiting[]): ResourceCondition {
  if (waiting.length === 0) return { condition: "MeshReady", status: "True", action: "NoAction", reason: "Ready" };
  const members = waiting
    .map(({ outcome, condition }) => `${outcome.component} (${condition.message ?? condition.reason})`)
    .sort();
  const message = `Not ready: ${members.join(", ")}`.slice(0, limits.maxMessageLength.value);
  return { condition: "MeshReady", status: "False", action: "Wait", reason: "MembersNotReady", message };
}

/** What counts most first: a mesh is as well as its worst member. */
const phases: readonly WorkloadPhase[] = ["Failed", "Degraded", "Pending", "Progressing", "Paused", "Ready"];

function meshSummary(outcomes: readonly MemberOutcome[], condition: ResourceCondition): Summary {
  const found = new Set(outcomes.map(memberPhase));
  const phase = phases.find((each) => found.has(each)) ?? "Ready";
  const { reason = "", message = "All members are ready." } = condition;
  return { phase, reason, message };
}

function memberPhase(outcome: MemberOutcome): WorkloadPhase {
  switch (outcome.result) {
    case "failed":
    case "foreign":
      return "Failed";
    case "orphaned":
    case "leaving":
      return "Progressing";
    default:
      return hasBeenSeen(outcome.live) ? (statusOf(outcome.live).phase ?? "Progressing") : "Progressing";
  }
}

const statusOf = (live: KubeObject): Partial<WorkloadStatus> => partOf(live, "status");

/** Its own controller has acted on the newest spec. */
function hasBeenSeen(live: KubeObject): boolean {
  const { observedGeneration, conditions } = statusOf(live);
  return observedGeneration === live.metadata.generation && Object.keys(conditions ?? {}).length > 0;
}

function memberCondition(outcome: MemberOutcome): ResourceCondition {
  const { condition } = outcome.kind;
  switch (outcome.result) {
    case "orphaned":
      return { condition: "Orphaned", status: "True", action: "Delete", reason: "NotInMesh" };
    case "foreign": {
      const { kind, metadata } = outcome.live;
      const message = `${kind} ${metadata.name} exists and is not managed by this mesh.`;
      return { condition, status: "False", action: "Wait", reason: "NotOwned", message };
    }
    case "leaving": {
      const { kind, metadata } = outcome.live;
      const message = `${kind} ${metadata.name} of a deleted mesh of this name is going.`;
      return { condition, status: "False", action: "Wait", reason: "PredecessorLeaves", message };
    }
    case "failed": {
      const action = outcome.live === undefined ? "Create" : "Update";
      return { condition, status: "False", action, reason: "ApplyFailed", message: failureMessage(outcome.error) };
    }
    default:
      return { condition, ...memberReadiness(outcome.live) };
  }
}

type Readiness = Pick<ResourceCondition, "status" | "action" | "reason" | "message">;

/** A member is ready when its own controller has seen its newest spec and says that all its objects are. */
function memberReadiness(live: KubeObject): Readiness {
  const { phase = "Pending", reason = "NotReady", message } = statusOf(live);
  const waits = { status: "False", action: "Wait" };
  if (!hasBeenSeen(live)) return { ...waits, reason: "NotReady", message: "Waits for its controller." };
  if (phase === "Ready" || phase === "Paused") return { status: "True", action: "NoAction", reason: "Ready" };
  return { ...waits, reason, message: message ?? phase };
}
