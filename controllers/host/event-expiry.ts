/** Removes Events when nobody has reported them for an hour: they tell of now, and the store keeps everything else. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { eventType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { ownKind } from "../runtime/triggers.ts";

/** kube-apiserver's own `--event-ttl`, in ms. */
const timeToLiveMs = 3_600_000;

export class EventExpiry implements Reconciler {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #events: Informer;

  constructor(deps: { client: ResourceClient; clock: Clock; events: Informer }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#events = deps.events;
  }

  triggers(): readonly Trigger[] {
    return [ownKind(this.#events)];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<Result> {
    const event = this.#events.lister.get(key);
    if (event === undefined) return done;
    const remainingMs = reportedAtMs(event, this.#clock.now()) + timeToLiveMs - this.#clock.now();
    if (remainingMs > 0) return requeueAfter(remainingMs);
    const { uid = "" } = event.metadata;
    await unlessGone(this.#client.delete({ type: eventType, ...key }, { preconditions: { uid }, signal }));
    return done;
  }
}

/** The last time in the past that the Event names: what somebody wrote about the future keeps nothing alive. */
function reportedAtMs(event: KubeObject, nowMs: number): number {
  const times = [
    event.metadata.creationTimestamp ?? "",
    textOf(event, "lastTimestamp"),
    textOf(event, "eventTime"),
    textOf(objectOf(event, "series"), "lastObservedTime"),
  ].map((text) => Date.parse(text));
  return Math.max(0, ...times.filter((time) => time <= nowMs));
}
