/** What a Job makes of pods that failed: its policy, its limits for each index, and how long it waits. Pure. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { completionsOf, indexOf, isIndexed, withPhase } from "./job-facts.ts";
import { indexesOf } from "./job-indexes.ts";

/** What one failure means: it counts, or not, or it decides over its index or the whole Job. */
type Failure =
  | { readonly means: "Count" | "Ignore" | "FailIndex" }
  | { readonly means: "FailJob"; readonly message: string };

const rulesOf = (job: KubeObject): readonly JsonObject[] =>
  listOf(objectOf(objectOf(job, "spec"), "podFailurePolicy"), "rules").filter(isObject);

/** The first rule that matches decides; without one every failure counts. */
export function failureOf(job: KubeObject, pod: KubeObject): Failure {
  for (const [at, rule] of rulesOf(job).entries()) {
    const found = matchOf(rule, pod);
    if (found === undefined) continue;
    const action = textOf(rule, "action");
    if (action === "FailJob") return { means: action, message: `${found} matching ${action} rule at index ${at}` };
    if (action === "Ignore" || action === "FailIndex") return { means: action };
    return { means: "Count" };
  }
  return { means: "Count" };
}

/** Why the rule matches, as the Job tells it. */
function matchOf(rule: JsonObject, { metadata: { namespace, name }, ...pod }: KubeObject): string | undefined {
  const status = objectOf(pod, "status");
  const codes = objectOf(rule, "onExitCodes");
  if (codes !== undefined) {
    const ended = ["containerStatuses", "initContainerStatuses"].flatMap((field) => endedIn(status, field));
    const only = textOf(codes, "containerName");
    const match = ended.find(
      ({ container, exitCode }) =>
        exitCode !== 0 && (only === "" || only === container) && matchesCode(codes, exitCode),
    );
    return match && `Container ${match.container} for pod ${namespace}/${name} failed with exit code ${match.exitCode}`;
  }
  const patterns = listOf(rule, "onPodConditions").filter(isObject);
  const condition = listOf(status, "conditions")
    .filter(isObject)
    .find(({ type, status: state }) =>
      patterns.some((pattern) => pattern.type === type && (pattern.status ?? "True") === state),
    );
  return condition && `Pod ${namespace}/${name} has condition ${textOf(condition, "type")}`;
}

function endedIn(
  status: JsonObject | undefined,
  field: string,
): readonly { readonly container: string; readonly exitCode: number }[] {
  return listOf(status, field)
    .filter(isObject)
    .flatMap((container) => {
      const terminated = objectOf(objectOf(container, "state"), "terminated");
      return terminated === undefined
        ? []
        : [{ container: textOf(container, "name"), exitCode: numberOf(terminated, "exitCode") ?? 0 }];
    });
}

function matchesCode(codes: JsonObject, exitCode: number): boolean {
  const listed = listOf(codes, "values").includes(exitCode);
  return textOf(codes, "operator") === "In" ? listed : !listed;
}

export const failedPods = (pods: readonly KubeObject[]): readonly KubeObject[] => withPhase(pods, "Failed");

/** Those that the Job has to bear. */
export const countedFailures = (job: KubeObject, pods: readonly KubeObject[]): readonly KubeObject[] =>
  failedPods(pods).filter((pod) => failureOf(job, pod).means !== "Ignore");

/** What a pod says that makes the whole Job fail. */
export function failJobMessage(job: KubeObject, pods: readonly KubeObject[]): string | undefined {
  for (const pod of failedPods(pods)) {
    const failure = failureOf(job, pod);
    if (failure.means === "FailJob") return failure.message;
  }
  return undefined;
}

export const limitPerIndex = (job: KubeObject): number | undefined =>
  isIndexed(job) ? numberOf(objectOf(job, "spec"), "backoffLimitPerIndex") : undefined;

/** Failures of each index, counted and ignored. */
export function failuresByIndex(
  job: KubeObject,
  pods: readonly KubeObject[],
): ReadonlyMap<number, { readonly counted: number; readonly ignored: number }> {
  const found = new Map<number, { counted: number; ignored: number }>();
  for (const pod of failedPods(pods)) {
    const index = indexOf(pod);
    const failures = found.get(index) ?? { counted: 0, ignored: 0 };
    found.set(index, failures);
    if (failureOf(job, pod).means === "Ignore") failures.ignored++;
    else failures.counted++;
  }
  return found;
}

/** Indexes that are given up; `undefined` for a Job that has no limit for each. What its status says stays true. */
export function failedIndexes(job: KubeObject, pods: readonly KubeObject[]): ReadonlySet<number> | undefined {
  const limit = limitPerIndex(job);
  if (limit === undefined) return undefined;
  const completions = completionsOf(job) ?? 0;
  const failed = new Set(indexesOf(textOf(objectOf(job, "status"), "failedIndexes"), completions));
  for (const [index, { counted }] of failuresByIndex(job, pods)) if (counted > limit) failed.add(index);
  for (const pod of failedPods(pods)) if (failureOf(job, pod).means === "FailIndex") failed.add(indexOf(pod));
  return new Set([...failed].filter((index) => index >= 0 && index < completions));
}

/** After a first failure in ms, doubled by each that follows, and the most; upstream's job controller. */
const firstDelayMs = 10_000;
const longestDelayMs = 600_000;

/** How long a Job waits before it replaces the last of these pods that failed, from `nowMs` on. */
export function delayMs(pods: readonly KubeObject[], nowMs: number): number {
  const failures = failedPods(pods).map(endedMs);
  const lastSuccess = Math.max(Number.NEGATIVE_INFINITY, ...withPhase(pods, "Succeeded").map(endedMs));
  const recent = failures.filter((ms) => ms > lastSuccess);
  if (recent.length === 0) return 0;
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** (recent.length - 1));
  return Math.max(0, Math.max(...recent) + delay - nowMs);
}

/** When the last of its containers ended; without one that tells, long ago. */
function endedMs(pod: KubeObject): number {
  const times = listOf(objectOf(pod, "status"), "containerStatuses")
    .filter(isObject)
    .map((status) => Date.parse(textOf(objectOf(objectOf(status, "state"), "terminated"), "finishedAt")));
  return Math.max(0, ...times.filter((ms) => !Number.isNaN(ms)));
}
