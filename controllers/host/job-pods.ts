/** Which pods a Job wants to start and to stop. Pure. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { jobType } from "../../apiserver/client/resource-types.ts";
import { limits } from "../../apiserver/limits.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { hashName } from "./hash-name.ts";
import {
  activePods,
  completionsOf,
  indexKey,
  indexOf,
  isIndexed,
  isSuspended,
  stoppingPods,
  succeededCount,
  succeededIndexes,
} from "./job-facts.ts";
import { delayMs, failedIndexes, failuresByIndex, limitPerIndex } from "./job-failures.ts";
import { podFromTemplate } from "./pods.ts";
import { controllerReference } from "./requests.ts";

/** A pod is replaced when it has ended, and not as soon as it is told to. */
const replacesOnlyFailed = (job: KubeObject): boolean =>
  textOf(objectOf(job, "spec"), "podReplacementPolicy") === "Failed";

/** Pods whose place is not free yet. */
const placed = (job: KubeObject, pods: readonly KubeObject[]): readonly KubeObject[] =>
  replacesOnlyFailed(job) ? [...activePods(pods), ...stoppingPods(pods)] : activePods(pods);

/** The active pods that are more than the Job wants, whatever is left to do. */
export function excessPods(job: KubeObject, pods: readonly KubeObject[]): readonly KubeObject[] {
  const active = activePods(pods);
  if (isSuspended(job)) return active;
  if (completionsOf(job) === undefined && succeededCount(job, pods) > 0) return [];
  return active.slice(Math.max(0, concurrency(job, pods)));
}

/** @param waitMs  until more are to be started than `pods`; absent: there are no more for now */
export type Starts = { readonly pods: readonly KubeObject[]; readonly waitMs?: number };

/**
 * @param maxPods  that a Job may have in all: what was stored before there was a limit is borne
 * @param isTaken  whether a pod of this name is there that is not the Job's
 */
type Room = {
  readonly maxPods: number;
  readonly nowMs: number;
  readonly isTaken?: (podName: string) => boolean;
};

/**
 * The pods to start now. Named after the job and their number, so that a stale cache can't start one twice. After a failure
 * a Job waits before it tries again; one with a limit for each index lets each wait for itself.
 */
export function missingPods(
  job: KubeObject,
  pods: readonly KubeObject[],
  { maxPods, nowMs, isTaken = () => false }: Room,
): Starts {
  if (isSuspended(job)) return { pods: [] };
  const wanted = Math.min(
    concurrency(job, pods) - placed(job, pods).length,
    maxPods - pods.length,
    limits.maxPodsPerStep.value,
  );
  if (wanted <= 0) return { pods: [] };
  if (limitPerIndex(job) !== undefined) return missingIndexes(job, pods, { wanted, nowMs });
  const waitMs = delayMs(pods, nowMs);
  if (waitMs > 0) return { pods: [], waitMs };
  return isIndexed(job)
    ? missingIndexes(job, pods, { wanted, nowMs: Number.POSITIVE_INFINITY })
    : { pods: missingNumbers(job, pods, { wanted, isTaken }) };
}

/** Pods that may run at once. */
function concurrency(job: KubeObject, pods: readonly KubeObject[]): number {
  const parallelism = numberOf(objectOf(job, "spec"), "parallelism") ?? 1;
  const succeeded = succeededCount(job, pods);
  const completions = completionsOf(job);
  if (completions === undefined) return succeeded > 0 ? 0 : parallelism;
  return Math.min(parallelism, completions - succeeded - (failedIndexes(job, pods)?.size ?? 0));
}

function missingNumbers(
  job: KubeObject,
  pods: readonly KubeObject[],
  { wanted, isTaken }: { readonly wanted: number; readonly isTaken: (podName: string) => boolean },
): readonly KubeObject[] {
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const missing: KubeObject[] = [];
  // Suffixes are few and may clash: a number whose name is taken is passed over, but not for ever.
  const lastNumber = 10 * (pods.length + wanted);
  for (let number = 0; missing.length < wanted && number <= lastNumber; number++) {
    const podName = podNameOf(job, "", String(number));
    if (names.has(podName) || isTaken(podName)) continue;
    names.add(podName);
    missing.push(newPod(job, podName));
  }
  return missing;
}

/** The lowest indexes that nobody has done, given up or is at; after a failure under another name. */
function missingIndexes(
  job: KubeObject,
  pods: readonly KubeObject[],
  { wanted, nowMs }: { readonly wanted: number; readonly nowMs: number },
): Starts {
  const completions = completionsOf(job) ?? 0;
  const isLimited = limitPerIndex(job) !== undefined;
  const taken = new Set([
    ...succeededIndexes(job, pods),
    ...(failedIndexes(job, pods) ?? []),
    ...placed(job, pods).map(indexOf),
  ]);
  const failures = failuresByIndex(job, pods);
  const byIndex = Map.groupBy(pods, indexOf);
  const waits: number[] = [];
  const missing: KubeObject[] = [];
  for (let index = 0; missing.length < wanted && index < completions; index++) {
    if (taken.has(index)) continue;
    const { counted, ignored } = failures.get(index) ?? { counted: 0, ignored: 0 };
    const waitMs = delayMs(byIndex.get(index) ?? [], nowMs);
    if (waitMs > 0) {
      waits.push(waitMs);
      continue;
    }
    const podName = podNameOf(job, `-${index}`, `${index}/${counted + ignored}`);
    const pod = withIndex(newPod(job, podName), job, index);
    missing.push(isLimited ? withFailures(pod, counted, ignored) : pod);
  }
  return { pods: missing, ...(waits.length === 0 ? {} : { waitMs: Math.min(...waits) }) };
}

/** How often its index has failed before, and how often that was ignored. */
function withFailures({ metadata, ...pod }: KubeObject, counted: number, ignored: number): KubeObject {
  const counts = {
    "batch.kubernetes.io/job-index-failure-count": String(counted),
    ...(ignored > 0 && { "batch.kubernetes.io/job-index-ignored-failure-count": String(ignored) }),
  };
  return { ...pod, metadata: { ...metadata, annotations: { ...metadata.annotations, ...counts } } };
}

/** As long as the names Kubernetes generates: 58 characters and five more. */
const podNameOf = ({ metadata: { name = "", uid = "" } }: KubeObject, infix: string, number: string): string =>
  `${name.slice(0, 57 - infix.length)}${infix}-${hashName(`${uid}/${number}`).slice(0, 5)}`;

function newPod(job: KubeObject, podName: string): KubeObject {
  const { name = "", namespace = "", uid = "" } = job.metadata;
  return podFromTemplate(objectOf(objectOf(job, "spec"), "template"), {
    name: podName,
    namespace,
    owner: controllerReference(jobType, job),
    labels: {
      "batch.kubernetes.io/controller-uid": uid,
      "batch.kubernetes.io/job-name": name,
      "controller-uid": uid,
      "job-name": name,
    },
  });
}

/** Containers know their index by a variable, others by label, annotation and host name. */
function withIndex(pod: KubeObject, { metadata: { name = "" } }: KubeObject, index: number): KubeObject {
  const spec = objectOf(pod, "spec");
  const value = { fieldRef: { fieldPath: `metadata.labels['${indexKey}']` } };
  const variable: JsonObject = { name: "JOB_COMPLETION_INDEX", valueFrom: value };
  const withVariable = (field: string) =>
    listOf(spec, field)
      .filter(isObject)
      .map((container) => ({ ...container, env: [...listOf(container, "env"), variable] }));
  const initContainers = withVariable("initContainers");
  const { labels, annotations } = pod.metadata;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...labels, [indexKey]: String(index) },
      annotations: { ...annotations, [indexKey]: String(index) },
    },
    spec: {
      ...spec,
      hostname: textOf(spec, "hostname") || `${name}-${index}`.slice(0, 63),
      containers: withVariable("containers"),
      ...(initContainers.length === 0 ? {} : { initContainers }),
    },
  };
}
