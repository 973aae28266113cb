/** What is read of a Job and its pods. Pure. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isTrue, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { indexesOf } from "./job-indexes.ts";
import { hasEnded, isTerminating, phaseOf } from "./pods.ts";

/** Label and annotation of a pod of an Indexed Job. */
export const indexKey = "batch.kubernetes.io/job-completion-index";

export const isSuspended = (job: KubeObject): boolean => isTrue(objectOf(job, "spec"), "suspend");
export const isIndexed = (job: KubeObject): boolean => textOf(objectOf(job, "spec"), "completionMode") === "Indexed";

/** Absent: the first pod that succeeds ends the Job, once the others have ended, too. */
export const completionsOf = (job: KubeObject): number | undefined => numberOf(objectOf(job, "spec"), "completions");

export const withPhase = (pods: readonly KubeObject[], phase: string): readonly KubeObject[] =>
  pods.filter((pod) => phaseOf(pod) === phase);

/** Those that have not ended and are not told to. */
export const activePods = (pods: readonly KubeObject[]): readonly KubeObject[] =>
  pods.filter((pod) => !hasEnded(pod) && !isTerminating(pod));

/** Those that are told to stop, and have not ended yet. */
export const stoppingPods = (pods: readonly KubeObject[]): readonly KubeObject[] =>
  pods.filter((pod) => !hasEnded(pod) && isTerminating(pod));

/** Of an Indexed Job's pods; -1 for a pod without one. */
export function indexOf({ metadata }: KubeObject): number {
  const text = metadata.annotations?.[indexKey] ?? "";
  return /^\d{1,10}$/.test(text) ? Number(text) : -1;
}

/** What a Job has done: pods that succeeded, each index of an Indexed Job once. */
export function succeededCount(job: KubeObject, pods: readonly KubeObject[]): number {
  return isIndexed(job) ? succeededIndexes(job, pods).length : withPhase(pods, "Succeeded").length;
}

/** In ascending order; what its status says stays true when the pod has gone. */
export function succeededIndexes(job: KubeObject, pods: readonly KubeObject[]): readonly number[] {
  const completions = completionsOf(job) ?? 0;
  const known = indexesOf(textOf(objectOf(job, "status"), "completedIndexes"), completions);
  const indexes = new Set([...known, ...withPhase(pods, "Succeeded").map(indexOf)]);
  return [...indexes].filter((index) => index >= 0 && index < completions).sort((a, b) => a - b);
}
