/**
 * Our own API as a `ResourceClient`: the same filters and handlers as over HTTP, without a socket.
 *
 * Objects come back as the registry made them, shared and undecoded; only bodies of writes are encoded, because the
 * handlers read bodies.
 */
import { apiVersionOf, type JsonValue, type KubeList, type KubeObject, type WatchEvent } from "../apis/meta/v1.ts";
import type { ConnectionInfo } from "../authentication/authenticator.ts";
import type { UserInfo } from "../authentication/user.ts";
import type {
  ApplyOptions,
  ListQuery,
  ObjectRef,
  Patch,
  ResourceClient,
  ResourceType,
  WatchQuery,
  WriteOptions,
} from "../client/client.ts";
import { StatusError } from "../errors/status-error.ts";
import { stringifyJson } from "../machinery/json.ts";
import { collectionPath, objectPath } from "../machinery/resource-path.ts";
import { giveWay } from "../machinery/turns.ts";
import type { RestWatchEvent } from "../registry/rest/interface.ts";
import type { ApiHandler, ApiRequest, ApiResult } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import type { RequestInfo } from "./request-info.ts";
import { bookmarkMetadata } from "./watch-stream.ts";

type Call = {
  readonly method: string;
  readonly path: string;
  readonly query?: readonly (readonly [name: string, value: string | number | boolean | undefined])[];
  readonly body?: JsonValue;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
};

const noBody = new Uint8Array(0);
const loopbackConnection: ConnectionInfo = {
  remoteAddress: "loopback",
  isInProcess: true,
  clientCertificates: [],
  certificateError: undefined,
};
const neverAborted = new AbortController().signal;
/** Replaced by the request-info filter, as for requests from a socket. */
const noInfo: RequestInfo = {
  isResourceRequest: false,
  verb: "",
  path: "",
  group: "",
  version: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
  parts: [],
};

export class LoopbackClient implements ResourceClient {
  private readonly handler: ApiHandler;
  private readonly user: UserInfo;

  /** @param handler  filters and handlers that take `request.user` as it is: `Chain.loopback` */
  constructor(handler: ApiHandler, user: UserInfo) {
    this.handler = handler;
    this.user = user;
  }

  async get(ref: ObjectRef, options: { subresource?: string; signal?: AbortSignal } = {}): Promise<KubeObject> {
    return this.object({ method: "GET", path: itemPath(ref, options.subresource), signal: options.signal });
  }

  async list(type: ResourceType, query: ListQuery = {}, signal?: AbortSignal): Promise<KubeList> {
    const result = await this.call({
      method: "GET",
      path: collectionPath(type, query.namespace),
      query: [...selection(query), ["limit", query.limit], ["continue", query.continue]],
      signal,
    });
    if (result.kind !== "list") throw unexpectedResult("list", result);
    return {
      apiVersion: apiVersionOf(type),
      kind: `${type.kind}List`,
      metadata: result.list.metadata,
      items: result.list.items.map(({ object }) => object),
    };
  }

  async *watch(type: ResourceType, query: WatchQuery, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    const result = await this.call({
      method: "GET",
      path: collectionPath(type, query.namespace),
      query: [
        ["watch", true],
        ...selection(query),
        ["allowWatchBookmarks", query.allowBookmarks],
        ["sendInitialEvents", query.sendInitialEvents],
        ["resourceVersionMatch", query.sendInitialEvents === undefined ? undefined : "NotOlderThan"],
        ["timeoutSeconds", query.timeoutSeconds],
      ],
      signal,
    });
    if (result.kind !== "watch") throw unexpectedResult("watch", result);
    for await (const batch of result.events) for (const event of batch) yield watchEvent(type, event);
  }

  async create(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { subresource, signal } = options;
    const { name, namespace } = object.metadata;
    const path =
      subresource === undefined ? collectionPath(type, namespace) : itemPath(refOf(type, name, namespace), subresource);
    return this.object({ method: "POST", path, query: writeQuery(options), body: object, signal });
  }

  async update(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { name, namespace } = object.metadata;
    return this.object({
      method: "PUT",
      path: itemPath(refOf(type, name, namespace), options.subresource),
      query: writeQuery(options),
      body: object,
      signal: options.signal,
    });
  }

  async patch(ref: ObjectRef, patch: Patch, options: WriteOptions = {}): Promise<KubeObject> {
    return this.object({
      method: "PATCH",
      path: itemPath(ref, options.subresource),
      query: writeQuery(options),
      body: patch.body,
      contentType: patch.type === "merge" ? "application/merge-patch+json" : "application/json-patch+json",
      signal: options.signal,
    });
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    return this.object({
      method: "PATCH",
      path: itemPath(refOf(type, object.metadata.name, object.metadata.namespace), options.subresource),
      query: [...writeQuery(options), ["force", options.force ?? true]],
      body: object,
      contentType: "application/apply-patch+yaml",
      signal: options.signal,
    });
  }

  async delete(ref: ObjectRef, options: Parameters<ResourceClient["delete"]>[1] = {}): Promise<void> {
    const { signal, ...body } = options;
    await this.call({ method: "DELETE", path: itemPath(ref), body, signal });
  }

  private async object(call: Call): Promise<KubeObject> {
    const result = await this.call(call);
    if (result.kind !== "object") throw unexpectedResult("object", result);
    return result.item.object;
  }

  /** @throws StatusError for a failure; the signal's reason when it is aborted */
  private async call(call: Call): Promise<ApiResult> {
    call.signal?.throwIfAborted();
    await giveWay(this.user.name);
    const response = await this.handler(this.request(call));
    call.signal?.throwIfAborted();
    const { result } = response;
    if (result === undefined)
      throw new Error(`${call.method} ${call.path} answered ${response.status} without a result`);
    if (result.kind === "status" && result.status.status === "Failure") {
      throw new StatusError({ ...result.status, code: result.status.code ?? response.status });
    }
    return result;
  }

  private request({ method, path, query = [], body, contentType = "application/json", signal }: Call): ApiRequest {
    const parameters = new URLSearchParams();
    for (const [name, value] of query) if (value !== undefined) parameters.set(name, String(value));
    const bytes = body === undefined ? noBody : utf8(stringifyJson(body));
    return {
      method,
      path,
      rawQuery: parameters.toString(),
      query: parameters,
      headers: new Map([["content-type", [contentType]]]),
      body: async () => bytes,
      connection: loopbackConnection,
      signal: signal ?? neverAborted,
      auditId: "",
      info: noInfo,
      user: this.user,
      requireVerb: async () => {},
    };
  }
}

function refOf(type: ResourceType, name: string | undefined, namespace: string | undefined): ObjectRef {
  return { type, name: name ?? "", ...(namespace === undefined ? {} : { namespace }) };
}

function itemPath({ type, name, namespace }: ObjectRef, subresource?: string): string {
  return objectPath(type, namespace, name, subresource);
}

function selection(query: ListQuery): NonNullable<Call["query"]> {
  return [
    ["labelSelector", query.labelSelector],
    ["fieldSelector", query.fieldSelector],
    ["resourceVersion", query.resourceVersion],
  ];
}

function writeQuery({ fieldManager, dryRun }: WriteOptions): NonNullable<Call["query"]> {
  return [
    ["fieldManager", fieldManager],
    ["dryRun", dryRun === true ? "All" : undefined],
  ];
}

function watchEvent(type: ResourceType, event: RestWatchEvent): WatchEvent {
  if (event.type === "ERROR") return { type: "ERROR", object: event.status };
  if (event.type !== "BOOKMARK") return { type: event.type, object: event.item.object };
  const metadata = bookmarkMetadata(event);
  return { type: "BOOKMARK", object: { apiVersion: apiVersionOf(type), kind: type.kind, metadata } };
}

const unexpectedResult = (wanted: string, { kind }: ApiResult): Error =>
  new Error(`the server answered with a ${kind} where a ${wanted} was expected`);
