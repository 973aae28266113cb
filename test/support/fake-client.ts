/**
 * A Kubernetes API in memory, as far as controllers can tell: revisions, conflicts, watches with history, finalizers,
 * propagation policies, graceful pods, terminating namespaces, generated names, `status` and `finalize`.
 */
import {
  type DeletionPropagation,
  foregroundFinalizer,
  initialEventsEndAnnotation,
  type JsonValue,
  type KubeList,
  type KubeObject,
  orphanFinalizer,
  type Preconditions,
  type WatchEvent,
} from "../../apiserver/apis/meta/v1.ts";
import type {
  ApplyOptions,
  DeleteCall,
  ListQuery,
  ObjectRef,
  Patch,
  ResourceClient,
  ResourceType,
  WatchQuery,
  WriteOptions,
} from "../../apiserver/client/client.ts";
import {
  newAlreadyExists,
  newConflict,
  newExpired,
  newForbidden,
  newNotFound,
  objectModified,
  statusError,
} from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { clone, deepEqual, isObject } from "../../apiserver/machinery/json.ts";
import { applyJsonPatch } from "../../apiserver/machinery/json-patch.ts";
import { applyMergePatch } from "../../apiserver/machinery/merge-patch.ts";
import { parseFieldSelector, parseLabelSelector } from "../../apiserver/machinery/selectors.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { FakeManagers } from "./fake-managers.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
export type Request = {
  readonly verb: Verb;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
};

const writeVerbs: ReadonlySet<Verb> = new Set(["create", "update", "patch", "delete"]);

type Committed = {
  readonly revision: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
};
type Table = {
  readonly type: ResourceType;
  readonly objects: Map<string, KubeObject>;
  readonly history: Committed[];
};
type Stream = {
  readonly push: (event: WatchEvent) => void;
  readonly end: () => void;
};
type Failure = {
  readonly matches: (request: Request) => boolean;
  readonly error: Error;
  times: number;
};

export class FakeClient implements ResourceClient {
  /** Everything asked so far; tests cut it to look at what follows. */
  readonly requests: Request[] = [];
  /** As a server without streaming lists answers them. */
  refuseStreamingLists = false;
  readonly #clock: Clock;
  readonly #tables = new Map<string, Table>();
  readonly #streams = new Map<string, Set<Stream>>();
  readonly #failures: Failure[] = [];
  readonly #managers = new FakeManagers();
  #revision = 100;
  #oldestRevision = 0;
  #uids = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get writes(): readonly Request[] {
    return this.requests.filter(({ verb }) => writeVerbs.has(verb));
  }

  /** The next `times` requests that match fail. */
  fail(matches: (request: Request) => boolean, error: Error, times = 1): void {
    this.#failures.push({ matches, error, times });
  }

  /** Ends every watch, cleanly. */
  closeWatches(): void {
    for (const streams of this.#streams.values()) for (const stream of [...streams]) stream.end();
  }

  /** Forgets history: positions before now are too old. */
  compact(): void {
    this.#revision += 1;
    this.#oldestRevision = this.#revision;
  }

  async get(ref: ObjectRef): Promise<KubeObject> {
    this.#enter("get", ref.type, ref.name);
    return this.#stored(ref);
  }

  async list(type: ResourceType, query: ListQuery = {}): Promise<KubeList> {
    this.#enter("list", type, "");
    const all = [...this.#table(type).objects.values()].filter(selects(query));
    const start = Number(query.continue ?? 0);
    const end = query.limit === undefined ? all.length : start + query.limit;
    return {
      apiVersion: "v1",
      kind: `${type.kind}List`,
      metadata: {
        resourceVersion: String(this.#revision),
        ...(end < all.length ? { continue: String(end) } : {}),
      },
      items: all.slice(start, end),
    };
  }

  async *watch(type: ResourceType, query: WatchQuery, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    this.#enter("watch", type, "");
    signal?.throwIfAborted();
    if (query.sendInitialEvents === true && this.refuseStreamingLists) {
      throw statusError(422, "Invalid", "sendInitialEvents is forbidden for watch");
    }
    const from = Number(query.resourceVersion ?? 0);
    if (from > 0 && from < this.#oldestRevision) {
      yield {
        type: "ERROR",
        object: newExpired("too old resource version").status,
      };
      return;
    }
    const { events, stream } = newStream(signal);
    for (const event of this.#initialEvents(type, query, from)) stream.push(event);
    const streams = this.#streamsOf(type);
    const filtered: Stream = {
      push: (event) => selected(query, event) && stream.push(event),
      end: stream.end,
    };
    streams.add(filtered);
    try {
      yield* events;
    } finally {
      streams.delete(filtered);
    }
  }

  async create(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { name, generateName = "" } = object.metadata;
    this.#enter("create", type, name ?? generateName, options);
    const namespace = object.metadata.namespace ?? "";
    this.#uids += 1;
    const finalName = name ?? `${generateName}${this.#uids.toString(36).padStart(5, "x")}`;
    if (this.#terminating(namespace)) {
      const cause = {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
      };
      throw newForbidden(type, finalName, "the namespace is being terminated", [cause]);
    }
    const { objects } = this.#table(type);
    if (objects.has(keyText(namespace, finalName))) throw newAlreadyExists(type, finalName);
    const created: KubeObject = {
      ...clone(object),
      metadata: {
        ...object.metadata,
        name: finalName,
        uid: `uid-${this.#uids}`,
        generation: 1,
        creationTimestamp: formatTime(this.#clock.now()),
      },
      ...(type.resource === "namespaces" ? { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } } : {}),
    };
    this.#managers.noteUpdate(type, undefined, created, options.fieldManager ?? "");
    return this.#commit(type, "ADDED", created);
  }

  async update(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { name = "", namespace = "" } = object.metadata;
    this.#enter("update", type, name, options);
    return this.#noted(this.#stored({ type, name, namespace }), object, type, options);
  }

  async patch(ref: ObjectRef, patch: Patch, options: WriteOptions = {}): Promise<KubeObject> {
    this.#enter("patch", ref.type, ref.name, options);
    const old = this.#stored(ref);
    const changed = patch.type === "merge" ? applyMergePatch(old, patch.body) : applyJsonPatch(old, patch.body);
    return this.#noted(old, asKubeObject(changed), ref.type, options);
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const { fieldManager, force = true } = options;
    const { name = "", namespace = "" } = object.metadata;
    const live = this.#table(type).objects.get(keyText(namespace, name));
    const applied = this.#managers.apply(type, live, clone(object), fieldManager, force);
    let written: KubeObject;
    if (live === undefined) written = await this.create(type, object, options);
    else {
      this.#enter("patch", type, name, options);
      written = this.#replace(live, asKubeObject(applied.object), type, options.subresource);
    }
    this.#managers.noteApply(written, applied.managedFields);
    return written;
  }

  #noted(old: KubeObject, object: KubeObject, type: ResourceType, options: WriteOptions): KubeObject {
    const written = this.#replace(old, object, type, options.subresource);
    this.#managers.noteUpdate(type, old, written, options.fieldManager ?? "");
    return written;
  }

  async delete(ref: ObjectRef, options: DeleteCall = {}): Promise<void> {
    this.#enter("delete", ref.type, ref.name);
    const old = this.#stored(ref);
    check(ref.type, old, options.preconditions ?? {});
    const finalizers = finalizersAfter(old.metadata.finalizers ?? [], options.propagationPolicy);
    const graceSeconds = gracePeriod(ref.type, old, options.gracePeriodSeconds);
    const object: KubeObject = {
      ...old,
      metadata: { ...old.metadata, finalizers },
    };
    if (finalizers.length === 0 && graceSeconds === 0 && !holdsNamespace(ref.type, object)) {
      this.#commit(ref.type, "DELETED", old);
      return;
    }
    const { deletionTimestamp, generation = 0 } = old.metadata;
    object.metadata.deletionTimestamp = deletionTimestamp ?? formatTime(this.#clock.now());
    object.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (deletionTimestamp === undefined) object.metadata.generation = generation + 1;
    if (ref.type.resource === "namespaces") object.status = { ...objectOf(old, "status"), phase: "Terminating" };
    if (!deepEqual(object, old)) this.#commit(ref.type, "MODIFIED", object);
  }

  #replace(old: KubeObject, object: KubeObject, type: ResourceType, subresource = ""): KubeObject {
    const { uid, resourceVersion } = object.metadata;
    check(type, old, {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    });
    const next = merged(old, object, subresource);
    if (deepEqual(next, old)) return old;
    if (!deepEqual(next.spec, old.spec)) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds = 0 } = next.metadata;
    const held = finalizers.length > 0 || deletionGracePeriodSeconds > 0 || holdsNamespace(type, next);
    return this.#commit(type, deletionTimestamp !== undefined && !held ? "DELETED" : "MODIFIED", next);
  }

  #commit(type: ResourceType, event: Committed["type"], object: KubeObject): KubeObject {
    this.#revision += 1;
    const committed: KubeObject = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#revision) },
    };
    const { name = "", namespace = "" } = committed.metadata;
    const { objects, history } = this.#table(type);
    if (event === "DELETED") objects.delete(keyText(namespace, name));
    else objects.set(keyText(namespace, name), committed);
    history.push({ revision: this.#revision, type: event, object: committed });
    for (const stream of this.#streamsOf(type)) stream.push({ type: event, object: committed });
    return committed;
  }

  *#initialEvents(type: ResourceType, query: WatchQuery, from: number): Generator<WatchEvent> {
    const { objects, history } = this.#table(type);
    if (from > 0) {
      for (const { revision, ...event } of history) if (revision > from && selected(query, event)) yield event;
      return;
    }
    for (const object of objects.values()) if (selects(query)(object)) yield { type: "ADDED", object };
    if (query.sendInitialEvents !== true) return;
    const metadata = {
      resourceVersion: String(this.#revision),
      annotations: { [initialEventsEndAnnotation]: "true" },
    };
    yield {
      type: "BOOKMARK",
      object: { apiVersion: "v1", kind: type.kind, metadata },
    };
  }

  #enter(verb: Verb, type: ResourceType, name: string, { subresource = "" }: WriteOptions = {}): void {
    const request: Request = {
      verb,
      resource: type.resource,
      name,
      subresource,
    };
    this.requests.push(request);
    const failure = this.#failures.find(({ matches, times }) => times > 0 && matches(request));
    if (failure === undefined) return;
    failure.times -= 1;
    throw failure.error;
  }

  #stored({ type, name, namespace = "" }: ObjectRef): KubeObject {
    const object = this.#table(type).objects.get(keyText(namespace, name));
    if (object === undefined) throw newNotFound(type, name);
    return object;
  }

  #terminating(namespace: string): boolean {
    const found = this.#tables.get("/namespaces")?.objects.get(keyText("", namespace));
    return found?.metadata.deletionTimestamp !== undefined;
  }

  #table(type: ResourceType): Table {
    const id = `${type.group}/${type.resource}`;
    const table = this.#tables.get(id) ?? {
      type,
      objects: new Map(),
      history: [],
    };
    this.#tables.set(id, table);
    return table;
  }

  #streamsOf(type: ResourceType): Set<Stream> {
    const id = `${type.group}/${type.resource}`;
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams);
    return streams;
  }
}

const keyText = (namespace: string, name: string): string => `${namespace}/${name}`;

function asKubeObject(value: JsonValue): KubeObject {
  if (!isObject(value) || !isObject(value.metadata)) throw new TypeError("not an object");
  return {
    ...value,
    apiVersion: textOf(value, "apiVersion"),
    kind: textOf(value, "kind"),
    metadata: value.metadata,
  };
}

function check(type: ResourceType, { metadata }: KubeObject, { uid, resourceVersion }: Preconditions): void {
  const stale =
    (uid !== undefined && uid !== metadata.uid) ||
    (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion);
  if (stale) throw newConflict(type, metadata.name ?? "", objectModified);
}

/** What each endpoint lets through of an update. */
function merged(old: KubeObject, object: KubeObject, subresource: string): KubeObject {
  if (subresource === "status") return { ...old, metadata: { ...old.metadata }, status: object.status };
  if (subresource === "finalize") return { ...old, metadata: { ...old.metadata }, spec: object.spec };
  const { uid, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, resourceVersion } =
    old.metadata;
  const system = {
    uid,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    resourceVersion,
  };
  const given = Object.fromEntries(Object.entries(system).filter(([, value]) => value !== undefined));
  const next: KubeObject = {
    ...object,
    metadata: { ...object.metadata, ...given },
  };
  if (old.status !== undefined) next.status = old.status;
  return next;
}

function finalizersAfter(finalizers: readonly string[], policy: DeletionPropagation | undefined): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  if (policy === "Orphan") return [...others, orphanFinalizer];
  return policy === "Foreground" ? [...others, foregroundFinalizer] : others;
}

function gracePeriod(type: ResourceType, object: KubeObject, requested: number | undefined): number {
  if (type.resource !== "pods" || textOf(objectOf(object, "spec"), "nodeName") === "") return 0;
  return ["Succeeded", "Failed"].includes(textOf(objectOf(object, "status"), "phase")) ? 0 : (requested ?? 30);
}

const holdsNamespace = (type: ResourceType, object: KubeObject): boolean =>
  type.resource === "namespaces" && listOf(objectOf(object, "spec"), "finalizers").length > 0;

function selects({ namespace, labelSelector, fieldSelector }: ListQuery): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(labelSelector ?? "");
  const fields = parseFieldSelector(fieldSelector ?? "");
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    labels.matches(metadata.labels) &&
    fields.matches((field) => (field === "metadata.name" ? (metadata.name ?? "") : (metadata.namespace ?? "")));
}

const selected = (query: WatchQuery, event: WatchEvent): boolean =>
  event.type === "ERROR" || event.type === "BOOKMARK" || selects(query)(event.object);

function newStream(signal: AbortSignal | undefined): {
  events: AsyncIterable<WatchEvent>;
  stream: Stream;
} {
  const pending: (WatchEvent | undefined)[] = [];
  let wake = () => {};
  const push = (event: WatchEvent | undefined) => {
    pending.push(event);
    wake();
  };
  signal?.addEventListener("abort", () => wake(), { once: true });
  async function* events(): AsyncGenerator<WatchEvent> {
    for (;;) {
      signal?.throwIfAborted();
      const next = pending.length === 0 ? "wait" : pending.shift();
      if (next === undefined) return;
      if (next !== "wait") yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return { events: events(), stream: { push, end: () => push(undefined) } };
}
