/**
 * The decision of one reconcile, as a value: every write with its causes, what waits and why. Pure, so it can be shown
 * before it is carried out, and tested without a cluster.
 */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { runAtOnce, type Steps } from "../../apiserver/machinery/turns.ts";
import type { Settings } from "../settings.ts";
import { type Cause, type ChildPlan, causesText, planChild } from "./child.ts";
import { type ChildKind, desiredProblem, desiredWorkloads } from "./desired.ts";
import { changes } from "./drift.ts";
import { allReady, type FleetView, hasTurn, turnReason } from "./fleet.ts";
import type { Observed } from "./gather.ts";
import { numberAt, partOf } from "./parts.ts";
import { diffLines } from "./pending-diff.ts";
import {
  changedCauses,
  holdReason,
  isPaused,
  type RenderedFrom,
  recordOf,
  renderedFrom,
  takesTurns,
  withRecord,
} from "./rollout.ts";
import { keepImmutable } from "./stateful-set.ts";
import type { Workload } from "./workload.ts";

export type WorkloadPlan = { readonly [Kind in ChildKind]: ChildPlan };

/** How this installation renders. `rendererVersion` changes with what the code here makes of the same input. */
export type Renderer = { readonly settings: Settings; readonly rendererVersion: string };

/** @param observed  `fleet` is asked in the last step: what the others do then, and what this one does, is one decision */
export function* planInSteps(
  owner: KubeObject,
  workload: Workload,
  observed: Observed & { readonly fleet: () => FleetView },
  { settings: general, rendererVersion }: Renderer,
): Steps<WorkloadPlan> {
  const { children, configs } = observed;
  const settings = observed.restricted ? { ...general, runAsNonRoot: true } : general;
  const desired = desiredWorkloads(workload, configs, settings);
  yield;
  const wanted = keepImmutable(withReplicas(desired.StatefulSet, observed), children.StatefulSet);
  const record = renderedFrom(owner, workload, { configs, settings, rendererVersion }, wanted);
  yield;
  const paused = isPaused(owner, settings);
  return {
    StatefulSet: planStatefulSet({
      wanted,
      problem: desiredProblem(workload, wanted, settings),
      live: children.StatefulSet,
      workload,
      record,
      paused,
      fleet: observed.fleet(),
    }),
    Service: planChild(desired.Service, children.Service, workload),
    HorizontalPodAutoscaler: planChild(desired.HorizontalPodAutoscaler, children.HorizontalPodAutoscaler, workload),
    VerticalPodAutoscaler:
      desired.VerticalPodAutoscaler !== undefined && !observed.verticalPodAutoscaling
        ? notServed
        : planChild(desired.VerticalPodAutoscaler, children.VerticalPodAutoscaler, workload),
  };
}

/** As `planInSteps`. */
export const planWorkload = (
  owner: KubeObject,
  workload: Workload,
  observed: Observed & { readonly fleet: FleetView },
  renderer: Renderer,
): WorkloadPlan => runAtOnce(planInSteps(owner, workload, { ...observed, fleet: () => observed.fleet }, renderer));

const notServed: ChildPlan = {
  action: "refuse",
  reason: "KindNotServed",
  message:
    "The cluster had no autoscaling.k8s.io/v1 when this server started: install the vertical autoscaler and restart the server, or remove spec.pod.vpa.",
};

/** Where somebody else's autoscaler moves the StatefulSet its number of replicas is none of our business. */
function withReplicas(statefulSet: KubeObject, { children, foreignAutoscaler }: Observed): KubeObject {
  const live = children.StatefulSet;
  const wanted = numberAt(statefulSet, "spec", "replicas");
  if (live === undefined || foreignAutoscaler === undefined || wanted === 0) return statefulSet;
  return { ...statefulSet, spec: { ...partOf(statefulSet, "spec"), replicas: numberAt(live, "spec", "replicas") } };
}

type StatefulSetInput = {
  readonly wanted: KubeObject;
  readonly problem: ReturnType<typeof desiredProblem>;
  readonly live: KubeObject | undefined;
  readonly workload: Workload;
  readonly record: RenderedFrom;
  readonly paused: boolean;
  readonly fleet: FleetView;
};

function planStatefulSet({ wanted, problem, live, workload, record, paused, fleet }: StatefulSetInput): ChildPlan {
  if (problem !== undefined) return { action: "refuse", ...problem, ...(live && { live }) };
  const recorded = recordOf(live);
  const planned = ({ paced, because }: Pick<RenderedFrom, "paced" | "because">) =>
    planChild(withRecord(wanted, { ...record, ...(paced && { paced }), ...(because && { because }) }), live, workload);
  const plan = planned(recorded ?? {});
  if (plan.action !== "apply" || plan.live === undefined || plan.causes.includes("Adopted")) return plan;

  const found = changes(wanted, plan.live);
  const paths = found.map(({ path }) => path);
  const changed = changedCauses(record, recorded);
  // Scaling changes the spec and nothing that pods are made of.
  const scaled: Cause = recorded?.generation === record.generation ? "Drifted" : "SpecChanged";
  const causes: readonly Cause[] = changed.length === 0 ? [scaled] : changed;
  if (!changesPods(record, recorded, paths)) return { ...plan, causes, paths };

  // What made the same pods as before keeps nothing that was changed by hand from being repaired.
  const concerned = recorded?.template === record.template ? [] : changed;
  const inTurn = hasTurn(plan.live);
  const takesTurn = takesTurns(concerned) && (inTurn || allReady(plan.live));
  const wait = takesTurn && !inTurn ? turnReason(fleet) : undefined;
  const hold = holdReason(concerned, record, recorded, paused) ?? wait;
  if (hold === undefined) {
    const turn = planned({ ...(takesTurn && { paced: true }), because: restartCause(causes, paths) });
    return turn.action === "apply" ? { ...turn, causes, paths, restarts: true, takesTurn } : turn;
  }
  const scales = paths.includes(replicasPath);
  const waiting = found.filter(({ path }) => path !== replicasPath);
  return {
    action: "hold",
    live: plan.live,
    reason: hold,
    causes,
    paths: waiting.map(({ path }) => path),
    diff: diffLines(waiting),
    ...(scales && { replicas: numberAt(wanted, "spec", "replicas") }),
  };
}
const replicasPath = "spec.replicas";

/** No values: they may hold credentials (FM W-43). */
const restartCause = (causes: readonly Cause[], paths: readonly string[]): string =>
  `${causesText(causes)}: ${paths.filter((path) => path !== replicasPath).join(", ")}`.slice(0, maxCauseLength);
/** Annotations are no place for long texts, in characters. */
const maxCauseLength = 250;

/** Whether the pods would get another template; a record of older versions doesn't tell of fields that are given up. */
function changesPods(current: RenderedFrom, recorded: RenderedFrom | undefined, paths: readonly string[]): boolean {
  const visible = paths.some((path) => path.startsWith("spec.template."));
  return visible || (recorded?.template !== undefined && recorded.template !== current.template);
}
