/**
 * The end of a workload: its pods stop, then a Job cleans up in Pulsar, then the finalizer goes.
 *
 * Invariant: a deletion never waits longer than `longestMs`, whatever the clean-up does.
 */
import { annotations, cleanupFinalizer, pulsarClusterLabels } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import { type KubeObject, orphanFinalizer } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import {
  isAlreadyExists,
  isForbidden,
  isInvalid,
  isNotFound,
  StatusError,
} from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { EventRecord, EventRecorder } from "../runtime/interface.ts";
import { isControlledBy, type Owner } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Result, requeueAfter } from "../runtime/reconciler.ts";
import type { Settings } from "../settings.ts";
import { failureMessage, type WorkloadWriter } from "./apply.ts";
import { desiredCleanupJob, ownerLabel } from "./cleanup-job.ts";
import { leftText } from "./cleanup-tasks.ts";
import { fieldManager } from "./field-manager.ts";
import type { Observed } from "./gather.ts";
import { partOf } from "./parts.ts";
import type { Workload } from "./workload.ts";

/** A user or a worker service can decide that subscriptions stay. */
export function wantsCleanup({ metadata }: KubeObject, { cleanup }: Workload): boolean {
  if (cleanup.length === 0 || metadata.annotations?.[annotations.needCleanup] === "false") return false;
  return !pulsarClusterLabels.some((label) => metadata.labels?.[label] !== undefined);
}

export type CleanupState = {
  /** The clean-up is wanted, and the workload really ends: its pods aren't orphaned. */
  readonly wanted: boolean;
  readonly statefulSet: KubeObject | undefined;
  readonly job: KubeObject | undefined;
  readonly owner: Owner;
  readonly waitedMs: number;
  readonly deadlineMs: number;
};

export type CleanupStep =
  | { readonly do: "release"; readonly event?: EventRecord }
  | { readonly do: "stop-pods"; readonly statefulSet: KubeObject }
  | { readonly do: "start-job" }
  /** Something has to happen; look again at the latest after so many ms. */
  | { readonly do: "wait"; readonly ms: number };

/** A refused Job is tried again so often, in ms, until the deadline. */
const refusedRetryMs = 10_000;

/** Pods may take one deadline to stop, the Job another. The rest is for the cluster to act on both. */
const longestFactor = 3;

/** Pure. */
export function cleanupStep(state: CleanupState): CleanupStep {
  const { wanted, statefulSet, job, owner, waitedMs, deadlineMs } = state;
  if (!wanted) return { do: "release" };
  const longestMs = longestFactor * deadlineMs;
  if (job !== undefined) {
    if (job.metadata.labels?.[ownerLabel] !== owner.uid)
      return failed(`Job ${job.metadata.name} belongs to another object.`);
    if (hasCondition(job, "Complete")) return { do: "release", event: cleaned };
    if (hasCondition(job, "Failed")) return failed("The clean-up Job failed; subscriptions may remain.");
    if (waitedMs >= longestMs) return failed("The clean-up Job did not end in time; subscriptions may remain.");
    return { do: "wait", ms: longestMs - waitedMs };
  }
  if (waitedMs >= longestMs) return failed("The clean-up Job could not be made in time; subscriptions may remain.");
  const pods = statefulSet !== undefined && isControlledBy(statefulSet, owner);
  if (!pods || waitedMs >= deadlineMs) return { do: "start-job" };
  if (statefulSet.metadata.deletionTimestamp === undefined) return { do: "stop-pods", statefulSet };
  return { do: "wait", ms: deadlineMs - waitedMs };
}

/** Somebody may have to remove it by hand, and the object that said so is gone. */
const tellingWhatIsLeft = (event: EventRecord, { cleanup }: Workload): EventRecord =>
  event.reason === "CleanupFailed" ? { ...event, message: `${event.message} ${leftText(cleanup)}` } : event;

const cleaned: EventRecord = { type: "Normal", reason: "CleanedUp", message: "Removed what was left in Pulsar." };
const failed = (message: string): CleanupStep => ({
  do: "release",
  event: { type: "Warning", reason: "CleanupFailed", message },
});

function hasCondition(job: KubeObject, type: "Complete" | "Failed"): boolean {
  const { conditions } = partOf(job, "status");
  if (!Array.isArray(conditions)) return false;
  return conditions.some((condition) => isObject(condition) && condition.type === type && condition.status === "True");
}

export type FinalizerDeps = {
  readonly compute: ResourceClient;
  readonly writer: WorkloadWriter;
  readonly recorder: EventRecorder;
  readonly settings: Settings;
  readonly clock: Clock;
};

export class Finalizer {
  readonly #deps: FinalizerDeps;

  constructor(deps: FinalizerDeps) {
    this.#deps = deps;
  }

  /** Sees to it that the finalizer is there exactly when a clean-up is wanted. */
  async ensureWanted(resource: KubeObject, workload: Workload, context: ReconcileContext): Promise<void> {
    const wanted = wantsCleanup(resource, workload);
    if (wanted !== hasFinalizer(resource)) await this.#setFinalizer(resource, workload.type, wanted, context);
  }

  /** An object nobody manages any more must not be kept from going (FM W-28). */
  async letGo(resource: KubeObject, type: ResourceType, context: ReconcileContext): Promise<Result> {
    const leaving = resource.metadata.deletionTimestamp !== undefined;
    if (leaving && hasFinalizer(resource)) await this.#setFinalizer(resource, type, false, context);
    return done;
  }

  async finalize(
    resource: KubeObject,
    workload: Workload,
    observed: Observed,
    context: ReconcileContext,
  ): Promise<Result> {
    if (!hasFinalizer(resource)) return done;
    const { clock, settings } = this.#deps;
    const { deletionTimestamp = "", finalizers = [] } = resource.metadata;
    const step = cleanupStep({
      wanted: wantsCleanup(resource, workload) && !finalizers.includes(orphanFinalizer),
      statefulSet: observed.children.StatefulSet,
      job: observed.cleanupJob,
      owner: workload,
      waitedMs: clock.now() - Date.parse(deletionTimestamp),
      deadlineMs: settings.cleanupDeadlineSeconds * 1000,
    });
    return this.#carryOut(step, resource, workload, observed, context);
  }

  async #carryOut(
    step: CleanupStep,
    resource: KubeObject,
    workload: Workload,
    { configs, cleanupJob }: Observed,
    context: ReconcileContext,
  ): Promise<Result> {
    const { writer, settings, recorder } = this.#deps;
    switch (step.do) {
      case "wait":
        return requeueAfter(step.ms);
      case "stop-pods":
        await writer.delete("StatefulSet", step.statefulSet, "Foreground", context.signal);
        return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
      case "start-job":
        return this.#startJob(desiredCleanupJob(workload, configs, settings), resource, workload, context);
      case "release":
        if (step.event !== undefined) recorder.record(resource, tellingWhatIsLeft(step.event, workload));
        await this.#setFinalizer(resource, workload.type, false, context);
        if (cleanupJob?.metadata.labels?.[ownerLabel] === workload.uid) {
          await writer.delete("Job", cleanupJob, "Background", context.signal);
        }
        return done;
    }
  }

  async #startJob(
    job: KubeObject,
    resource: KubeObject,
    workload: Workload,
    context: ReconcileContext,
  ): Promise<Result> {
    const { writer, settings, recorder } = this.#deps;
    try {
      await writer.createJob(job, context.signal);
    } catch (error) {
      if (isAlreadyExists(error)) return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
      const refusal = this.#refusal(error, resource);
      if (refusal === undefined) throw error;
      recorder.record(resource, tellingWhatIsLeft({ type: "Warning", ...refusal.event }, workload));
      if (!refusal.final) return requeueAfter(refusedRetryMs);
      await this.#setFinalizer(resource, workload.type, false, context);
      return done;
    }
    recorder.record(resource, { type: "Normal", reason: "CleaningUp", message: `Created Job ${job.metadata.name}.` });
    return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
  }

  /** What a Job that cannot be made means; absent when trying again soon may help. */
  #refusal(
    error: unknown,
    { metadata }: KubeObject,
  ): { readonly final: boolean; readonly event: Omit<EventRecord, "type"> } | undefined {
    // A namespace that is going takes no new objects, and must not wait for us.
    if (isNamespaceTerminating(error)) {
      const message = "The namespace is being deleted and takes no clean-up Job; subscriptions may remain.";
      return { final: true, event: { reason: "CleanupFailed", message } };
    }
    if (!isInvalid(error) && !isForbidden(error)) return undefined;
    const { clock, settings } = this.#deps;
    const waitedMs = clock.now() - Date.parse(metadata.deletionTimestamp ?? "");
    const final = waitedMs >= settings.cleanupDeadlineSeconds * 1000;
    const then = final ? "Subscriptions may remain." : "It is tried again.";
    const message = `The cluster takes no clean-up Job: ${failureMessage(error)} ${then}`;
    return { final, event: { reason: final ? "CleanupFailed" : "CleanupRefused", message } };
  }

  async #setFinalizer(
    { metadata }: KubeObject,
    type: ResourceType,
    wanted: boolean,
    { signal }: ReconcileContext,
  ): Promise<void> {
    const { name = "", namespace = "", resourceVersion, finalizers = [] } = metadata;
    const others = finalizers.filter((finalizer) => finalizer !== cleanupFinalizer);
    const body = { metadata: { resourceVersion, finalizers: wanted ? [...others, cleanupFinalizer] : others } };
    try {
      await this.#deps.compute.patch({ type, name, namespace }, { type: "merge", body }, { fieldManager, signal });
    } catch (error) {
      if (wanted || !isNotFound(error)) throw error;
    }
  }
}

const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating");

const hasFinalizer = ({ metadata }: KubeObject): boolean => metadata.finalizers?.includes(cleanupFinalizer) ?? false;
