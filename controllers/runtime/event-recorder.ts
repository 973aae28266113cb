/**
 * Writes `core/v1` Events about objects, so many as help a reader and no more, as client-go's event correlator does:
 * the same event again raises `count`; many that differ in the message only become one; a chatty object is cut off.
 *
 * The log tells operators the same: a line for every change, and one for every trouble however often it is met.
 */
import { LRUCache } from "lru-cache";
import type { KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { isNamespaceTerminating, isNotFound } from "../../apiserver/errors/status-error.ts";
import { limits } from "../../apiserver/limits.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import type { EventRecord, EventRecorder } from "./interface.ts";
import type { Logger } from "./logger.ts";

export const eventType: ResourceType = {
  group: "",
  version: "v1",
  kind: "Event",
  resource: "events",
  namespaced: true,
};

/** Per object: 25 events at once, then one in five minutes; client-go's spam filter. */
const burst = 25;
const refillMs = 300_000;

/** After so many messages under one reason within so many ms, they are told as one event. */
const maxSimilar = 10;
const similarWindowMs = 600_000;

/** Objects and events remembered, as client-go does. */
const remembered = 4096;

/** Writes that wait for the server; beyond it events are dropped, not memory filled. */
const maxPending = 1000;

const maxNameLength = 253;

type Bucket = { readonly tokens: number; readonly atMs: number };
type Similar = { readonly sinceMs: number; readonly messages: Set<string> };
/** The Event object that repeats are counted in; `count` is what the server has, or will have once it is written. */
type Written = { readonly name: string; readonly namespace: string; count: number };

export type EventRecorderOptions = {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Shown as the event's source, e.g. `function-mesh`. */
  readonly component: string;
};

export class ClientEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #buckets = new LRUCache<string, Bucket>({ max: remembered });
  readonly #similar = new LRUCache<string, Similar>({ max: remembered });
  readonly #written = new LRUCache<string, Written>({ max: remembered });
  #writes: Promise<void> = Promise.resolve();
  #pending = 0;
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(regarding: KubeObject, event: EventRecord): void {
    const object = identityOf(regarding);
    if (this.#pending >= maxPending || !this.#allowed(object)) {
      this.#options.log.debug({ object, reason: event.reason }, "event dropped");
      return;
    }
    this.#pending += 1;
    const message = this.#aggregated(object, event).slice(0, limits.maxMessageLength.value);
    if (event.type === "Normal") this.#options.log.info({ object, reason: event.reason, message }, "changed");
    const recordedAtMs = this.#options.clock.now();
    this.#writes = this.#writes.then(() => this.#write(regarding, { ...event, message }, recordedAtMs));
  }

  /** Resolves when everything recorded so far has been written or given up. */
  flush(): Promise<void> {
    return this.#writes;
  }

  #allowed(object: string): boolean {
    const now = this.#options.clock.elapsedMs();
    const { tokens, atMs } = this.#buckets.get(object) ?? { tokens: burst, atMs: now };
    const available = Math.min(burst, tokens + (now - atMs) / refillMs);
    const allowed = available >= 1;
    this.#buckets.set(object, { tokens: allowed ? available - 1 : available, atMs: now });
    return allowed;
  }

  #aggregated(object: string, { type, reason, message }: EventRecord): string {
    const key = [object, type, reason].join("\n");
    const now = this.#options.clock.elapsedMs();
    const known = this.#similar.get(key);
    const similar =
      known !== undefined && now - known.sinceMs < similarWindowMs
        ? known
        : { sinceMs: now, messages: new Set<string>() };
    this.#similar.set(key, similar);
    if (similar.messages.has(message)) return message;
    if (similar.messages.size >= maxSimilar) return `(combined from similar events): ${message}`;
    similar.messages.add(message);
    return message;
  }

  async #write(regarding: KubeObject, event: EventRecord, atMs: number): Promise<void> {
    try {
      const combined = event.message.startsWith("(combined from similar events): ");
      const key = [identityOf(regarding), event.type, event.reason, combined ? "" : event.message].join("\n");
      const written = this.#written.get(key);
      if (written === undefined || !(await this.#repeat(written, event, atMs))) {
        if (event.type === "Warning") this.#warn(regarding, event);
        this.#written.set(key, await this.#create(regarding, event, atMs));
      }
    } catch (error) {
      const level = isNamespaceTerminating(error) ? "debug" : "warn";
      this.#options.log[level](
        { err: error, object: identityOf(regarding), reason: event.reason },
        "event not written",
      );
    } finally {
      this.#pending -= 1;
    }
  }

  #warn(regarding: KubeObject, { reason, message }: EventRecord): void {
    this.#options.log.warn({ object: identityOf(regarding), reason, message }, "in trouble");
  }

  /** False when the event is not there any more: servers forget events after an hour. */
  async #repeat(written: Written, { message }: EventRecord, atMs: number): Promise<boolean> {
    const { client } = this.#options;
    written.count += 1;
    const body = { count: written.count, lastTimestamp: formatTime(atMs), message };
    try {
      const { name, namespace } = written;
      await client.patch({ type: eventType, namespace, name }, { type: "merge", body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #create(regarding: KubeObject, event: EventRecord, atMs: number): Promise<Written> {
    const { client } = this.#options;
    const { component = this.#options.component, ...said } = event;
    this.#sequence += 1;
    // Unique across restarts by the time, within a millisecond by the sequence.
    const suffix = `.${atMs.toString(16)}${(this.#sequence % 0x10000).toString(16).padStart(4, "0")}`;
    const { name = "", namespace = "default" } = regarding.metadata;
    const firstTimestamp = formatTime(atMs);
    const metadata: ObjectMeta = { name: name.slice(0, maxNameLength - suffix.length) + suffix, namespace };
    await client.create(eventType, {
      apiVersion: "v1",
      kind: "Event",
      metadata,
      involvedObject: referenceTo(regarding),
      ...said,
      source: { component },
      reportingComponent: component,
      reportingInstance: "",
      firstTimestamp,
      lastTimestamp: firstTimestamp,
      count: 1,
    });
    return { name: metadata.name ?? "", namespace, count: 1 };
  }
}

const identityOf = ({ kind, metadata }: KubeObject): string =>
  [kind, metadata.namespace ?? "", metadata.name ?? "", metadata.uid ?? ""].join("/");

const referenceTo = ({ apiVersion, kind, metadata }: KubeObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace,
  uid: metadata.uid,
  resourceVersion: metadata.resourceVersion,
});
