import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import {
  controllerRevisionType,
  persistentVolumeClaimType,
  podType,
  statefulSetType,
} from "../../apiserver/client/resource-types.ts";
import { isAlreadyExists, isNamespaceTerminating, unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { numberOf, objectOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { controlledBy, isControlledBy, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { ownedBy, ownKind } from "../runtime/triggers.ts";
import { isTerminating } from "./pods.ts";
import { ensureCreated } from "./requests.ts";
import { type Plan, planPods, type Revisions, revisionNameOf } from "./stateful-set-plan.ts";
import { expiredRevisions, updateRevision } from "./stateful-set-revision.ts";
import { currentRevision, deriveStatus } from "./stateful-set-status.ts";

/** Pods of a parallel set that are created at once. */
const maxConcurrentCreates = 16;

type Observed = { readonly pods: readonly KubeObject[]; readonly revisions: readonly KubeObject[] };

/** Keeps a StatefulSet's pods, claims and revisions as it wants them. */
export class StatefulSetController implements Reconciler {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #maxReplicas: number;
  readonly #sets: Informer;
  readonly #pods: Informer;
  readonly #revisions: Informer;

  /** @param deps.maxReplicas  pods of one set that are run, however many it asks for */
  constructor(deps: {
    client: ResourceClient;
    clock: Clock;
    maxReplicas: number;
    sets: Informer;
    pods: Informer;
    revisions: Informer;
  }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#maxReplicas = deps.maxReplicas;
    this.#sets = deps.sets;
    this.#pods = deps.pods;
    this.#revisions = deps.revisions;
  }

  triggers(): readonly Trigger[] {
    return [ownKind(this.#sets), ownedBy(statefulSetType, this.#pods), ownedBy(statefulSetType, this.#revisions)];
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const set = this.#sets.lister.get(key);
    if (set === undefined || isTerminating(set)) return done; // deleted; what it owns goes by owner reference
    const observed = this.#gather(set);
    const update = await this.#ensureRevision(set, observed.revisions, context);
    if (update === undefined) return done;
    const revisions = { current: currentRevision(set, observed.revisions, update), update };
    const plan = planPods(set, observed.pods, revisions, { nowMs: this.#clock.now(), maxReplicas: this.#maxReplicas });

    if (plan.create.length + plan.remove.length > 0) await this.#carryOut(plan, context);
    // The pods just made or removed come back as events, and those with a status that is worth writing.
    else await this.#publishStatus(set, observed, revisions, context);
    return plan.recheckAfterMs === undefined ? done : requeueAfter(plan.recheckAfterMs);
  }

  #gather(set: KubeObject): Observed {
    const owner = ownerOf(statefulSetType, set);
    return { pods: controlledBy(this.#pods.lister, owner), revisions: controlledBy(this.#revisions.lister, owner) };
  }

  /** `undefined` when there is no place for it: the namespace is going away, or another object has its name. */
  async #ensureRevision(
    set: KubeObject,
    existing: readonly KubeObject[],
    { signal }: ReconcileContext,
  ): Promise<KubeObject | undefined> {
    const collisionCount = numberOf(objectOf(set, "status"), "collisionCount") ?? 0;
    const revision = updateRevision(set, existing, collisionCount);
    if (existing.includes(revision)) return revision;
    if (revision.metadata.resourceVersion !== undefined) {
      return this.#client.update(controllerRevisionType, revision, { signal });
    }
    try {
      return await this.#client.create(controllerRevisionType, revision, { signal });
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isAlreadyExists(error)) throw error;
      return this.#resolveCollision(set, revision, collisionCount, signal);
    }
  }

  /** Ours, and only not in the cache yet; or a stranger's, and then the next hash is another one. */
  async #resolveCollision(
    set: KubeObject,
    revision: KubeObject,
    collisionCount: number,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    const { name = "", namespace = "" } = revision.metadata;
    const existing = await this.#client.get({ type: controllerRevisionType, name, namespace }, { signal });
    if (
      isControlledBy(existing, ownerOf(statefulSetType, set)) &&
      deepEqual(objectOf(existing, "data"), objectOf(revision, "data"))
    )
      return existing;
    const status = { ...objectOf(set, "status"), collisionCount: collisionCount + 1 };
    await this.#client.update(statefulSetType, { ...set, status }, { subresource: "status", signal });
    return undefined;
  }

  async #carryOut({ create, claims, remove, releases }: Plan, { signal }: ReconcileContext): Promise<void> {
    await mapConcurrently(releases, maxConcurrentCreates, ({ claim, pod }) => this.#release(claim, pod, signal));
    await mapConcurrently(claims, maxConcurrentCreates, (claim) =>
      ensureCreated(this.#client, persistentVolumeClaimType, claim, signal),
    );
    await mapConcurrently(create, maxConcurrentCreates, (pod) => ensureCreated(this.#client, podType, pod, signal));
    await mapConcurrently(
      remove,
      maxConcurrentCreates,
      async ({ metadata: { name = "", namespace = "", uid = "" } }) => {
        await unlessGone(this.#client.delete({ type: podType, name, namespace }, { preconditions: { uid }, signal }));
      },
    );
  }

  /** Makes the claim its pod's: the garbage collector takes it when the pod is gone. */
  async #release(name: string, pod: KubeObject, signal: AbortSignal): Promise<void> {
    const { namespace = "", name: podName = "", uid = "" } = pod.metadata;
    const claim = await unlessGone(this.#client.get({ type: persistentVolumeClaimType, name, namespace }, { signal }));
    if (claim === undefined) return;
    const ownerReferences = claim.metadata.ownerReferences ?? [];
    if (ownerReferences.some((owner) => owner.uid === uid)) return;
    // As the set's own it would outlive the pod.
    const others = ownerReferences.filter(({ kind }) => kind !== statefulSetType.kind);
    const owner = { apiVersion: "v1", kind: "Pod", name: podName, uid, blockOwnerDeletion: true };
    const metadata = { ...claim.metadata, ownerReferences: [...others, owner] };
    await unlessGone(this.#client.update(persistentVolumeClaimType, { ...claim, metadata }, { signal }));
  }

  async #publishStatus(
    set: KubeObject,
    { pods, revisions: existing }: Observed,
    revisions: Revisions,
    { signal }: ReconcileContext,
  ): Promise<void> {
    const status = deriveStatus(set, pods, revisions, this.#clock.now());
    if (!deepEqual(status, objectOf(set, "status"))) {
      await unlessGone(this.#client.update(statefulSetType, { ...set, status }, { subresource: "status", signal }));
    }
    const used = new Set([revisions.current, revisions.update].map(({ metadata }) => metadata.name ?? ""));
    for (const pod of pods) used.add(revisionNameOf(pod));
    for (const { metadata } of expiredRevisions(set, existing, used)) {
      const ref = { type: controllerRevisionType, name: metadata.name ?? "", namespace: metadata.namespace ?? "" };
      await unlessGone(this.#client.delete(ref, { signal }));
    }
  }
}
