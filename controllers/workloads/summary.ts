/** The state of a workload in one word, one reason and one sentence. Pure. */
import type { ResourceCondition, Summary } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { holdReasons } from "./child.ts";
import type { Observed } from "./gather.ts";
import { numberAt } from "./parts.ts";
import { type PodProblem, podProblem } from "./pods.ts";
import type { Reference } from "./references.ts";

export type SummaryInput = {
  readonly conditions: { readonly [component: string]: ResourceCondition };
  readonly statefulSet: KubeObject | undefined;
  readonly observed: Pick<Observed, "pods" | "globalConfigMissing">;
  readonly missing: readonly Reference[];
  /** RFC 3339. */
  readonly now: string;
};

/** Problems are told in this order: what keeps everything from working first. */
export function summarize(input: SummaryInput): Summary {
  return failure(input) ?? trouble(input) ?? progress(input) ?? rest(input);
}

/** Reasons of conditions that say that an object could not be written. */
const refusals = new Set(["NotOwned", "ApplyFailed", "ArgumentTooLong", "ImageUnknown", "KindNotServed"]);

function failure({ conditions }: SummaryInput): Summary | undefined {
  for (const { reason = "", message = "" } of Object.values(conditions)) {
    if (refusals.has(reason)) return { phase: "Failed", reason, message };
  }
  return undefined;
}

function trouble({ observed, missing, statefulSet, now }: SummaryInput): Summary | undefined {
  if (missing.length > 0) {
    const names = missing.map(({ kind, name }) => `${kind} ${name}`).join(", ");
    const verb = missing.length === 1 ? "doesn't" : "don't";
    return { phase: "Degraded", reason: "ReferenceNotFound", message: `${names} ${verb} exist in the namespace.` };
  }
  if (observed.globalConfigMissing) {
    const message = "The BackendConfig that the server's option --global-backend-config names doesn't exist.";
    return { phase: "Degraded", reason: "BackendConfigNotFound", message };
  }
  const problems = observed.pods
    .map((pod) => podProblem(pod, Date.parse(now)))
    .filter((problem) => problem !== undefined);
  const [first] = problems;
  // While pods start or are replaced, an unready one is nothing to worry about.
  if (first === undefined || (first.reason === "ProbeFailing" && !wasReady(statefulSet))) return undefined;
  return { phase: "Degraded", reason: first.reason, message: problemMessage(first, problems.length - 1) };
}

const wasReady = (statefulSet: KubeObject | undefined): boolean => numberAt(statefulSet, "status", "readyReplicas") > 0;

function problemMessage({ pod, message }: PodProblem, others: number): string {
  const more = others === 0 ? "" : ` (and ${others} more ${others === 1 ? "pod" : "pods"})`;
  return `Pod ${pod}: ${message}.${more}`;
}

function progress({ conditions, statefulSet, observed }: SummaryInput): Summary | undefined {
  const { status, reason = "", message = "" } = conditions.StatefulSet ?? {};
  if (status === "True") return undefined;
  const started = numberAt(statefulSet, "status", "readyReplicas") > 0 || observed.pods.some(runs);
  // A held change gives the condition its own reason; that pods aren't ready is what counts here.
  const why = isHoldReason(reason) ? "PodsNotReady" : reason || "PodsNotReady";
  return { phase: started ? "Progressing" : "Pending", reason: why, message: message || "No pod exists yet." };
}

const runs = ({ status }: KubeObject): boolean =>
  typeof status === "object" && status !== null && "phase" in status && status.phase === "Running";
const isHoldReason = (reason: string): boolean => holdReasons.some((each) => each === reason);

function rest({ conditions, statefulSet }: SummaryInput): Summary {
  if (conditions.StatefulSet?.reason === "RolloutPaused") {
    return { phase: "Paused", reason: "RolloutPaused", message: "A change waits until the rollout is resumed." };
  }
  const wanted = numberAt(statefulSet, "spec", "replicas");
  if (wanted === 0) return { phase: "Ready", reason: "SwitchedOff", message: "No pods are wanted: replicas is 0." };
  return {
    phase: "Ready",
    reason: "Ready",
    message: wanted === 1 ? "The pod is ready." : `All ${wanted} pods are ready.`,
  };
}
