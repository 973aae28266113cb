import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { jobType, podType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { controlledBy, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { ownedBy, ownKind } from "../runtime/triggers.ts";
import { isSuspended, missingPods, podsToStop } from "./job-pods.ts";
import { deriveJobStatus, finishedAt } from "./job-status.ts";
import { isTerminating } from "./pods.ts";
import { ensureCreated } from "./requests.ts";

const maxConcurrentRequests = 16;

/** Name of this controller, for Jobs that say who is to run them. */
const ownName = "kubernetes.io/job-controller";

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
    const manager = textOf(objectOf(job, "spec"), "managedBy");
    if (manager !== "" && manager !== ownName) return done;
    const endedAt = finishedAt(job);
    if (endedAt !== undefined) return this.#expire(job, Date.parse(endedAt), context);

    const pods = controlledBy(this.#pods.lister, ownerOf(jobType, job));
    const status = deriveJobStatus(job, pods, formatTime(this.#clock.now()));
    const missing = status.finished ? [] : missingPods(job, pods, this.#maxReplicas);
    await mapConcurrently(missing, maxConcurrentRequests, (pod) =>
      ensureCreated(this.#client, podType, pod, context.signal),
    );
    if (status.finished || isSuspended(job)) await this.#stop(podsToStop(pods), context);
    // The pods just made come back as events, and those with a status that is worth writing.
    if (missing.length > 0 || deepEqual(status.status, objectOf(job, "status") ?? {})) return done;
    const object = { ...job, status: status.status };
    await unlessGone(this.#client.update(jobType, object, { subresource: "status", signal: context.signal }));
    return done;
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
