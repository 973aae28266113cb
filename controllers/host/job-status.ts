/** What a Job with these pods says of itself. Pure; conditions and their texts are Kubernetes' own. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { conditionsOf, type End, endOf, failedCount } from "./job-end.ts";
import { activePods, isIndexed, isSuspended, stoppingPods, succeededCount, succeededIndexes } from "./job-facts.ts";
import { failedIndexes } from "./job-failures.ts";
import { rangesOf } from "./job-indexes.ts";
import { isReady } from "./pods.ts";

/** @param ending  no more pods are started, and those that are active are stopped */
export type JobStatus = { readonly status: JsonObject; readonly ending: boolean };

/** When the Job ended; `undefined` while it hasn't. */
export function finishedAt(job: KubeObject): string | undefined {
  const found = conditionsOf(job).find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  return found === undefined ? undefined : textOf(found, "lastTransitionTime");
}

export function deriveJobStatus(job: KubeObject, pods: readonly KubeObject[], nowMs: number): JobStatus {
  const now = formatTime(nowMs);
  const [active, stopping] = [activePods(pods), stoppingPods(pods)];
  const end = endOf(job, pods, nowMs);
  const isDecided = conditionsOf(job).some(({ type }) => type === "FailureTarget" || type === "SuccessCriteriaMet");
  // Whoever is stopped because the Job has failed has failed with it.
  const stopped = end?.succeeds === false && !isDecided ? active.length + stopping.length : 0;
  const failed = failedIndexes(job, pods);
  const status: JsonObject = {
    ...objectOf(job, "status"),
    ...startOf(job, now),
    ...countOf("succeeded", succeededNow(job, pods)),
    ...countOf("failed", failedCount(job, pods) + stopped),
    ...countOf("active", active.length),
    ready: active.filter(isReady).length,
    terminating: stopping.length,
    ...(isIndexed(job) ? { completedIndexes: rangesOf(succeededIndexes(job, pods)) } : {}),
    ...(failed === undefined ? {} : { failedIndexes: rangesOf(failed) }),
    uncountedTerminatedPods: {},
  };
  const before = withSuspension(job, now);
  if (end === undefined) {
    return { status: { ...status, ...(before.length > 0 && { conditions: before }) }, ending: false };
  }
  const isOver = active.length + stopping.length === 0;
  const completion = isOver && end.succeeds ? { completionTime: now } : {};
  return { status: { ...status, ...completion, conditions: endConditions(before, end, isOver, now) }, ending: true };
}

/** A pod that has gone has succeeded all the same. */
const succeededNow = (job: KubeObject, pods: readonly KubeObject[]): number =>
  Math.max(numberOf(objectOf(job, "status"), "succeeded") ?? 0, succeededCount(job, pods));

/** What is decided is said at once; that it has come to pass, when the last pod has ended. */
function endConditions(before: JsonObject[], end: End, isOver: boolean, now: string): JsonObject[] {
  const [decided, final] = end.succeeds ? ["SuccessCriteriaMet", "Complete"] : ["FailureTarget", "Failed"];
  const types = [...(before.some(({ type }) => type === decided) ? [] : [decided]), ...(isOver ? [final] : [])];
  return [...before, ...types.map((type) => condition(type, "True", { ...end, now }))];
}

/** A Job that waits hasn't started; when it goes on, it starts again. */
function startOf(job: KubeObject, now: string): JsonObject {
  if (isSuspended(job)) return { startTime: undefined };
  const started = textOf(objectOf(job, "status"), "startTime");
  return { startTime: started || now };
}

/** Whether it waits is said from the first time on. */
function withSuspension(job: KubeObject, now: string): JsonObject[] {
  const before = [...conditionsOf(job)];
  const known = before.find(({ type }) => type === "Suspended");
  const wanted = isSuspended(job) ? "True" : "False";
  if (known === undefined ? wanted === "False" : known.status === wanted) return before;
  const said =
    wanted === "True"
      ? { reason: "JobSuspended", message: "Job suspended", now }
      : { reason: "JobResumed", message: "Job resumed", now };
  return [...before.filter((one) => one !== known), condition("Suspended", wanted, said)];
}

const countOf = (field: string, count: number): JsonObject => ({ [field]: count === 0 ? undefined : count });

const condition = (
  type: string | undefined,
  status: "True" | "False",
  { reason, message, now }: { readonly reason: string; readonly message: string; readonly now: string },
): JsonObject => ({ type, status, reason, message, lastProbeTime: now, lastTransitionTime: now });
