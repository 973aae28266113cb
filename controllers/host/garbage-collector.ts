/**
 * Garbage collector: what is owned goes when its owners are gone (API KC-01…KC-09).
 *
 * Keys are uids, not names. Each run looks at one object in both its roles: as a dependent whose owners may be
 * gone, and as an owner whose deletion waits for, or lets go of, its dependents.
 *
 * Invariant: nothing is deleted on the word of a cache. That an owner is absent is confirmed by a live read, so are
 * the dependent's references, and the delete holds for that uid and resourceVersion only.
 * Invariant: any answer but "not found" leaves the object alone.
 */
import { LRUCache } from "lru-cache";
import {
  type DeletionPropagation,
  foregroundFinalizer,
  type KubeObject,
  type OwnerReference,
  orphanFinalizer,
} from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { giveWay } from "../../apiserver/machinery/turns.ts";
import type { EventRecorder, Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { isInReach } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { asOwner, type Node, OwnerGraph, referencesTo, refOf } from "./owner-graph.ts";

/** Whose turns on the event loop it takes. */
const garbageCollector = "garbage collector";

/** Owners known to be absent, remembered so that a thousand dependents cost one look-up. client-go keeps 500. */
const rememberedAbsences = 500;

/** An owner that exists but that no cache shows is looked at again, in case its deletion is never seen. */
const unseenOwnerCheckMs = 30_000;

const maxConcurrentPatches = 16;

/**
 * - `solid`: exists, and keeps its dependents.
 * - `waiting`: is being deleted in the foreground, after its dependents.
 * - `absent`: doesn't exist; or only under another uid, or out of the dependent's reach.
 * - `unseen`: exists, but no cache shows it.
 */
type OwnerState = "solid" | "waiting" | "absent" | "unseen";

const isTerminating = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) === true;

/** Deletion of this object waits until its blocking dependents are gone. */
const isForeground = (object: KubeObject): boolean =>
  isTerminating(object) && hasFinalizer(object, foregroundFinalizer);

/** Whether the owner's deletion in the foreground waits for this object. */
const blocks = (object: KubeObject, owner: Node): boolean =>
  referencesTo(asOwner(owner), object).some(({ blockOwnerDeletion }) => blockOwnerDeletion === true);

export class GarbageCollector implements Reconciler {
  readonly #client: ResourceClient;
  readonly #events: EventRecorder;
  readonly #graph: OwnerGraph;
  readonly #informers: readonly Informer[];
  readonly #absent = new LRUCache<string, true>({ max: rememberedAbsences });

  /** @param informers one per collected type; owners of other types count as existing */
  constructor(deps: { client: ResourceClient; events: EventRecorder; informers: readonly Informer[] }) {
    this.#client = deps.client;
    this.#events = deps.events;
    this.#informers = deps.informers;
    this.#graph = new OwnerGraph(deps.informers);
  }

  triggers(): readonly Trigger[] {
    return this.#informers.map((informer) => ({
      informer,
      keysOf: (object) => this.#concerned({ type: informer.type, object }).map((uid) => ({ namespace: "", name: uid })),
      concerns: ({ metadata }, { metadata: old }) =>
        metadata.deletionTimestamp !== old.deletionTimestamp ||
        JSON.stringify([metadata.ownerReferences, metadata.finalizers]) !==
          JSON.stringify([old.ownerReferences, old.finalizers]),
    }));
  }

  /** The object if there may be something to do for it, its dependents, and owners that may be waiting for it. */
  #concerned({ type, object }: Node): readonly string[] {
    const { uid = "", ownerReferences = [] } = object.metadata;
    const uids = this.#graph.dependents({ type, object }).map((dependent) => dependent.object.metadata.uid ?? "");
    if (ownerReferences.length > 0 || isTerminating(object)) uids.push(uid);
    for (const owner of ownerReferences) {
      const node = this.#graph.find(owner.uid);
      if (node !== undefined && isTerminating(node.object)) uids.push(owner.uid);
    }
    return uids;
  }

  async reconcile({ name: uid }: ObjectKey, context: ReconcileContext): Promise<Result> {
    const node = this.#graph.find(uid);
    if (node === undefined) return done;
    if (!isTerminating(node.object)) return this.#collect(node, context);
    if (hasFinalizer(node.object, orphanFinalizer)) await this.#orphanDependents(node, context);
    else if (isForeground(node.object)) await this.#awaitDependents(node, context);
    return done;
  }

  /** Deletes the object if none of its owners is left to keep it. */
  async #collect(node: Node, context: ReconcileContext): Promise<Result> {
    for (const reference of node.object.metadata.ownerReferences ?? []) this.#reportOutOfReach(node.object, reference);
    const cached = await this.#ownerStates(node, context);
    if (cached.length === 0) return done;
    if (cached.every(({ state }) => state === "solid")) return done;

    const object = await unlessGone(this.#client.get(refOf(node), { signal: context.signal }));
    if (object === undefined || object.metadata.uid !== node.object.metadata.uid || isTerminating(object)) return done;
    const live = { type: node.type, object };
    const owners = await this.#ownerStates(live, context);
    if (owners.length === 0) return done;
    const keeping = owners.filter(({ state }) => state === "solid" || state === "unseen");
    if (keeping.length === 0) {
      const waiting = owners.some(({ state }) => state === "waiting");
      await this.#delete(waiting ? await this.#outOfCircle(live, context) : live, this.#policy(live, waiting), context);
      return done;
    }
    if (keeping.length < owners.length) {
      await this.#patchMetadata(live, { ownerReferences: keeping.map(({ reference }) => reference) }, context);
    }
    return keeping.some(({ state }) => state === "unseen") ? requeueAfter(unseenOwnerCheckMs) : done;
  }

  /** An object's own finalizers decide first; else foreground passes on to what has dependents itself. */
  #policy(node: Node, ownerWaits: boolean): DeletionPropagation {
    const { object } = node;
    if (hasFinalizer(object, orphanFinalizer)) return "Orphan";
    if (hasFinalizer(object, foregroundFinalizer)) return "Foreground";
    return ownerWaits && this.#graph.dependents(node).length > 0 ? "Foreground" : "Background";
  }

  /**
   * An object that waits for its owner's end while one of its own dependents waits for it: in a circle each would wait for
   * ever, so this one no longer blocks its owners.
   */
  async #outOfCircle(node: Node, context: ReconcileContext): Promise<Node> {
    if (!this.#graph.dependents(node).some(({ object }) => isForeground(object))) return node;
    const ownerReferences = (node.object.metadata.ownerReferences ?? []).map((reference) => ({
      ...reference,
      blockOwnerDeletion: false,
    }));
    const object = await this.#patchMetadata(node, { ownerReferences }, context);
    return { type: node.type, object: object ?? node.object };
  }

  async #delete(node: Node, propagationPolicy: DeletionPropagation, { signal, log }: ReconcileContext): Promise<void> {
    const { uid, resourceVersion } = node.object.metadata;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    log.debug({ resource: node.type.resource, propagationPolicy }, "deleting an object whose owners are gone");
    await unlessGone(this.#client.delete(refOf(node), { propagationPolicy, preconditions, signal }));
  }

  /** An object may name thousands: what is looked up is answered from memory, so that nothing else would get its turn. */
  async #ownerStates(
    node: Node,
    context: ReconcileContext,
  ): Promise<readonly { readonly reference: OwnerReference; readonly state: OwnerState }[]> {
    const states: { reference: OwnerReference; state: OwnerState }[] = [];
    for (const reference of node.object.metadata.ownerReferences ?? []) {
      await giveWay(garbageCollector);
      states.push({ reference, state: await this.#ownerState(node, reference, context) });
    }
    return states;
  }

  async #ownerState({ type, object }: Node, reference: OwnerReference, context: ReconcileContext): Promise<OwnerState> {
    const ownerType = this.#graph.typeOf(reference);
    if (ownerType === undefined) return "solid";
    // A mistake that no retry cures and that costs nobody an object.
    if (ownerType.namespaced && !type.namespaced) return "solid";
    const namespace = ownerType.namespaced ? (object.metadata.namespace ?? "") : "";
    const cached = this.#graph.find(reference.uid);
    if (cached !== undefined && cached.type === ownerType && cached.object.metadata.name === reference.name) {
      if ((cached.object.metadata.namespace ?? "") !== namespace) return "absent";
      return isForeground(cached.object) ? "waiting" : "solid";
    }
    return this.#lookUp({ type: ownerType, name: reference.name, namespace }, reference.uid, context);
  }

  async #lookUp(
    ref: { readonly type: Node["type"]; readonly name: string; readonly namespace: string },
    uid: string,
    { signal }: ReconcileContext,
  ): Promise<OwnerState> {
    const id = [ref.type.group, ref.type.resource, ref.namespace, ref.name, uid].join("/");
    if (this.#absent.get(id) === true) return "absent";
    const { type, name, namespace } = ref;
    const owner = await unlessGone(
      this.#client.get({ type, name, ...(type.namespaced ? { namespace } : {}) }, { signal }),
    );
    if (owner !== undefined && owner.metadata.uid === uid) return isForeground(owner) ? "waiting" : "unseen";
    this.#absent.set(id, true);
    return "absent";
  }

  /** An owner that exists where the object cannot reach it: nobody means that, but whoever fakes one (API KC-09). */
  #reportOutOfReach(object: KubeObject, { kind, name, uid }: OwnerReference): void {
    const owner = this.#graph.find(uid);
    if (owner === undefined || isInReach(object, asOwner(owner))) return;
    const message = `ownerRef [${kind} ${name}, uid ${uid}] does not exist in namespace ${JSON.stringify(object.metadata.namespace ?? "")}`;
    this.#events.record(object, { type: "Warning", reason: "OwnerRefInvalidNamespace", message });
  }

  /** Lets the owner go once no dependent blocks it; their own runs delete them. */
  async #awaitDependents(node: Node, context: ReconcileContext): Promise<void> {
    const blocking = this.#graph.dependents(node).filter(({ object }) => blocks(object, node));
    const cyclic = blocking.filter((dependent) => isForeground(dependent.object) && blocks(node.object, dependent));
    if (blocking.length === cyclic.length) await this.#removeFinalizer(node, foregroundFinalizer, context);
  }

  async #orphanDependents(node: Node, context: ReconcileContext): Promise<void> {
    const { uid } = node.object.metadata;
    await mapConcurrently(this.#graph.dependents(node), maxConcurrentPatches, async (dependent) => {
      const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      await this.#patchMetadata(dependent, { ownerReferences }, context);
    });
    await this.#removeFinalizer(node, orphanFinalizer, context);
  }

  async #removeFinalizer(node: Node, finalizer: string, context: ReconcileContext): Promise<void> {
    const finalizers = (node.object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    await this.#patchMetadata(node, { finalizers }, context);
  }

  /** Holds for the state it was computed from: a lost race is a conflict, and the next run sees the newer state. */
  async #patchMetadata(
    node: Node,
    change: { readonly ownerReferences?: OwnerReference[]; readonly finalizers?: string[] },
    { signal }: ReconcileContext,
  ): Promise<KubeObject | undefined> {
    const { uid, resourceVersion } = node.object.metadata;
    const body = { metadata: { uid, resourceVersion, ...change } };
    return unlessGone(this.#client.patch(refOf(node), { type: "merge", body }, { signal }));
  }
}
