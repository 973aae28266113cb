import type { FunctionMeshStatus } from "../../apiserver/apis/compute/v1alpha1/function-mesh.ts";
import type { ResourceCondition, WorkloadStatus } from "../../apiserver/apis/compute/v1alpha1/workload.ts";
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
  | { readonly result: "failed"; readonly live?: KubeObject; readonly error: unknown }
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
  return {
    ...status,
    condition: since(meshCondition(waiting.map(({ outcome }) => outcome.component)), previous?.condition, now),
  };
}

function meshCondition(waiting: readonly string[]): ResourceCondition {
  if (waiting.length === 0) return { condition: "MeshReady", status: "True", action: "NoAction", reason: "Ready" };
  const message = `Not ready: ${[...waiting].sort().join(", ")}`.slice(0, limits.maxMessageLength.value);
  return { condition: "MeshReady", status: "False", action: "Wait", reason: "MembersNotReady", message };
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
  const status: Partial<WorkloadStatus> = partOf(live, "status");
  const conditions = Object.entries(status.conditions ?? {});
  const seen = status.observedGeneration === live.metadata.generation && conditions.length > 0;
  const missing = conditions.filter(([, condition]) => condition.status !== "True").map(([name]) => name);
  if (seen && missing.length === 0) return { status: "True", action: "NoAction", reason: "Ready" };
  const message = seen ? `Not ready: ${missing.sort().join(", ")}` : "Waits for its controller.";
  return { status: "False", action: "Wait", reason: "NotReady", message };
}
