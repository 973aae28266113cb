/**
 * Informer: a cache of one type that follows the server for as long as it runs.
 *
 * Invariant: handlers hear of a change after the cache has it, in the order the server made them, each change once.
 * Invariant: no error ends it. What the server refuses or the network breaks is retried with back-off and jitter.
 * Invariant: a stream that ends is resumed at the last resourceVersion seen; only 410, or a position the server
 * has not reached, costs a new list, and then handlers hear of the differences only.
 */
import { initialEventsEndAnnotation, type KubeObject, type WatchEvent } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType, WatchQuery } from "../../apiserver/client/client.ts";
import { isInvalid, StatusError } from "../../apiserver/errors/status-error.ts";
import { type BackOff, backOffMs, type Clock, delay, withJitter } from "../../apiserver/machinery/clock.ts";
import type { HealthObserver } from "./component-health.ts";
import type { IndexFunction, Informer, InformerHandler } from "./interface.ts";
import type { Lister } from "./lister.ts";
import type { Logger } from "./logger.ts";
import { type Change, ObjectStore } from "./object-store.ts";

/** As client-go's reflector bounds it: neither a storm against a server that restarts nor minutes of blindness. */
const retry: BackOff = { baseMs: 200, maxMs: 30_000 };

/** Objects per list request; client-go's own page size. */
const pageSize = 500;

/** A watch is asked to end after 300 to 600 s (client-go's bounds), which spreads reconnects over time. */
const maxWatchSeconds = 600;

/** A stream that outlives its own end by so many ms is taken for a dead connection. */
const watchGraceMs = 30_000;

/** A server that knows streaming lists sends without pause; one silent for so long has ignored the parameter. */
const initialEventsSilenceMs = 30_000;

/** A stream shorter than this that said nothing is a failure, however cleanly it ended. */
const minUsefulStreamMs = 1_000;

export type InformerOptions = {
  readonly client: ResourceClient;
  readonly type: ResourceType;
  readonly namespace?: string;
  /** Only objects with these labels; one that loses them is gone as far as the cache can tell. */
  readonly labelSelector?: string;
  /** Only objects whose fields are these. */
  readonly fieldSelector?: string;
  /** How old the cache may be while nobody notices that the connection is dead, in seconds; 630 unless given. */
  readonly maxStaleSeconds?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health?: HealthObserver;
  /** In [0, 1). */
  readonly random?: () => number;
};

export class ResourceInformer implements Informer {
  readonly type: ResourceType;
  readonly #options: InformerOptions;
  readonly #random: () => number;
  readonly #store = new ObjectStore();
  readonly #handlers = new Set<InformerHandler>();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #resourceVersion: string | undefined;
  #streamingLists = true;

  constructor(options: InformerOptions) {
    this.type = options.type;
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  get #component(): string {
    return `informer ${this.type.resource}`;
  }

  get #selection(): Pick<WatchQuery, "namespace" | "labelSelector" | "fieldSelector"> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  get lister(): Lister {
    return this.#store;
  }

  get position(): string | undefined {
    return this.#resourceVersion;
  }

  get synced(): boolean {
    return this.#hasSynced;
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#hasSynced) return;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  addHandler(handler: InformerHandler): () => void {
    for (const object of this.#store.list()) this.#tell(handler, { type: "added", object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  addIndex(name: string, valuesOf: IndexFunction): void {
    this.#store.addIndex(name, valuesOf);
  }

  /** Follows the server until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, health, log } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const startedAt = clock.elapsedMs();
      const before = this.#resourceVersion;
      let waitMs: number | undefined;
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        waitMs = this.#interpret(error);
        health?.failed(this.#component, error);
        log.warn({ err: error, resource: this.type.resource }, "informer lost its server, trying again");
      }
      if (signal.aborted) return;
      const useful = this.#resourceVersion !== before || clock.elapsedMs() - startedAt >= minUsefulStreamMs;
      failures = (useful ? 0 : failures) + (useful && waitMs === undefined ? 0 : 1);
      if (failures === 0) {
        health?.recovered(this.#component);
        continue;
      }
      await delay(clock, Math.max(waitMs ?? 0, withJitter(backOffMs(retry, failures - 1), this.#random)), signal);
    }
  }

  /** What an error means for the next attempt. Returns the least time to wait, in ms. */
  #interpret(error: unknown): number {
    if (!(error instanceof StatusError)) return 0;
    const { code, details } = error.status;
    const positionIsLost = code === 410 || (code === 504 && this.#resourceVersion !== undefined);
    if (positionIsLost) this.#resourceVersion = undefined;
    else if (this.#resourceVersion === undefined && (isInvalid(error) || code === 400)) this.#streamingLists = false;
    return (details?.retryAfterSeconds ?? 0) * 1000;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion === undefined && this.#streamingLists) return this.#streamList(signal);
    if (this.#resourceVersion === undefined) await this.#list(signal);
    return this.#watch(signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const objects: KubeObject[] = [];
    let resourceVersion = "";
    let position: string | undefined;
    do {
      const page = await client.list(
        this.type,
        {
          limit: pageSize,
          ...this.#selection,
          ...(position === undefined ? {} : { continue: position }),
        },
        signal,
      );
      for (const object of page.items) objects.push(object);
      resourceVersion = page.metadata.resourceVersion ?? resourceVersion;
      position = page.metadata.continue === "" ? undefined : page.metadata.continue;
    } while (position !== undefined);
    this.#replace(objects, resourceVersion);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const position = this.#resourceVersion === undefined ? {} : { resourceVersion: this.#resourceVersion };
    for await (const event of this.#events(position, signal)) this.#apply(event);
  }

  /** Initial events are collected first: until all of them are there, what is missing cannot be told from deleted. */
  async #streamList(signal: AbortSignal): Promise<void> {
    const silence = new AbortController();
    let cancel = () => {};
    const expectMore = () => {
      cancel();
      cancel = this.#options.clock.after(initialEventsSilenceMs, () => {
        this.#streamingLists = false;
        silence.abort(new Error("the server sent no end of the initial events"));
      });
    };
    let initial: Map<string, KubeObject> | undefined = new Map();
    try {
      expectMore();
      const either = AbortSignal.any([signal, silence.signal]);
      for await (const event of this.#events({ sendInitialEvents: true }, either)) {
        if (initial === undefined) {
          this.#apply(event);
        } else if (event.type === "BOOKMARK") {
          if (event.object.metadata.annotations?.[initialEventsEndAnnotation] !== "true") continue;
          cancel();
          this.#replace([...initial.values()], event.object.metadata.resourceVersion);
          initial = undefined;
        } else {
          expectMore();
          collect(initial, event);
        }
      }
      silence.signal.throwIfAborted();
    } finally {
      cancel();
    }
  }

  /** Ends when the server ends it or with the connection's lifetime. */
  async *#events(position: WatchQuery, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const { client, clock, maxStaleSeconds } = this.#options;
    const longest = maxStaleSeconds === undefined ? maxWatchSeconds : maxStaleSeconds - watchGraceMs / 1000;
    const timeoutSeconds = Math.floor((longest / 2) * (1 + this.#random()));
    const stale = new AbortController();
    const cancel = clock.after(timeoutSeconds * 1000 + watchGraceMs, () => stale.abort());
    const query = {
      ...position,
      allowBookmarks: true,
      timeoutSeconds,
      ...this.#selection,
    };
    try {
      yield* client.watch(this.type, query, AbortSignal.any([signal, stale.signal]));
    } catch (error) {
      if (!stale.signal.aborted || signal.aborted) throw error;
    } finally {
      cancel();
    }
  }

  #apply(event: WatchEvent): void {
    if (event.type === "ERROR") throw asError(event);
    if (event.type !== "BOOKMARK") {
      const change = event.type === "DELETED" ? this.#store.remove(event.object) : this.#store.put(event.object);
      if (change !== undefined) this.#publish(change);
    }
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  #replace(objects: readonly KubeObject[], resourceVersion: string | undefined): void {
    for (const change of this.#store.replace(objects)) this.#publish(change);
    this.#resourceVersion = resourceVersion;
    this.#hasSynced = true;
    this.#options.health?.recovered(this.#component);
    this.#synced.resolve();
  }

  #publish(change: Change): void {
    for (const handler of this.#handlers) this.#tell(handler, change);
  }

  #tell(handler: InformerHandler, change: Change): void {
    try {
      notify(handler, change);
    } catch (error) {
      this.#options.health?.faltered(`handler of ${this.#component}`, error);
      this.#options.log.error({ err: error, resource: this.type.resource }, "informer handler failed");
    }
  }
}

function notify(handler: InformerHandler, change: Change): void {
  if (change.type === "added") handler.added?.(change.object);
  else if (change.type === "updated") handler.updated?.(change.object, change.old);
  else if (change.type === "deleted") handler.deleted?.(change.object);
  else {
    handler.deleted?.(change.old);
    handler.added?.(change.object);
  }
}

function collect(objects: Map<string, KubeObject>, event: WatchEvent): void {
  if (event.type === "ERROR") throw asError(event);
  if (event.type === "BOOKMARK") return;
  const { namespace = "", name = "" } = event.object.metadata;
  if (event.type === "DELETED") objects.delete(`${namespace}/${name}`);
  else objects.set(`${namespace}/${name}`, event.object);
}

const asError = ({ object }: Extract<WatchEvent, { type: "ERROR" }>): StatusError =>
  new StatusError({ ...object, code: object.code ?? 500 });
