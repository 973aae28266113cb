/** What a Job with these pods says of itself. Pure; conditions and their texts are Kubernetes' own. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import {
  activePods,
  completionsOf,
  isIndexed,
  isSuspended,
  succeededCount,
  succeededIndexes,
  withPhase,
} from "./job-pods.ts";
import { isReady } from "./pods.ts";

/** Failures a Job forgives when it doesn't say. */
const defaultBackoffLimit = 6;

export type JobStatus = { readonly status: JsonObject; readonly finished: boolean };

/** When the Job ended; `undefined` while it hasn't. */
export function finishedAt(job: KubeObject): string | undefined {
  const found = conditionsOf(job).find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  return found === undefined ? undefined : textOf(found, "lastTransitionTime");
}

const conditionsOf = (job: KubeObject): readonly JsonObject[] =>
  listOf(objectOf(job, "status"), "conditions").filter(isObject);

export function deriveJobStatus(job: KubeObject, pods: readonly KubeObject[], now: string): JobStatus {
  const old = objectOf(job, "status") ?? {};
  const active = activePods(pods);
  const failed = withPhase(pods, "Failed").length;
  const common: JsonObject = {
    ...old,
    ...startOf(job, now),
    ...countOf("succeeded", succeededCount(job, pods)),
    ...countOf("failed", failed),
    ...(isIndexed(job) ? { completedIndexes: rangesOf(succeededIndexes(job, pods)) } : {}),
    uncountedTerminatedPods: {},
  };
  const ended = endOf(job, { succeeded: succeededCount(job, pods), failed, active: active.length });
  if (ended !== undefined) {
    const { conditions, ...rest } = ended(now);
    const before = conditionsOf(job);
    return {
      status: { ...common, active: undefined, ready: 0, ...rest, conditions: [...before, ...conditions] },
      finished: true,
    };
  }
  const counts = { ...countOf("active", active.length), ready: active.filter(isReady).length };
  return { status: { ...common, ...counts, ...suspension(job, now) }, finished: false };
}

/** A Job that waits hasn't started; when it goes on, it starts again. */
function startOf(job: KubeObject, now: string): JsonObject {
  if (isSuspended(job)) return { startTime: undefined };
  const started = textOf(objectOf(job, "status"), "startTime");
  return { startTime: started || now };
}

type Counts = { readonly succeeded: number; readonly failed: number; readonly active: number };
type End = { readonly conditions: readonly JsonObject[]; readonly completionTime?: string };

/** What is to be said at the end, if this is it. */
function endOf(job: KubeObject, { succeeded, failed, active }: Counts): ((now: string) => End) | undefined {
  const completions = completionsOf(job);
  if (completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions) {
    const [reason, message] = ["CompletionsReached", "Reached expected number of succeeded pods"];
    return (now) => ({
      conditions: ["SuccessCriteriaMet", "Complete"].map((type) => condition(type, "True", { reason, message, now })),
      completionTime: now,
    });
  }
  if (failed <= (numberOf(objectOf(job, "spec"), "backoffLimit") ?? defaultBackoffLimit)) return undefined;
  const [reason, message] = ["BackoffLimitExceeded", "Job has reached the specified backoff limit"];
  return (now) => ({
    conditions: ["FailureTarget", "Failed"].map((type) => condition(type, "True", { reason, message, now })),
  });
}

/** Said from the first suspension on. */
function suspension(job: KubeObject, now: string): JsonObject {
  const before = conditionsOf(job);
  const known = before.find(({ type }) => type === "Suspended");
  const wanted = isSuspended(job) ? "True" : "False";
  if (known === undefined ? wanted === "False" : known.status === wanted) return {};
  const said =
    wanted === "True"
      ? { reason: "JobSuspended", message: "Job suspended", now }
      : { reason: "JobResumed", message: "Job resumed", now };
  return { conditions: [...before.filter((one) => one !== known), condition("Suspended", wanted, said)] };
}

const countOf = (field: string, count: number): JsonObject => ({ [field]: count === 0 ? undefined : count });

/** As `1,3-5`. */
function rangesOf(indexes: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const index of indexes) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last === index - 1) range.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges
    .map(({ first, last }) => (first === last ? String(first) : `${first}${last === first + 1 ? "," : "-"}${last}`))
    .join(",");
}

const condition = (
  type: string,
  status: "True" | "False",
  { reason, message, now }: { readonly reason: string; readonly message: string; readonly now: string },
): JsonObject => ({ type, status, reason, message, lastProbeTime: now, lastTransitionTime: now });
