/**
 * A cluster behind `ResourceClient`: Kubernetes' HTTP API over kept-alive connections. Whom to connect to and with which
 * credentials is client-node's to find out, the connections are undici's.
 *
 * Invariant: numbers in objects are kept as the cluster wrote them.
 */
import type { RequestOptions } from "node:https";
import type { Cluster, KubeConfig } from "@kubernetes/client-node";
import { Agent, type buildConnector, type Dispatcher, errors, ProxyAgent, Socks5ProxyAgent } from "undici";
import type { JsonValue, KubeList, KubeObject, WatchEvent } from "../apis/meta/v1.ts";
import { newInternal, newServiceUnavailable, newTimeout, StatusError } from "../errors/status-error.ts";
import { limits } from "../limits.ts";
import { systemClock } from "../machinery/clock.ts";
import { decodeUtf8 } from "../machinery/json.ts";
import { collectionPath, objectPath } from "../machinery/resource-path.ts";
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
} from "./client.ts";
import {
  eventFrom,
  jsonBody,
  listFrom,
  listParameters,
  objectFrom,
  parameters,
  parse,
  type QueryParameters,
  targetOf,
  watchParameters,
} from "./kube-wire.ts";
import { statusErrorFromAnswer } from "./status-json.ts";

export type Credentials = {
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
};

/** Where requests go, and what proves who we are; asked before every request, so that tokens may rotate. */
export interface KubeEndpoint {
  readonly server: URL;
  credentials(): Promise<Credentials>;
  /** What `credentials` gave was refused: get fresh ones. */
  refused(): void;
}

export type KubeClientOptions = {
  /** Longest time a request may take, and a watch may take to begin, in ms. */
  readonly requestTimeoutMs?: number;
  readonly userAgent?: string;
  /** Told of every request: the code of its answer, or that there was none. */
  readonly onAnswer?: (answer: {
    readonly method: string;
    readonly host: string;
    readonly code: number | "<error>";
  }) => void;
};

/** kube-apiserver ends its own requests after 60 s; this leaves its answer time to arrive. */
const defaultRequestTimeoutMs = 65_000;
/** How much longer than its own `timeoutSeconds` a watch may last, in ms, before its server is taken for dead. */
const watchGraceMs = 30_000;
const maxEventBytes = limits.maxForeignEventBytes.value;

type Send = {
  readonly method: string;
  readonly path: string;
  readonly query?: QueryParameters;
  readonly body?: { readonly type: string; readonly text: string };
  readonly signal: AbortSignal | undefined;
};

export class KubeClient implements ResourceClient {
  readonly #endpoint: KubeEndpoint;
  readonly #requestTimeoutMs: number;
  readonly #userAgent: string;
  readonly #onAnswer: KubeClientOptions["onAnswer"];

  constructor(endpoint: KubeEndpoint, options: KubeClientOptions = {}) {
    this.#endpoint = endpoint;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
    this.#userAgent = options.userAgent ?? "functionmesh";
    this.#onAnswer = options.onAnswer;
  }

  async get(ref: ObjectRef, options: { subresource?: string; signal?: AbortSignal } = {}): Promise<KubeObject> {
    const path = objectPath(ref.type, ref.namespace, ref.name, options.subresource);
    return objectFrom(await this.#exchange({ method: "GET", path, signal: options.signal }));
  }

  async list(type: ResourceType, query: ListQuery = {}, signal?: AbortSignal): Promise<KubeList> {
    const path = collectionPath(type, query.namespace);
    return listFrom(await this.#exchange({ method: "GET", path, query: listParameters(query), signal }), type);
  }

  async *watch(type: ResourceType, query: WatchQuery, signal?: AbortSignal): AsyncIterable<WatchEvent> {
    const ended = new AbortController();
    const send: Send = {
      method: "GET",
      path: collectionPath(type, query.namespace),
      query: watchParameters(query),
      signal: AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]),
    };
    const lastMs = query.timeoutSeconds === undefined ? undefined : query.timeoutSeconds * 1000 + watchGraceMs;
    const deadline = lastMs === undefined ? undefined : AbortSignal.timeout(lastMs);
    try {
      const response = await this.#open(send, deadline);
      for await (const line of linesOf(response.body)) yield eventFrom(parse(line), type);
    } catch (error) {
      throw failureOf(error, signal, deadline);
    } finally {
      ended.abort();
    }
  }

  async create(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { namespace, name } = object.metadata;
    const path =
      options.subresource === undefined
        ? collectionPath(type, namespace)
        : objectPath(type, namespace, name ?? "", options.subresource);
    return this.#write("POST", path, jsonBody("application/json", object), options);
  }

  async update(type: ResourceType, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { namespace, name = "" } = object.metadata;
    const path = objectPath(type, namespace, name, options.subresource);
    return this.#write("PUT", path, jsonBody("application/json", object), options);
  }

  async patch(ref: ObjectRef, patch: Patch, options: WriteOptions = {}): Promise<KubeObject> {
    const path = objectPath(ref.type, ref.namespace, ref.name, options.subresource);
    return this.#write("PATCH", path, jsonBody(`application/${patch.type}-patch+json`, patch.body), options);
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const { namespace, name = "" } = object.metadata;
    const path = objectPath(type, namespace, name, options.subresource);
    const force = String(options.force ?? true);
    // JSON is YAML.
    return this.#write("PATCH", path, jsonBody("application/apply-patch+yaml", object), options, [["force", force]]);
  }

  async delete(ref: ObjectRef, options: DeleteCall = {}): Promise<void> {
    const { signal, ...given } = options;
    const body = jsonBody("application/json", { apiVersion: "v1", kind: "DeleteOptions", ...given });
    await this.#exchange({ method: "DELETE", path: objectPath(ref.type, ref.namespace, ref.name), body, signal });
  }

  async #write(
    method: string,
    path: string,
    body: NonNullable<Send["body"]>,
    { fieldManager, dryRun, signal }: WriteOptions,
    more: QueryParameters = [],
  ): Promise<KubeObject> {
    const query = [...parameters({ fieldManager, dryRun: dryRun === true ? "All" : undefined }), ...more];
    return objectFrom(await this.#exchange({ method, path, query, body, signal }));
  }

  /** One request with its whole answer, parsed. */
  async #exchange(send: Send): Promise<JsonValue> {
    const deadline = AbortSignal.timeout(this.#requestTimeoutMs);
    try {
      const response = await this.#open(send, deadline);
      return parse(await bodyOf(response));
    } catch (error) {
      throw failureOf(error, send.signal, deadline);
    }
  }

  async #send(send: Send, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const asked = { method: send.method, host: this.#endpoint.server.host };
    try {
      const response = await this.#request(send, signal);
      this.#onAnswer?.({ ...asked, code: response.statusCode });
      return response;
    } catch (error) {
      this.#onAnswer?.({ ...asked, code: "<error>" });
      throw error;
    }
  }

  async #request(send: Send, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await this.#endpoint.credentials();
    const { server } = this.#endpoint;
    return dispatcher.request({
      origin: server.origin,
      path: targetOf(server, send),
      method: send.method,
      signal,
      body: send.body?.text ?? null,
      headers: {
        accept: "application/json",
        "user-agent": this.#userAgent,
        ...(send.body === undefined ? {} : { "content-type": send.body.type }),
        ...headers,
      },
      headersTimeout: this.#requestTimeoutMs,
      // A watch may be silent for long; how long an answer may take altogether is its signal's to say.
      bodyTimeout: 0,
    });
  }

  /** Sends; resolves with a successful answer whose body is still to be read. `deadline` bounds that reading too. */
  async #open(send: Send, deadline: AbortSignal | undefined): Promise<Dispatcher.ResponseData> {
    send.signal?.throwIfAborted();
    const signals = [send.signal, deadline].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(signals);
    const response = await this.#send(send, signal).catch((error: unknown) => {
      // The server closed a kept connection while the request was on its way; only reading may be repeated blindly.
      if (send.method === "GET" && isClosedConnection(error)) return this.#send(send, signal);
      throw error;
    });
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    if (statusCode === 401) this.#endpoint.refused();
    throw statusErrorFromAnswer(statusCode, await bodyOf(response), retryAfterOf(response));
  }
}

const closedCodes: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);
const isClosedConnection = (error: unknown): boolean =>
  error instanceof Error && "code" in error && closedCodes.has(error.code);

function retryAfterOf({ headers }: Dispatcher.ResponseData): number | undefined {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  return Number.isInteger(seconds) && seconds >= 0 ? seconds : undefined;
}

/** Whoever aborted hears their own reason; what the network did becomes a 503 that says so. */
function failureOf(error: unknown, signal: AbortSignal | undefined, deadline: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof StatusError) return error;
  if (deadline?.aborted === true || error instanceof errors.HeadersTimeoutError)
    return newTimeout("the server did not answer in time");
  const why = error instanceof Error ? error.message : String(error);
  return newServiceUnavailable(`the server cannot be reached: ${why}`, { cause: error });
}

const bodyOf = async ({ body }: Dispatcher.ResponseData): Promise<string> => decodeUtf8(await body.bytes());

/** Lines of a stream without their ends; the next one is read when the last was taken. */
async function* linesOf(response: AsyncIterable<Buffer>): AsyncIterable<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      const line = decodeUtf8(Buffer.concat(parts));
      [parts, size] = [[], 0];
      if (line.trim() !== "") yield line;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > maxEventBytes) throw newInternal(`a watch event has more than ${maxEventBytes} bytes`);
  }
}

/** How long credentials are used before client-node is asked again, in ms: it reads files and may run a program. */
const credentialsTtlMs = 10_000;
/** How long an unused connection is kept, in ms: kube-apiserver closes its own after 90 s. */
const idleTimeoutMs = 60_000;
/** Parallel connections to the cluster; more requests wait. */
const maxConnections = 64;

/**
 * A client for the cluster that a kubeconfig's current context names; without a file, the one kubectl would use, or the
 * one this process runs in.
 *
 * @throws Error when no usable configuration is found
 */
export async function loadKubeClient(
  options: KubeClientOptions & { kubeconfig?: string; now?: () => number } = {},
): Promise<KubeClient> {
  // A second of start-up that only those pay who have a host cluster.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  return new KubeClient(newEndpoint(config, options.now ?? systemClock.elapsedMs), options);
}

function newEndpoint(config: KubeConfig, now: () => number): KubeEndpoint {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig's current context names no cluster");
  const dispatchers = newDispatchers(cluster);
  let current: { readonly credentials: Promise<Credentials>; readonly endMs: number } | undefined;
  const load = async (): Promise<Credentials> => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { auth, headers } = options;
    return {
      dispatcher: dispatchers(options),
      headers: {
        ...(typeof auth === "string" ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {}),
        ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])),
      },
    };
  };
  return {
    server: new URL(cluster.server),
    credentials: () => {
      if (current === undefined || current.endMs <= now()) {
        const credentials = load();
        current = { credentials, endMs: now() + credentialsTtlMs };
        credentials.catch(() => {
          current = undefined;
        });
      }
      return current.credentials;
    },
    refused: () => {
      current = undefined;
    },
  };
}

/** One dispatcher as long as the TLS identity stays the same; a renewed certificate needs new connections. */
function newDispatchers({ proxyUrl }: Cluster): (options: RequestOptions) => Dispatcher {
  let last: { readonly identity: string; readonly dispatcher: Dispatcher } | undefined;
  return ({ ca, cert, key, servername, rejectUnauthorized }) => {
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
    const identity = JSON.stringify(tls);
    if (last?.identity === identity) return last.dispatcher;
    // Requests that are under way end on the connections they began on.
    last?.dispatcher.close();
    const dispatcher = newDispatcher(tls, proxyUrl);
    last = { identity, dispatcher };
    return dispatcher;
  };
}

/**
 * HTTP/1.1: over HTTP/2 undici destroys a socket that the server has ended with an error nobody listens for any more, and
 * that would end this process whenever a kube-apiserver restarts.
 */
const pool = { connections: maxConnections, pipelining: 1, keepAliveTimeout: idleTimeoutMs, allowH2: false };

function newDispatcher(tls: buildConnector.BuildOptions, proxyUrl: string | undefined): Dispatcher {
  if (proxyUrl === undefined) return new Agent({ ...pool, connect: tls });
  if (proxyUrl.startsWith("socks")) return new Socks5ProxyAgent(proxyUrl, { ...pool, requestTls: tls });
  return new ProxyAgent({ ...pool, uri: proxyUrl, requestTls: tls });
}
