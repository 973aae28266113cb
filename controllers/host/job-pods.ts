/** Which pods a Job wants to start and to stop. Pure. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { jobType } from "../../apiserver/client/resource-types.ts";
import { limits } from "../../apiserver/limits.ts";
import { isTrue, listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { hashName } from "./hash-name.ts";
import { hasEnded, isTerminating, phaseOf, podFromTemplate } from "./pods.ts";
import { controllerReference } from "./requests.ts";

const indexKey = "batch.kubernetes.io/job-completion-index";

export const isSuspended = (job: KubeObject): boolean => isTrue(objectOf(job, "spec"), "suspend");
export const isIndexed = (job: KubeObject): boolean => textOf(objectOf(job, "spec"), "completionMode") === "Indexed";

/** Absent: the first pod that succeeds ends the Job, once the others have ended, too. */
export const completionsOf = (job: KubeObject): number | undefined => numberOf(objectOf(job, "spec"), "completions");

export const withPhase = (pods: readonly KubeObject[], phase: string): readonly KubeObject[] =>
  pods.filter((pod) => phaseOf(pod) === phase);

export const activePods = (pods: readonly KubeObject[]): readonly KubeObject[] => pods.filter((pod) => !hasEnded(pod));

/** Active pods that are not told yet to stop, where none should be active. */
export const podsToStop = (pods: readonly KubeObject[]): readonly KubeObject[] =>
  activePods(pods).filter((pod) => !isTerminating(pod));

/** Of an Indexed Job's pods; -1 for a pod without one. */
export function indexOf({ metadata }: KubeObject): number {
  const text = metadata.annotations?.[indexKey] ?? "";
  return /^\d{1,10}$/.test(text) ? Number(text) : -1;
}

/** What a Job has done: pods that succeeded, each index of an Indexed Job once. */
export function succeededCount(job: KubeObject, pods: readonly KubeObject[]): number {
  return isIndexed(job) ? succeededIndexes(job, pods).length : withPhase(pods, "Succeeded").length;
}

/** In ascending order. */
export function succeededIndexes(job: KubeObject, pods: readonly KubeObject[]): readonly number[] {
  const completions = completionsOf(job) ?? 0;
  const indexes = new Set(withPhase(pods, "Succeeded").map(indexOf));
  return [...indexes].filter((index) => index >= 0 && index < completions).sort((a, b) => a - b);
}

/**
 * The pods to start now. Named after the job and their number, so that a stale cache can't start one twice.
 * @param maxPods  that a Job may have in all: what was stored before there was a limit is borne
 */
export function missingPods(job: KubeObject, pods: readonly KubeObject[], maxPods: number): readonly KubeObject[] {
  if (isSuspended(job)) return [];
  const wanted = Math.min(
    concurrency(job, pods) - activePods(pods).length,
    maxPods - pods.length,
    limits.maxPodsPerStep.value,
  );
  if (wanted <= 0) return [];
  return isIndexed(job) ? missingIndexes(job, pods, wanted) : missingNumbers(job, pods, wanted);
}

/** Pods that may run at once. */
function concurrency(job: KubeObject, pods: readonly KubeObject[]): number {
  const parallelism = numberOf(objectOf(job, "spec"), "parallelism") ?? 1;
  const succeeded = succeededCount(job, pods);
  const completions = completionsOf(job);
  if (completions === undefined) return succeeded > 0 ? 0 : parallelism;
  return Math.min(parallelism, completions - succeeded);
}

function missingNumbers(job: KubeObject, pods: readonly KubeObject[], wanted: number): readonly KubeObject[] {
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const missing: KubeObject[] = [];
  // Suffixes are few and may clash: a number whose name is taken is passed over, but not for ever.
  const lastNumber = 10 * (pods.length + wanted);
  for (let number = 0; missing.length < wanted && number <= lastNumber; number++) {
    const podName = podNameOf(job, "", String(number));
    if (names.has(podName)) continue;
    names.add(podName);
    missing.push(newPod(job, podName));
  }
  return missing;
}

/** The lowest indexes that nobody has done or is at; after a failure under another name. */
function missingIndexes(job: KubeObject, pods: readonly KubeObject[], wanted: number): readonly KubeObject[] {
  const completions = completionsOf(job) ?? 0;
  const taken = new Set([...succeededIndexes(job, pods), ...activePods(pods).map(indexOf)]);
  const attempts = new Map<number, number>();
  for (const pod of withPhase(pods, "Failed")) attempts.set(indexOf(pod), (attempts.get(indexOf(pod)) ?? 0) + 1);
  const missing: KubeObject[] = [];
  for (let index = 0; missing.length < wanted && index < completions; index++) {
    if (taken.has(index)) continue;
    const podName = podNameOf(job, `-${index}`, `${index}/${attempts.get(index) ?? 0}`);
    missing.push(withIndex(newPod(job, podName), job, index));
  }
  return missing;
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
