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
  isNamespaceTerminating,
  isNotFound,
} from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { EventRecord, EventRecorder } from "../runtime/interface.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { isControlledBy, type Owner } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Result, requeueAfter } from "../runtime/reconciler.ts";
import type { Settings } from "../settings.ts";
import { failureMessage, type WorkloadWriter } from "./apply.ts";
import { desiredCleanupJob, ownerLabel } from "./cleanup-job.ts";
import { leftText } from "./cleanup-tasks.ts";
import type { Observed } from "./gather.ts";
import { fieldManager } from "./labels.ts";
import { partOf } from "./parts.ts";
import { isSuspended, type RemoteCleanup } from "./remote-cleanup.ts";
import { remoteCleanupName } from "./remote-cleanup-job.ts";
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
/** Where as many Jobs run as may, one may have ended after so many ms. */
const busyRetryMs = 5_000;

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

/** The end of one workload. `away`: its namespace is being deleted, and its clean-up runs elsewhere. */
type Ending = {
  readonly resource: KubeObject;
  readonly workload: Workload;
  readonly observed: Observed;
  readonly away: boolean;
};

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
  readonly remote: RemoteCleanup;
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

  /** The namespace is being deleted, and the object will be: what its clean-up has to know is read while it is there. */
  async prepare(resource: KubeObject, workload: Workload, { signal, log }: ReconcileContext): Promise<Result> {
    if (!wantsCleanup(resource, workload)) return done;
    try {
      await this.#deps.remote.prepare(workload, signal);
    } catch (error) {
      // It is tried once more when the object is deleted, and told then.
      log.debug({ err: error }, "clean-up not prepared");
    }
    return done;
  }

  /** Whoever took our finalizer away has left the Job. */
  forget(component: string, key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    return this.#deps.remote.removeOf(component, key, signal);
  }

  async finalize(
    resource: KubeObject,
    workload: Workload,
    observed: Observed,
    context: ReconcileContext,
  ): Promise<Result> {
    if (!hasFinalizer(resource)) return done;
    const { clock, settings, remote } = this.#deps;
    const { deletionTimestamp = "", finalizers = [] } = resource.metadata;
    const own = observed.cleanupJob;
    const away = observed.terminating !== undefined && !(own !== undefined && hasCondition(own, "Complete"));
    const prepared = remote.jobOf(workload);
    const step = cleanupStep({
      wanted: wantsCleanup(resource, workload) && !finalizers.includes(orphanFinalizer),
      statefulSet: observed.children.StatefulSet,
      job: away ? (prepared === undefined || isSuspended(prepared) ? undefined : prepared) : own,
      owner: workload,
      waitedMs: clock.now() - Date.parse(deletionTimestamp),
      deadlineMs: settings.cleanupDeadlineSeconds * 1000,
    });
    return this.#carryOut(step, { resource, workload, observed, away }, context);
  }

  async #carryOut(step: CleanupStep, ending: Ending, context: ReconcileContext): Promise<Result> {
    const { writer, settings } = this.#deps;
    const { workload, observed, away } = ending;
    switch (step.do) {
      case "wait":
        return requeueAfter(step.ms);
      case "stop-pods":
        await writer.delete("StatefulSet", step.statefulSet, "Foreground", context.signal);
        return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
      case "start-job":
        return away
          ? this.#startRemote(ending, context)
          : this.#startJob(desiredCleanupJob(workload, observed.configs, settings), ending, context);
      case "release":
        return this.#release(ending, step.event, context);
    }
  }

  async #release(ending: Ending, event: EventRecord | undefined, context: ReconcileContext): Promise<Result> {
    const { writer, remote } = this.#deps;
    const { resource, workload, observed } = ending;
    if (event !== undefined) this.#tell(ending, event);
    await this.#setFinalizer(resource, workload.type, false, context);
    const { cleanupJob } = observed;
    if (cleanupJob?.metadata.labels?.[ownerLabel] === workload.uid) {
      await writer.delete("Job", cleanupJob, "Background", context.signal);
    }
    await remote.remove(workload, context.signal);
    return done;
  }

  async #startJob(job: KubeObject, ending: Ending, context: ReconcileContext): Promise<Result> {
    const { writer, settings } = this.#deps;
    try {
      await writer.createJob(job, context.signal);
    } catch (error) {
      if (isAlreadyExists(error)) return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
      // The caches don't tell yet.
      if (isNamespaceTerminating(error)) return this.#startRemote({ ...ending, away: true }, context);
      const refusal = this.#refusal(error, ending.resource);
      if (refusal === undefined) throw error;
      if (refusal.final) return this.#release(ending, { type: "Warning", ...refusal.event }, context);
      this.#tell(ending, { type: "Warning", ...refusal.event });
      return requeueAfter(refusedRetryMs);
    }
    this.#tell(ending, { type: "Normal", reason: "CleaningUp", message: `Created Job ${job.metadata.name}.` });
    return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
  }

  /** The namespace takes no Job. */
  async #startRemote(ending: Ending, context: ReconcileContext): Promise<Result> {
    const { remote, settings } = this.#deps;
    const { workload } = ending;
    const { namespace } = remote;
    const failed = (why: string) =>
      this.#release(
        ending,
        { type: "Warning", reason: "CleanupFailed", message: `The namespace is being deleted, and ${why}` },
        context,
      );
    if (namespace === undefined) return failed("the server has no --cleanup-namespace for the Job.");
    try {
      if (!(await remote.start(workload, context.signal))) return requeueAfter(busyRetryMs);
    } catch (error) {
      if (isNotFound(error)) return failed("what tells how to reach Pulsar was gone before it could be read.");
      if (isForbidden(error) || isInvalid(error)) return failed(`the Job can't be made: ${failureMessage(error)}`);
      throw error;
    }
    const message = `Started Job ${remoteCleanupName(workload)} in namespace ${namespace}.`;
    this.#tell(ending, { type: "Normal", reason: "CleaningUp", message });
    return requeueAfter(settings.cleanupDeadlineSeconds * 1000);
  }

  /** A namespace that is going takes no Events either: then they are about it, and stand in `default`. */
  #tell({ resource, workload, observed, away }: Ending, given: EventRecord): void {
    const { recorder } = this.#deps;
    const event = tellingWhatIsLeft(given, workload);
    const { namespace } = workload;
    if (!away && observed.terminating === undefined) {
      recorder.record(resource, event);
      return;
    }
    const { metadata } = observed.terminating ?? { metadata: { name: namespace } };
    const message = `${workload.type.kind} ${namespace}/${workload.name}: ${event.message}`;
    recorder.record({ apiVersion: "v1", kind: "Namespace", metadata }, { ...event, message });
  }

  /** What a Job that cannot be made means; absent when trying again soon may help. */
  #refusal(
    error: unknown,
    { metadata }: KubeObject,
  ): { readonly final: boolean; readonly event: Omit<EventRecord, "type"> } | undefined {
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

const hasFinalizer = ({ metadata }: KubeObject): boolean => metadata.finalizers?.includes(cleanupFinalizer) ?? false;
