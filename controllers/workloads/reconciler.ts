/**
 * The reconciler of Functions, Sources and Sinks. Kinds differ in the `Workload` they make of themselves, nowhere else.
 */
import { annotations } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { isNamespaceTerminating, unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { giveWay } from "../../apiserver/machinery/turns.ts";
import type { EventRecorder } from "../runtime/interface.ts";
import type { Lister } from "../runtime/lister.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { isNewest, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import type { Outcome, WorkloadWriter } from "./apply.ts";
import type { Finalizer } from "./cleanup.ts";
import { transitionEvents } from "./events.ts";
import { type Fleet, type FleetView, isTurnReason } from "./fleet.ts";
import type { Gatherer, Observed } from "./gather.ts";
import { fieldManager } from "./labels.ts";
import { numberAt } from "./parts.ts";
import { planInSteps, type Renderer, type WorkloadPlan } from "./plan.ts";
import { steadyInMs } from "./pods.ts";
import type { PublishedStatus } from "./published-status.ts";
import { type Reference, type ReferenceChecker, referencesOf } from "./references.ts";
import { deriveStatus, type Outcomes, type StatusInput, statefulSetOf, statusPatch } from "./status.ts";
import type { Workload, WorkloadKind, WorkloadResource } from "./workload.ts";

export type WorkloadReconcilerDeps<R extends WorkloadResource> = {
  readonly kind: WorkloadKind<R>;
  readonly resources: Lister<R>;
  readonly gatherer: Gatherer;
  readonly writer: WorkloadWriter;
  readonly finalizer: Finalizer;
  /** Shared by all kinds. */
  readonly fleet: Fleet;
  /** Our own API. */
  readonly compute: ResourceClient;
  readonly recorder: EventRecorder;
  readonly published: PublishedStatus;
  readonly renderer: Renderer;
  readonly references: ReferenceChecker;
  readonly clock: Clock;
};

export class WorkloadReconciler<R extends WorkloadResource> implements Reconciler {
  readonly #deps: WorkloadReconcilerDeps<R>;

  constructor(deps: WorkloadReconcilerDeps<R>) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const { kind, resources, gatherer, finalizer, fleet } = this.#deps;
    const resource = resources.get(key);
    if (resource === undefined) {
      fleet.forget(kind.component, key);
      await finalizer.forget(kind.component, key, context);
      return done; // deleted; its workloads go by owner reference
    }
    if (!isManaged(resource)) return finalizer.letGo(resource, kind.type, context);

    const workload = kind.workload(resource);
    if (resource.metadata.deletionTimestamp !== undefined) {
      fleet.forget(kind.component, key);
      return finalizer.finalize(resource, workload, gatherer.gather(workload), context);
    }
    await finalizer.ensureWanted(resource, workload, context);
    const observed = gatherer.gather(workload);
    if (observed.terminating !== undefined) return finalizer.prepare(resource, workload, context);
    const plan = await this.#plan(resource, workload, observed);
    await giveWay(fieldManager);
    // A change of the cache will tell who is.
    if (succeeds(plan) && !(await isNewest(this.#deps.compute, ownerOf(kind.type, resource), context.signal)))
      return done;
    const outcomes = await this.#carryOut(workload, plan, context);
    const missing = await this.#missing(workload, outcomes, context);
    await this.#publish(resource, { workload, outcomes, observed, missing }, context);
    return soonest(settle(outcomes, missing, context), steadyInMs(observed.pods, this.#deps.clock.now()));
  }

  async #plan(resource: R, workload: Workload, observed: Observed): Promise<WorkloadPlan> {
    const { fleet, renderer } = this.#deps;
    const view = (): FleetView => fleet.view(workload.namespace);
    const steps = planInSteps(resource, workload, { ...observed, fleet: view }, renderer);
    for (;;) {
      await giveWay(fieldManager);
      const { done, value } = steps.next();
      if (done !== true) continue;
      // In the step that looked at the others: two must not take the same place.
      fleet.decided(workload, value.StatefulSet);
      return value;
    }
  }

  async #carryOut(workload: Workload, plan: WorkloadPlan, { signal }: ReconcileContext): Promise<Outcomes> {
    const { writer, fleet } = this.#deps;
    const writeStatefulSet = async () => {
      let outcome: Outcome | undefined;
      try {
        outcome = await writer.carryOut("StatefulSet", plan.StatefulSet, signal);
        return outcome;
      } finally {
        fleet.written(workload, outcome);
      }
    };
    const [StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler] = await Promise.all([
      writeStatefulSet(),
      writer.carryOut("Service", plan.Service, signal),
      writer.carryOut("HorizontalPodAutoscaler", plan.HorizontalPodAutoscaler, signal),
      writer.carryOut("VerticalPodAutoscaler", plan.VerticalPodAutoscaler, signal),
    ]);
    return { StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler };
  }

  /** Pods that are all ready have what they need; of the others it is worth a look. */
  async #missing(
    { namespace }: Workload,
    outcomes: Outcomes,
    { signal }: ReconcileContext,
  ): Promise<readonly Reference[]> {
    const statefulSet = statefulSetOf(outcomes);
    const wanted = numberAt(statefulSet, "spec", "replicas");
    if (statefulSet === undefined || numberAt(statefulSet, "status", "readyReplicas") >= wanted) return [];
    return this.#deps.references.missing(namespace, referencesOf(statefulSet), signal);
  }

  async #publish(resource: R, found: Found, { signal }: ReconcileContext): Promise<void> {
    const { compute, kind, recorder, clock, published } = this.#deps;
    const { name = "", namespace = "", uid = "", generation = 0 } = resource.metadata;
    const previous = resource.status;
    const status = deriveStatus({ ...found, generation, previous, now: formatTime(clock.now()) });
    for (const event of transitionEvents(previous, status, found.outcomes)) recorder.record(resource, event);
    const patch = statusPatch(previous, status);
    published.remember(resource, status);
    if (patch === undefined) return;
    const body: JsonObject = { metadata: { uid }, status: patch };
    const options = { subresource: "status", fieldManager, signal };
    await unlessGone(compute.patch({ type: kind.type, name, namespace }, { type: "merge", body }, options));
  }
}

type Found = Omit<StatusInput, "generation" | "previous" | "now">;

const succeeds = (plan: WorkloadPlan): boolean => Object.values(plan).some(({ action }) => action === "succeed");

const isManaged = ({ metadata }: KubeObject): boolean => metadata.annotations?.[annotations.managed] !== "false";

/** What is missing is looked for so often, in ms; pods that find it tell by themselves. */
const missingRetryMs = 15_000;
/** Who waits for a turn is woken when one is over; this is for a turn that ended unseen, in ms. */
const turnRetryMs = 60_000;

/** What is due first. */
const soonest = (result: Result, inMs: number | undefined): Result =>
  inMs === undefined || (result.requeueAfterMs ?? Number.POSITIVE_INFINITY) <= inMs ? result : requeueAfter(inMs);

/** Failures end the run only now, so that the status tells of them. */
function settle(outcomes: Outcomes, missing: readonly Reference[], { log }: ReconcileContext): Result {
  const failures = Object.entries(outcomes).flatMap(([child, outcome]) =>
    outcome.result === "failed" ? [{ child, error: outcome.error, retryInMs: outcome.retryInMs }] : [],
  );
  const [first, ...others] = failures;
  if (first === undefined) {
    if (missing.length > 0) return requeueAfter(missingRetryMs);
    const { StatefulSet: outcome } = outcomes;
    return outcome.result === "held" && isTurnReason(outcome.reason) ? requeueAfter(turnRetryMs) : done;
  }
  // A refusal whose cause lies outside the object may end without anything we watch telling.
  const dueInMs = failures.flatMap(({ retryInMs }) => (retryInMs === undefined ? [] : [retryInMs]));
  if (dueInMs.length === failures.length) {
    for (const { child, error } of failures) log.debug({ err: error, child }, "the cluster refuses a workload");
    return requeueAfter(Math.min(...dueInMs));
  }
  for (const { child, error } of others)
    log[isNamespaceTerminating(error) ? "debug" : "error"]({ err: error, child }, "workload not applied");
  throw first.error;
}
