import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { limits } from "../../apiserver/limits.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { isTrue, listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, isObject } from "../../apiserver/machinery/json.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { controlledBy, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { ownedBy, ownKind } from "../runtime/triggers.ts";
import { unlessGone } from "../runtime/unless-gone.ts";
import { hashName } from "./hash-name.ts";
import { hasEnded, isReady, isTerminating, phaseOf, podFromTemplate } from "./pods.ts";
import { controllerReference, ensureCreated } from "./requests.ts";
import { jobType, podType } from "./types.ts";

const maxConcurrentCreates = 16;

/** Failures a Job forgives when it doesn't say. */
const defaultBackoffLimit = 6;

const conditionTime = (job: KubeObject, type: "Complete" | "Failed"): string | undefined => {
  const found = listOf(objectOf(job, "status"), "conditions")
    .filter(isObject)
    .find((condition) => condition.type === type && condition.status === "True");
  return found === undefined ? undefined : textOf(found, "lastTransitionTime");
};

/** Runs a Job's pods until enough of them have succeeded, and removes the Job when its time is up. */
export class JobController implements Reconciler {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #maxReplicas: number;
  readonly #jobs: Informer;
  readonly #pods: Informer;

  /** @param deps.maxReplicas  pods of one Job that are run, however many it asks for */
  constructor(deps: { client: ResourceClient; clock: Clock; maxReplicas: number; jobs: Informer; pods: Informer }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#maxReplicas = deps.maxReplicas;
    this.#jobs = deps.jobs;
    this.#pods = deps.pods;
  }

  triggers(): readonly Trigger[] {
    return [ownKind(this.#jobs), ownedBy(jobType, this.#pods)];
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const job = this.#jobs.lister.get(key);
    if (job === undefined || isTerminating(job)) return done;
    const finishedAt = conditionTime(job, "Complete") ?? conditionTime(job, "Failed");
    if (finishedAt !== undefined) return this.#expire(job, Date.parse(finishedAt), context);

    const pods = controlledBy(this.#pods.lister, ownerOf(jobType, job));
    const status = deriveJobStatus(job, pods, formatTime(this.#clock.now()));
    const missing = status.finished ? [] : missingPods(job, pods, this.#maxReplicas);
    await mapConcurrently(missing, maxConcurrentCreates, (pod) =>
      ensureCreated(this.#client, podType, pod, context.signal),
    );
    // The pods just made come back as events, and those with a status that is worth writing.
    if (missing.length > 0 || deepEqual(status.status, objectOf(job, "status") ?? {})) return done;
    const object = { ...job, status: status.status };
    await unlessGone(this.#client.update(jobType, object, { subresource: "status", signal: context.signal }));
    return done;
  }

  async #expire(job: KubeObject, finishedAtMs: number, { signal }: ReconcileContext): Promise<Result> {
    const seconds = numberOf(objectOf(job, "spec"), "ttlSecondsAfterFinished");
    if (seconds === undefined) return done;
    const remainingMs = finishedAtMs + seconds * 1000 - this.#clock.now();
    if (remainingMs > 0) return requeueAfter(remainingMs);
    const { name = "", namespace = "", uid = "" } = job.metadata;
    const options = { propagationPolicy: "Background", preconditions: { uid }, signal } as const;
    await unlessGone(this.#client.delete({ type: jobType, name, namespace }, options));
    return done;
  }
}

const wantedCompletions = (job: KubeObject): number => numberOf(objectOf(job, "spec"), "completions") ?? 1;

const withPhase = (pods: readonly KubeObject[], phase: string): readonly KubeObject[] =>
  pods.filter((pod) => phaseOf(pod) === phase);

/**
 * The pods to start now. Named after the job and their number, so that a stale cache can't start one twice.
 * @param maxPods  that a Job may have in all: what was stored before there was a limit is borne
 */
export function missingPods(job: KubeObject, pods: readonly KubeObject[], maxPods: number): readonly KubeObject[] {
  const spec = objectOf(job, "spec");
  if (isTrue(spec, "suspend")) return [];
  const active = pods.filter((pod) => !hasEnded(pod)).length;
  const outstanding = wantedCompletions(job) - withPhase(pods, "Succeeded").length;
  const wanted = Math.min(
    Math.min(numberOf(spec, "parallelism") ?? 1, outstanding) - active,
    maxPods - pods.length,
    limits.maxPodsPerStep.value,
  );
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const missing: KubeObject[] = [];
  // Suffixes are few and may clash: a number whose name is taken is passed over, but not for ever.
  const lastNumber = 10 * (pods.length + wanted);
  for (let number = 0; missing.length < wanted && number <= lastNumber; number++) {
    const podName = podNameOf(job, number);
    if (names.has(podName)) continue;
    names.add(podName);
    missing.push(newPod(job, podName));
  }
  return missing;
}

/** As long as the names Kubernetes generates: 58 characters and five more. */
const podNameOf = ({ metadata: { name = "", uid = "" } }: KubeObject, number: number): string =>
  `${name.slice(0, 57)}-${hashName(`${uid}/${number}`).slice(0, 5)}`;

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

/** The status a Job with these pods has, and whether it is over. Its conditions are Kubernetes' own. */
export function deriveJobStatus(
  job: KubeObject,
  pods: readonly KubeObject[],
  now: string,
): { readonly status: JsonObject; readonly finished: boolean } {
  const spec = objectOf(job, "spec");
  const old = objectOf(job, "status") ?? {};
  const active = pods.filter((pod) => !hasEnded(pod));
  const succeeded = withPhase(pods, "Succeeded").length;
  const failed = withPhase(pods, "Failed").length;
  const common = {
    ...old,
    startTime: textOf(old, "startTime") || now,
    ...countOf("succeeded", succeeded),
    ...countOf("failed", failed),
    uncountedTerminatedPods: {},
  };
  if (succeeded >= wantedCompletions(job)) {
    const conditions = [
      finishedCondition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", now),
      finishedCondition("Complete", "CompletionsReached", "Reached expected number of succeeded pods", now),
    ];
    return { status: { ...common, active: undefined, ready: 0, completionTime: now, conditions }, finished: true };
  }
  if (failed > (numberOf(spec, "backoffLimit") ?? defaultBackoffLimit)) {
    const message = "Job has reached the specified backoff limit";
    const conditions = [
      finishedCondition("FailureTarget", "BackoffLimitExceeded", message, now),
      finishedCondition("Failed", "BackoffLimitExceeded", message, now),
    ];
    return { status: { ...common, active: undefined, ready: 0, conditions }, finished: true };
  }
  const counts = { ...countOf("active", active.length), ready: active.filter(isReady).length };
  return { status: { ...common, ...counts }, finished: false };
}

const countOf = (field: string, count: number): JsonObject => ({ [field]: count === 0 ? undefined : count });

const finishedCondition = (type: string, reason: string, message: string, now: string): JsonObject => ({
  type,
  status: "True",
  reason,
  message,
  lastProbeTime: now,
  lastTransitionTime: now,
});
