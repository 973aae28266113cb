/** An HTTPS client for tests: one identity, connections kept alive, answers whole or as a stream of watch events. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { textOf } from "../../../apiserver/machinery/fields.ts";
import { isObject, parseJson } from "../../../apiserver/machinery/json.ts";
import { parseYaml } from "../../../apiserver/machinery/yaml.ts";

export type Identity = {
  /** PEM. */
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
};

export type Send = {
  /** Objects are sent as JSON. */
  readonly body?: string | Uint8Array | JsonObject;
  /** `content-type` defaults to JSON where there is a body. */
  readonly headers?: { readonly [name: string]: string };
};

/** An answer read to its end. */
export class Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Values of all `Warning` headers. */
  readonly warnings: readonly string[];
  readonly bytes: Buffer;

  constructor(message: IncomingMessage, bytes: Buffer) {
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.warnings = message.headersDistinct.warning ?? [];
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** The body as an object. @throws Error with status and text when it is none */
  get body(): JsonObject {
    const value = parseJson(this.text);
    if (!isObject(value)) throw new Error(`no JSON object in the answer ${this.status}: ${this.text}`);
    return value;
  }

  /** Member of the body along a path, e.g. `at("metadata", "resourceVersion")`. */
  at(...path: readonly (string | number)[]): JsonValue | undefined {
    return valueAt(this.body, ...path);
  }
}

/** `undefined` where the path leads nowhere. */
export function valueAt(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((current, step) => {
    if (typeof step === "number") return Array.isArray(current) ? current[step] : undefined;
    return isObject(current) ? current[step] : undefined;
  }, value);
}

export type Event = { readonly type: string; readonly object: JsonObject; readonly line: string };

/** An open watch, read event by event. */
export class Watch implements AsyncDisposable {
  readonly reply: IncomingMessage;
  readonly #lines: AsyncIterator<string>;

  constructor(reply: IncomingMessage) {
    this.reply = reply;
    this.#lines = createInterface({ input: reply })[Symbol.asyncIterator]();
  }

  /** The next event; `undefined` after the last. */
  async next(): Promise<Event | undefined> {
    const { done, value } = await this.#lines.next();
    if (done === true) return undefined;
    const event = parseJson(value);
    if (!isObject(event) || !isObject(event.object)) throw new Error(`no event: ${value}`);
    return { type: textOf(event, "type"), object: event.object, line: value };
  }

  async take(count: number): Promise<readonly Event[]> {
    const events: Event[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === undefined) throw new Error(`the watch ended after ${events.length} of ${count} events`);
      events.push(event);
    }
    return events;
  }

  /** Everything until the server ends the stream. */
  async rest(): Promise<readonly Event[]> {
    const events: Event[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reply.destroy();
    if (!this.reply.closed) await once(this.reply, "close").catch(() => undefined);
  }
}

/** `ADDED a`, `BOOKMARK end`, `ERROR 410`: enough to compare streams by. */
export function brief({ type, object }: Event): string {
  if (type === "ERROR") return `ERROR ${object.code}`;
  if (type !== "BOOKMARK") return `${type} ${valueAt(object, "metadata", "name")}`;
  const end = valueAt(object, "metadata", "annotations", "k8s.io/initial-events-end") === "true";
  return end ? "BOOKMARK end" : "BOOKMARK";
}

export class Client implements Disposable {
  readonly url: URL;
  readonly #agent: Agent;
  readonly #identity: Identity;

  constructor(url: string, identity: Identity, maxSockets = 128) {
    this.url = new URL(url);
    this.#identity = identity;
    this.#agent = new Agent({ keepAlive: true, maxSockets, ...identity });
  }

  async send(method: string, path: string, options: Send = {}): Promise<Reply> {
    const message = await this.open(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    return new Reply(message, Buffer.concat(chunks));
  }

  get(path: string, headers: Send["headers"] = {}): Promise<Reply> {
    return this.send("GET", path, { headers });
  }
  post(path: string, body: Send["body"], headers: Send["headers"] = {}): Promise<Reply> {
    return this.send("POST", path, { ...(body === undefined ? {} : { body }), headers });
  }
  put(path: string, body: JsonObject): Promise<Reply> {
    return this.send("PUT", path, { body });
  }
  patch(path: string, type: "json" | "merge" | "strategic-merge", body: string | JsonValue): Promise<Reply> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.send("PATCH", path, { body: text, headers: { "content-type": `application/${type}-patch+json` } });
  }
  delete(path: string, body?: JsonObject): Promise<Reply> {
    return this.send("DELETE", path, body === undefined ? {} : { body });
  }

  async watch(path: string, headers: Send["headers"] = {}): Promise<Watch> {
    const message = await this.open("GET", path, { headers });
    if (message.statusCode === 200) return new Watch(message);
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    throw new Error(`the watch was refused with ${message.statusCode}: ${Buffer.concat(chunks)}`);
  }

  /** Resolves with the headers; the caller reads the body. */
  open(method: string, path: string, { body, headers = {} }: Send = {}): Promise<IncomingMessage> {
    const bytes = body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: this.url.hostname,
          port: this.url.port,
          agent: this.#agent,
          method,
          path,
          headers: {
            ...(bytes === undefined
              ? {}
              : { "content-type": "application/json", "content-length": String(Buffer.byteLength(bytes)) }),
            ...headers,
          },
        },
        resolve,
      );
      call.on("error", reject);
      call.end(bytes);
    });
  }

  /** A connection of its own with this identity, to write what no client library would. */
  async connect(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({
      host: this.url.hostname,
      port: Number(this.url.port),
      ...this.#identity,
      ...options,
    });
    await once(socket, "secureConnect");
    return socket;
  }

  /** Writes `text` on a connection of its own and reads until the server closes it. */
  async exchange(text: string | Uint8Array): Promise<string> {
    const socket = await this.connect();
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", () => undefined);
    socket.write(text);
    await new Promise((resolve) => socket.once("close", resolve));
    return Buffer.concat(received).toString();
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

const stringify = (body: JsonObject): string => JSON.stringify(body);

/** The client that a kubeconfig of this server is for. */
export async function clientOf(kubeconfig: string): Promise<Client> {
  const { value } = parseYaml(await readFile(kubeconfig, "utf8"));
  const decoded = (...path: readonly (string | number)[]): string =>
    Buffer.from(String(valueAt(value, ...path)), "base64").toString();
  return new Client(String(valueAt(value, "clusters", 0, "cluster", "server")), {
    ca: decoded("clusters", 0, "cluster", "certificate-authority-data"),
    cert: decoded("users", 0, "user", "client-certificate-data"),
    key: decoded("users", 0, "user", "client-key-data"),
  });
}
