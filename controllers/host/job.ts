import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { jobType, podType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import { type LabelSelector, labelSelectorFromObject } from "../../apiserver/machinery/selectors.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { controlledBy, controllerOf, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { mapped, ownedBy, ownKind } from "../runtime/triggers.ts";
import { leftMs } from "./job-end.ts";
import { activePods } from "./job-facts.ts";
import { excessPods, missingPods } from "./job-pods.ts";
import { deriveJobStatus, finishedAt } from "./job-status.ts";
import { isTerminating, textMap } from "./pods.ts";
import { controllerReference, ensureCreated } from "./requests.ts";

const maxConcurrentRequests = 16;

/** Name of this controller, for Jobs that say who is to run them. */
const ownName = "kubernetes.io/job-controller";

/** Pods that nobody manages, by the Job whose label they have. */
const orphanIndex = "orphan-of-job";
const uidLabel = "batch.kubernetes.io/controller-uid";
const nameLabel = "batch.kubernetes.io/job-name";

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
    deps.pods.addIndex(orphanIndex, (pod) => {
      const uid = pod.metadata.labels?.[uidLabel];
      return uid === undefined || controllerOf(pod) !== undefined || isTerminating(pod) ? [] : [uid];
    });
  }

  triggers(): readonly Trigger[] {
    return [ownKind(this.#jobs), ownedBy(jobType, this.#pods), mapped(this.#pods, jobOfOrphan)];
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const job = this.#jobs.lister.get(key);
    if (job === undefined || isTerminating(job)) return done;
    const manager = textOf(objectOf(job, "spec"), "managedBy");
    if (manager !== "" && manager !== ownName) return done;
    const endedAt = finishedAt(job);
    if (endedAt !== undefined) return this.#expire(job, Date.parse(endedAt), context);

    const pods = await this.#claim(job, context);
    const nowMs = this.#clock.now();
    const { status, ending } = deriveJobStatus(job, pods, nowMs);
    const isTaken = (name: string): boolean => this.#pods.lister.get({ namespace: key.namespace, name }) !== undefined;
    const starts = ending ? { pods: [] } : missingPods(job, pods, { maxPods: this.#maxReplicas, nowMs, isTaken });
    await mapConcurrently(starts.pods, maxConcurrentRequests, (pod) =>
      ensureCreated(this.#client, podType, pod, context.signal),
    );
    await this.#stop(ending ? activePods(pods) : excessPods(job, pods), context);
    // The pods just made come back as events, and those with a status that is worth writing.
    if (starts.pods.length === 0 && !deepEqual(status, objectOf(job, "status") ?? {})) {
      const object = { ...job, status };
      await unlessGone(this.#client.update(jobType, object, { subresource: "status", signal: context.signal }));
    }
    const nextMs = Math.min(starts.waitMs ?? Number.POSITIVE_INFINITY, leftMs(job, nowMs) ?? Number.POSITIVE_INFINITY);
    return ending || nextMs === Number.POSITIVE_INFINITY ? done : requeueAfter(nextMs);
  }

  /** Its pods: those that lost the labels by which it finds them are let go, those that have them and no owner are taken. */
  async #claim(job: KubeObject, { signal }: ReconcileContext): Promise<readonly KubeObject[]> {
    const { uid = "" } = job.metadata;
    const selector = selectorOf(job);
    const fits = ({ metadata }: KubeObject): boolean => selector.empty || selector.matches(metadata.labels ?? {});
    const own = controlledBy(this.#pods.lister, ownerOf(jobType, job));
    const orphans = this.#pods.lister
      .byIndex(orphanIndex, uid)
      .filter((pod) => pod.metadata.namespace === job.metadata.namespace && fits(pod));
    const ownedNow = (pod: KubeObject, isOwned: boolean): Promise<unknown> => {
      const { name = "", namespace = "", ownerReferences = [] } = pod.metadata;
      const others = ownerReferences.filter((reference) => reference.uid !== uid);
      const references = isOwned ? [...others, controllerReference(jobType, job)] : others;
      const body = { metadata: { uid: pod.metadata.uid, ownerReferences: references } };
      return unlessGone(this.#client.patch({ type: podType, name, namespace }, { type: "merge", body }, { signal }));
    };
    const lost = own.filter((pod) => !fits(pod) && !isTerminating(pod));
    await mapConcurrently(lost, maxConcurrentRequests, (pod) => ownedNow(pod, false));
    await mapConcurrently(orphans, maxConcurrentRequests, (pod) => ownedNow(pod, true));
    return [...own.filter(fits), ...orphans];
  }

  async #stop(pods: readonly KubeObject[], { signal }: ReconcileContext): Promise<void> {
    await mapConcurrently(
      pods,
      maxConcurrentRequests,
      async ({ metadata: { name = "", namespace = "", uid = "" } }) => {
        await unlessGone(this.#client.delete({ type: podType, name, namespace }, { preconditions: { uid }, signal }));
      },
    );
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

/** The Job that a pod without a manager says it belongs to. */
function jobOfOrphan(pod: KubeObject): readonly ObjectKey[] {
  const { namespace = "", labels } = pod.metadata;
  const name = labels?.[nameLabel];
  return name === undefined || controllerOf(pod) !== undefined ? [] : [{ namespace, name }];
}

/** Labels are what Jobs select by, unless they are told to do otherwise. */
const selectorOf = (job: KubeObject): LabelSelector =>
  labelSelectorFromObject({
    matchLabels: textMap(objectOf(objectOf(objectOf(job, "spec"), "selector"), "matchLabels")),
  });
