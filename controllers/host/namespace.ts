/**
 * Namespace controller: empties a namespace that is being deleted, pods first, then lets it go (API KC-10…KC-12).
 *
 * Invariant: the namespace goes only after a live read of every type has found nothing.
 */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { namespaceType, podType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { listOf, objectOf, textsOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { mapConcurrently } from "../runtime/map-concurrently.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { mapped, ownKind } from "../runtime/triggers.ts";
import { contentConditions, withConditions } from "./namespace-conditions.ts";
import { type Node, refOf } from "./owner-graph.ts";

/** The finalizer in `spec.finalizers` that is ours to remove. */
const kubernetesFinalizer = "kubernetes";

const maxConcurrentDeletes = 16;

/** What remains is reported only when it has remained for so long: most namespaces are empty by then. */
const reportAfterMs = 2_000;

export class NamespaceController implements Reconciler {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #namespaces: Informer;
  readonly #contents: readonly Informer[];

  /** @param contents one informer per namespaced type that is served */
  constructor(deps: { client: ResourceClient; clock: Clock; namespaces: Informer; contents: readonly Informer[] }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#namespaces = deps.namespaces;
    this.#contents = deps.contents;
  }

  triggers(): readonly Trigger[] {
    return [
      ownKind(this.#namespaces, ({ metadata }, old) => metadata.deletionTimestamp !== old.metadata.deletionTimestamp),
      ...this.#contents.map((informer) => mapped(informer, (object) => this.#terminatingNamespaceOf(object))),
    ];
  }

  #terminatingNamespaceOf({ metadata }: KubeObject): readonly ObjectKey[] {
    const key = { namespace: "", name: metadata.namespace ?? "" };
    return this.#namespaces.lister.get(key)?.metadata.deletionTimestamp === undefined ? [] : [key];
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result> {
    const namespace = this.#namespaces.lister.get(key);
    if (namespace?.metadata.deletionTimestamp === undefined) return done;
    if (!textsOf(objectOf(namespace, "spec"), "finalizers").includes(kubernetesFinalizer)) return done;

    const cached = this.#contents.flatMap(({ type, lister }) =>
      lister.list(key.name).map((object): Node => ({ type, object })),
    );
    const remaining = cached.length > 0 ? cached : await this.#listContents(key.name, context);
    if (remaining.length === 0) {
      await this.#finalize(namespace, context);
      return done;
    }
    // What runs goes before what it runs with: a pod that stops may still need its configuration.
    const pods = remaining.filter(({ type }) => type.kind === podType.kind && type.group === podType.group);
    await this.#deleteAll(pods.length > 0 ? pods : remaining, context);
    return this.#report(namespace, remaining, context);
  }

  async #listContents(namespace: string, { signal }: ReconcileContext): Promise<readonly Node[]> {
    const lists = await Promise.all(
      this.#contents.map(async ({ type }) => {
        const { items } = await this.#client.list(type, { namespace }, signal);
        return items.map((object): Node => ({ type, object }));
      }),
    );
    return lists.flat();
  }

  async #deleteAll(nodes: readonly Node[], { signal }: ReconcileContext): Promise<void> {
    const deletable = nodes.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
    await mapConcurrently(deletable, maxConcurrentDeletes, async (node) => {
      const { uid } = node.object.metadata;
      const preconditions = uid === undefined ? {} : { uid };
      await unlessGone(this.#client.delete(refOf(node), { propagationPolicy: "Background", preconditions, signal }));
    });
  }

  /** Deletions bring us back by themselves; time does when the cache and the server disagree for now. */
  async #report(namespace: KubeObject, nodes: readonly Node[], { signal }: ReconcileContext): Promise<Result> {
    const now = this.#clock.now();
    const since = Date.parse(namespace.metadata.deletionTimestamp ?? "");
    if (now - since < reportAfterMs) return requeueAfter(reportAfterMs);
    const status = objectOf(namespace, "status") ?? {};
    const conditions = withConditions(listOf(status, "conditions"), contentConditions(nodes), formatTime(now));
    const desired: JsonObject = { ...status, phase: "Terminating", conditions: [...conditions] };
    if (deepEqual(desired, status)) return done;
    const object = { ...namespace, status: desired };
    await unlessGone(this.#client.update(namespaceType, object, { subresource: "status", signal }));
    return done;
  }

  async #finalize(namespace: KubeObject, { signal, log }: ReconcileContext): Promise<void> {
    const spec = objectOf(namespace, "spec") ?? {};
    const finalizers = textsOf(spec, "finalizers").filter((name) => name !== kubernetesFinalizer);
    const object = { ...namespace, spec: { ...spec, finalizers } };
    await unlessGone(this.#client.update(namespaceType, object, { subresource: "finalize", signal }));
    log.debug({}, "namespace is empty");
  }
}
