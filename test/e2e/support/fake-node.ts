/** Nodes that run nothing: pods are bound to them and said to be ready, until the node goes and takes its pods along. */
import type { KubeObject } from "../../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../../apiserver/client/client.ts";
import { podType } from "../../../apiserver/client/resource-types.ts";
import { isConflict, isNotFound } from "../../../apiserver/errors/status-error.ts";
import { listOf, objectOf, textOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { mapConcurrently } from "../../../controllers/runtime/map-concurrently.ts";

const conditionTypes = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];
/** Requests at once. */
const atOnce = 8;

export class FakeNodes {
  readonly #client: ResourceClient;
  readonly #namespace: string;
  #nodes: string[];
  #turn = 0;

  constructor(client: ResourceClient, namespace: string, count: number) {
    this.#client = client;
    this.#namespace = namespace;
    this.#nodes = Array.from({ length: count }, (_, index) => `node-${index}`);
  }

  /** Looks after every pod once: those that are new start, those that are to go are gone. */
  async step(): Promise<void> {
    const { items } = await this.#client.list(podType, { namespace: this.#namespace });
    await mapConcurrently(items, atOnce, (pod) => this.#tend(pod).catch(unlessOthersWereFaster));
  }

  /** One node goes, with all its pods, and another comes. */
  async churn(): Promise<void> {
    this.#turn += 1;
    const [gone, ...rest] = this.#nodes;
    this.#nodes = [...rest, `node-new-${this.#turn}`];
    const { items } = await this.#client.list(podType, { namespace: this.#namespace });
    const lost = items.filter((pod) => textOf(objectOf(pod, "spec"), "nodeName") === gone);
    await mapConcurrently(lost, atOnce, (pod) => this.#remove(pod).catch(unlessOthersWereFaster));
  }

  async #tend(pod: KubeObject): Promise<void> {
    const { name = "", deletionTimestamp } = pod.metadata;
    const spec = objectOf(pod, "spec");
    if (deletionTimestamp !== undefined) return this.#remove(pod);
    if (textOf(objectOf(pod, "status"), "phase") === "Running") return;
    if (textOf(spec, "nodeName") === "") {
      const target = { apiVersion: "v1", kind: "Node", name: this.#nodes[name.length % this.#nodes.length] ?? "node" };
      const metadata = { name, namespace: this.#namespace };
      const binding: KubeObject = { apiVersion: "v1", kind: "Binding", metadata, target };
      await this.#client.create({ ...podType, kind: "Binding" }, binding, { subresource: "binding" });
    }
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const statuses = listOf(spec, "containers")
      .filter(isObject)
      .map((container) => ({
        name: textOf(container, "name"),
        image: textOf(container, "image"),
        imageID: "none",
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
      }));
    const conditions = conditionTypes.map((type) => ({ type, status: "True", lastTransitionTime: now }));
    const status = { phase: "Running", startTime: now, conditions, containerStatuses: statuses };
    const ref = { type: podType, name, namespace: this.#namespace };
    await this.#client.patch(ref, { type: "merge", body: { status } }, { subresource: "status" });
  }

  async #remove({ metadata: { name = "", uid } }: KubeObject): Promise<void> {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    const ref = { type: podType, name, namespace: this.#namespace };
    await this.#client.delete(ref, { gracePeriodSeconds: 0, ...preconditions });
  }
}

function unlessOthersWereFaster(error: unknown): void {
  if (!isConflict(error) && !isNotFound(error)) throw error;
}
