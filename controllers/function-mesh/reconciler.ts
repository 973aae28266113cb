/** Keeps a FunctionMesh's members equal to its components (FM 5). What a member runs is its own controller's business. */

import { annotations, functionMeshType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { FunctionMeshResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { isAlreadyExists, isConflict, unlessGone } from "../../apiserver/errors/status-error.ts";
import { limits } from "../../apiserver/limits.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { deleteExactly } from "../runtime/delete-exactly.ts";
import type { EventRecorder, Informer } from "../runtime/interface.ts";
import type { Lister } from "../runtime/lister.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { OwnWrites } from "../runtime/own-writes.ts";
import { controlledBy, controllerOf, isControlledBy, isNewest, isOfPredecessor, ownerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { applyOnce } from "../workloads/apply.ts";
import { isCurrent, stamped } from "../workloads/drift.ts";
import { fieldManager } from "../workloads/labels.ts";
import { numberAt, partOf } from "../workloads/parts.ts";
import type { PublishedStatus } from "../workloads/published-status.ts";
import { Refusals } from "../workloads/refusals.ts";
import { statusPatch } from "../workloads/status.ts";
import { desiredMembers, type Member, type MemberKind, memberKinds, meshLabel } from "./desired.ts";
import { meshEvents } from "./events.ts";
import { deriveMeshStatus, type MemberOutcome } from "./status.ts";

export type MeshReconcilerDeps = {
  readonly meshes: Lister<FunctionMeshResource>;
  /** Caches of the members, by plural. */
  readonly members: { readonly [Plural in MemberKind["list"]]: Informer };
  readonly published: PublishedStatus;
  readonly compute: ResourceClient;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
};

const atOnce = limits.maxMembersAtOnce.value;

export class MeshReconciler implements Reconciler {
  readonly #deps: MeshReconcilerDeps;
  readonly #written = new OwnWrites();
  readonly #refusals: Refusals;

  constructor(deps: MeshReconcilerDeps) {
    this.#deps = deps;
    this.#refusals = new Refusals(deps.clock);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const mesh = this.#deps.meshes.get(key);
    // Deleted or going: its members go by owner reference.
    if (mesh === undefined || mesh.metadata.deletionTimestamp !== undefined) return done;
    if (mesh.metadata.annotations?.[annotations.managed] === "false") return done;

    const desired = desiredMembers(mesh);
    const outcomes = [
      ...(await mapConcurrently(desired, atOnce, (member) => this.#ensure(member, mesh, context))),
      ...(await mapConcurrently(this.#leftOver(mesh, desired), atOnce, (left) => this.#remove(left, context))),
    ];
    await this.#publish(mesh, outcomes, context);
    return settle(outcomes, context);
  }

  async #ensure(member: Member, mesh: FunctionMeshResource, context: ReconcileContext): Promise<MemberOutcome> {
    const { signal } = context;
    const { kind, component, object } = member;
    const live = this.#written.newest(this.#deps.members[kind.list], keyOf(object));
    const owner = ownerOf(functionMeshType, mesh);
    if (live !== undefined && isOfPredecessor(live, owner)) {
      if (await isNewest(this.#deps.compute, owner, context.signal)) await this.#delete(kind, live, context);
      return { kind, component, result: "leaving", live };
    }
    const ours = live === undefined || isControlledBy(live, owner) || isOrphanOf(live, mesh);
    if (!ours) return { kind, component, result: "foreign", live };
    const wanted = stamped(live === undefined ? object : withReplicasOf(member, live));
    try {
      if (live === undefined) {
        // Without force: what somebody else has put there meanwhile is a conflict, not ours.
        const options = { fieldManager, force: false, signal };
        const created = await this.#refusals.unlessRefused(wanted, live, () =>
          applyOnce(this.#deps.compute, kind.type, wanted, options),
        );
        this.#written.remember(kind.type.resource, created);
        return { kind, component, result: "created", live: created };
      }
      if (isCurrent(wanted, live)) return { kind, component, result: "unchanged", live };
      const options = { fieldManager, signal };
      const updated = await this.#refusals.unlessRefused(wanted, live, () =>
        applyOnce(this.#deps.compute, kind.type, sameAs(live, wanted), options),
      );
      this.#written.remember(kind.type.resource, updated);
      return { kind, component, result: "updated", live: updated };
    } catch (error) {
      // A lost race: the next run sees what won.
      if (isConflict(error) || isAlreadyExists(error)) throw error;
      const retryInMs = this.#refusals.retryInMs(wanted);
      return {
        kind,
        component,
        result: "failed",
        error,
        ...(live && { live }),
        ...(retryInMs !== undefined && { retryInMs }),
      };
    }
  }

  /** Members of ours that no component asks for. */
  #leftOver(mesh: FunctionMeshResource, desired: readonly Member[]): { kind: MemberKind; live: KubeObject }[] {
    const owner = ownerOf(functionMeshType, mesh);
    return memberKinds.flatMap((kind) => {
      const wanted = new Set(desired.filter((member) => member.kind === kind).map(nameOf));
      return controlledBy(this.#deps.members[kind.list].lister, owner)
        .filter((live) => !wanted.has(live.metadata.name))
        .map((live) => ({ kind, live }));
    });
  }

  async #remove(
    { kind, live }: { kind: MemberKind; live: KubeObject },
    context: ReconcileContext,
  ): Promise<MemberOutcome> {
    const component = componentOf(live);
    try {
      await this.#delete(kind, live, context);
    } catch (error) {
      return { kind, component, result: "failed", live, error };
    }
    return { kind, component, result: "orphaned", live };
  }

  /** Exactly this object, unless it is gone or going. */
  async #delete({ type }: MemberKind, live: KubeObject, { signal }: ReconcileContext): Promise<void> {
    if (live.metadata.deletionTimestamp !== undefined) return;
    await deleteExactly(this.#deps.compute, type, live, { propagationPolicy: "Background", signal });
  }

  async #publish(
    mesh: FunctionMeshResource,
    outcomes: readonly MemberOutcome[],
    { signal }: ReconcileContext,
  ): Promise<void> {
    const { compute, recorder, clock, published } = this.#deps;
    const { name = "", namespace = "", uid, generation = 0 } = mesh.metadata;
    const status = deriveMeshStatus(generation, outcomes, mesh.status, formatTime(clock.now()));
    for (const event of meshEvents(mesh.status, status, outcomes)) recorder.record(mesh, event);
    const patch = statusPatch(mesh.status, status);
    published.remember(mesh, status);
    if (patch === undefined) return;
    const body: JsonObject = { metadata: { uid }, status: patch };
    const options = { subresource: "status", fieldManager, signal };
    await unlessGone(compute.patch({ type: functionMeshType, name, namespace }, { type: "merge", body }, options));
  }
}

/** A member of ours that nobody manages any more: left behind when its mesh was deleted without it. */
const isOrphanOf = ({ metadata }: KubeObject, mesh: FunctionMeshResource): boolean =>
  metadata.labels?.[meshLabel] === mesh.metadata.name &&
  metadata.deletionTimestamp === undefined &&
  controllerOf({ metadata }) === undefined;

const nameOf = ({ object }: Member): string | undefined => object.metadata.name;

/** The component a member was made of: its spec has kept the name. */
function componentOf(live: KubeObject): string {
  const { name } = partOf(live, "spec");
  return typeof name === "string" ? name : (live.metadata.name ?? "");
}

/** While an autoscaler moves a member's replicas, the mesh's own number is where they began (FM W-22). */
function withReplicasOf({ object, autoscaled }: Member, live: KubeObject): KubeObject {
  if (!autoscaled) return object;
  const spec = partOf(object, "spec");
  return { ...object, spec: { ...spec, replicas: numberAt(live, "spec", "replicas") } };
}

/** `wanted` for the very object that was seen, as it was seen: the number of replicas is that object's. */
function sameAs({ metadata: { uid, resourceVersion } }: KubeObject, wanted: KubeObject): KubeObject {
  return {
    ...wanted,
    metadata: { ...wanted.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
}

function settle(outcomes: readonly MemberOutcome[], { log }: ReconcileContext): Result {
  const failures = outcomes.flatMap((outcome) => (outcome.result === "failed" ? [outcome] : []));
  const [first] = failures;
  if (first === undefined) return done;
  const dueInMs = failures.flatMap(({ retryInMs }) => (retryInMs === undefined ? [] : [retryInMs]));
  if (dueInMs.length === failures.length) {
    for (const { component, error } of failures) log.debug({ err: error, component }, "a component is refused");
    return requeueAfter(Math.min(...dueInMs));
  }
  throw first.error;
}
