/** Whether a Job is over, and why. Pure; reasons and messages are Kubernetes' own. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { activePods, completionsOf, isIndexed, isSuspended, succeededCount, succeededIndexes } from "./job-facts.ts";
import { countedFailures, failedIndexes, failJobMessage, limitPerIndex } from "./job-failures.ts";
import { indexesOf } from "./job-indexes.ts";

export type End = { readonly succeeds: boolean; readonly reason: string; readonly message: string };

/** Failures that a Job forgives when it doesn't say; with a limit for each index all of them. */
const defaultBackoffLimit = 6;

export const conditionsOf = (job: KubeObject): readonly JsonObject[] =>
  listOf(objectOf(job, "status"), "conditions").filter(isObject);

const isTrue = (type: string) => (condition: JsonObject) => condition.type === type && condition.status === "True";

/** What its status says already counts; then failures, then successes. */
export function endOf(job: KubeObject, pods: readonly KubeObject[], nowMs: number): End | undefined {
  return decided(job) ?? failure(job, pods, nowMs) ?? success(job, pods);
}

function decided(job: KubeObject): End | undefined {
  for (const [type, succeeds] of [
    ["SuccessCriteriaMet", true],
    ["FailureTarget", false],
  ] as const) {
    const found = conditionsOf(job).find(isTrue(type));
    if (found !== undefined) return { succeeds, reason: textOf(found, "reason"), message: textOf(found, "message") };
  }
  return undefined;
}

const fails = (reason: string, message: string): End => ({ succeeds: false, reason, message });

function failure(job: KubeObject, pods: readonly KubeObject[], nowMs: number): End | undefined {
  const spec = objectOf(job, "spec");
  const byPolicy = failJobMessage(job, pods);
  if (byPolicy !== undefined) return fails("PodFailurePolicy", byPolicy);
  const perIndex = limitPerIndex(job) !== undefined;
  const limit = numberOf(spec, "backoffLimit") ?? (perIndex ? Number.POSITIVE_INFINITY : defaultBackoffLimit);
  if (failedCount(job, pods) > limit) {
    return fails("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  if ((leftMs(job, nowMs) ?? 1) <= 0) return fails("DeadlineExceeded", "Job was active longer than specified deadline");
  const failed = failedIndexes(job, pods);
  if (failed === undefined || failed.size === 0) return undefined;
  if (failed.size > (numberOf(spec, "maxFailedIndexes") ?? Number.POSITIVE_INFINITY)) {
    return fails("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  }
  return failed.size + succeededCount(job, pods) >= (completionsOf(job) ?? 0)
    ? fails("FailedIndexes", "Job has failed indexes")
    : undefined;
}

/** A pod that has gone has failed all the same. */
export const failedCount = (job: KubeObject, pods: readonly KubeObject[]): number =>
  Math.max(numberOf(objectOf(job, "status"), "failed") ?? 0, countedFailures(job, pods).length);

/** Until the Job's deadline; `undefined` without one, and while the Job waits. */
export function leftMs(job: KubeObject, nowMs: number): number | undefined {
  const seconds = numberOf(objectOf(job, "spec"), "activeDeadlineSeconds");
  const startedAt = Date.parse(textOf(objectOf(job, "status"), "startTime"));
  if (seconds === undefined || isSuspended(job) || Number.isNaN(startedAt)) return undefined;
  return startedAt + seconds * 1000 - nowMs;
}

function success(job: KubeObject, pods: readonly KubeObject[]): End | undefined {
  const rule = matchedRule(job, pods);
  if (rule >= 0) return { succeeds: true, reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  const [completions, succeeded] = [completionsOf(job), succeededCount(job, pods)];
  const isOver = completions === undefined ? succeeded > 0 && activePods(pods).length === 0 : succeeded >= completions;
  return isOver
    ? { succeeds: true, reason: "CompletionsReached", message: "Reached expected number of succeeded pods" }
    : undefined;
}

/** Of the success policy; -1 when none matches. */
function matchedRule(job: KubeObject, pods: readonly KubeObject[]): number {
  if (!isIndexed(job)) return -1;
  const succeeded = succeededIndexes(job, pods);
  const rules = listOf(objectOf(objectOf(job, "spec"), "successPolicy"), "rules").filter(isObject);
  return rules.findIndex((rule) => {
    const listed = textOf(rule, "succeededIndexes");
    const count = numberOf(rule, "succeededCount");
    if (listed === "") return count !== undefined && succeeded.length >= count;
    const wanted = indexesOf(listed, completionsOf(job) ?? 0);
    return wanted.size > 0 && succeeded.filter((index) => wanted.has(index)).length >= (count ?? wanted.size);
  });
}
