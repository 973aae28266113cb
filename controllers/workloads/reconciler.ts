/**
 * The reconciler of Functions, Sources and Sinks. Kinds differ in the `Workload` they make of themselves, nowhere else.
 */
import { annotations } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { isInvalid, isNamespaceTerminating } from "../../apiserver/errors/status-error.ts";
import { type Clock, timestamp } from "../runtime/clock.ts";
import type { EventRecorder } from "../runtime/interface.ts";
import type { Lister } from "../runtime/lister.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result, TerminalError } from "../runtime/reconciler.ts";
import { unlessGone } from "../runtime/unless-gone.ts";
import type { Settings } from "../settings.ts";
import { fieldManager, type Outcome, type WorkloadWriter } from "./apply.ts";
import { planChild } from "./child.ts";
import type { Finalizer } from "./cleanup.ts";
import { desiredWorkloads } from "./desired.ts";
import { differences } from "./drift.ts";
import { transitionEvents } from "./events.ts";
import type { Gatherer, Observed } from "./gather.ts";
import type { WorkloadKind, WorkloadResource } from "./kind.ts";
import { numberAt } from "./parts.ts";
import { isPaused, recordOf, renderedFrom, rollout, withRecord } from "./rollout.ts";
import { keepImmutable } from "./stateful-set.ts";
import { deriveStatus, type Outcomes, statusPatch } from "./status.ts";
import type { Workload } from "./workload.ts";

export type WorkloadReconcilerDeps<R extends WorkloadResource> = {
  readonly kind: WorkloadKind<R>;
  readonly resources: Lister<R>;
  readonly gatherer: Gatherer;
  readonly writer: WorkloadWriter;
  readonly finalizer: Finalizer;
  /** Our own API. */
  readonly compute: ResourceClient;
  readonly recorder: EventRecorder;
  readonly settings: Settings;
  readonly clock: Clock;
};

export class WorkloadReconciler<R extends WorkloadResource> implements Reconciler {
  readonly #deps: WorkloadReconcilerDeps<R>;

  constructor(deps: WorkloadReconcilerDeps<R>) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const { kind, resources, gatherer, finalizer } = this.#deps;
    const resource = resources.get(key);
    if (resource === undefined) return done; // deleted; its workloads go by owner reference
    if (!isManaged(resource)) return finalizer.letGo(resource, kind.type, context);

    const workload = kind.workload(resource);
    const observed = gatherer.gather(workload);
    if (resource.metadata.deletionTimestamp !== undefined) {
      return finalizer.finalize(resource, workload, observed, context);
    }
    await finalizer.ensureWanted(resource, workload, context);
    const outcomes = await this.#apply(resource, workload, observed, context);
    await this.#publish(resource, workload, observed, outcomes, context);
    return settle(outcomes, context);
  }

  async #apply(resource: R, workload: Workload, observed: Observed, { signal }: ReconcileContext): Promise<Outcomes> {
    const { writer, settings } = this.#deps;
    const { children, configs } = observed;
    const desired = desiredWorkloads(workload, configs, settings);
    const carryOut = (child: "Service" | "HorizontalPodAutoscaler" | "VerticalPodAutoscaler") =>
      writer.carryOut(child, planChild(desired[child], children[child], workload), signal);
    const [StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler] = await Promise.all([
      this.#applyStatefulSet(resource, workload, observed, desired.StatefulSet, signal),
      carryOut("Service"),
      carryOut("HorizontalPodAutoscaler"),
      carryOut("VerticalPodAutoscaler"),
    ]);
    return { StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler };
  }

  async #applyStatefulSet(
    resource: R,
    workload: Workload,
    { children, configs }: Observed,
    desired: KubeObject,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { writer, settings } = this.#deps;
    const live = children.StatefulSet;
    const wanted = keepImmutable(desired, live);
    const record = renderedFrom(resource, workload, configs, settings);
    const plan = planChild(withRecord(wanted, record), live, workload);
    if (plan.action !== "apply" || plan.live === undefined) return writer.carryOut("StatefulSet", plan, signal);
    const decision = rollout(record, recordOf(plan.live), isPaused(resource, settings));
    if (!decision.held) return writer.carryOut("StatefulSet", plan, signal);
    return this.#hold(plan.live, wanted, decision.reason, signal);
  }

  /** Leaves the pods as they are, but for their number. */
  async #hold(live: KubeObject, wanted: KubeObject, reason: string, signal: AbortSignal): Promise<Outcome> {
    const replicasPath = "spec.replicas";
    const paths = differences(wanted, live);
    const held = { result: "held", reason, paths: paths.filter((path) => path !== replicasPath) } as const;
    if (!paths.includes(replicasPath)) return { ...held, live };
    try {
      return { ...held, live: await this.#deps.writer.scale(live, numberAt(wanted, "spec", "replicas"), signal) };
    } catch (error) {
      return { result: "failed", live, error };
    }
  }

  async #publish(
    resource: R,
    workload: Workload,
    { configs }: Observed,
    outcomes: Outcomes,
    { signal }: ReconcileContext,
  ): Promise<void> {
    const { compute, kind, recorder, clock } = this.#deps;
    const { name = "", namespace = "", generation = 0 } = resource.metadata;
    const previous = resource.status;
    const now = timestamp(clock.now());
    const status = deriveStatus({ workload, generation, previous, outcomes, configs, now });
    for (const event of transitionEvents(previous, status, outcomes)) recorder.record(resource, event);
    const patch = statusPatch(previous, status);
    if (patch === undefined) return;
    const body: JsonObject = { metadata: { uid: workload.uid }, status: patch };
    const options = { subresource: "status", fieldManager, signal };
    await unlessGone(compute.patch({ type: kind.type, name, namespace }, { type: "merge", body }, options));
  }
}

const isManaged = ({ metadata }: KubeObject): boolean => metadata.annotations?.[annotations.managed] !== "false";

/** Failures end the run only now, so that the status tells of them. */
function settle(outcomes: Outcomes, { log }: ReconcileContext): Result {
  const failures = Object.entries(outcomes).flatMap(([child, outcome]) =>
    outcome.result === "failed" ? [{ child, error: outcome.error }] : [],
  );
  const [first, ...others] = failures;
  if (first === undefined) return done;
  for (const { child, error } of others)
    log[isNamespaceTerminating(error) ? "debug" : "error"]({ err: error, child }, "workload not applied");
  if (failures.every(({ error }) => isInvalid(error))) {
    throw new TerminalError(`the cluster refuses the ${first.child}`, { cause: first.error });
  }
  throw first.error;
}
