/** Express ↔ ApiRequest/ApiResponse: home of express. Express carries HTTP/1.1, and nothing else is asked of it. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import express from "express";
import { anonymous } from "../authentication/user.ts";
import type { ApiHandler, ApiRequest, ApiResponse, ConnectionInfo, ResponseBody } from "../endpoints/api-handler.ts";
import { joinParts } from "../endpoints/compression.ts";
import { parseQuery } from "../endpoints/query.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import type { Logger } from "../observability/log.ts";
import { BodyReader } from "./body-reader.ts";
import { clientCertificatesOf } from "./client-certificates.ts";
import { headerText } from "./header-text.ts";

export type AdapterOptions = {
  readonly handler: ApiHandler;
  readonly log: Logger;
  /** A client that sends nothing of its body for so long is given up, in ms. */
  readonly bodyStallMs?: number;
  /** A client that takes nothing of its answer for so long is disconnected, in ms. */
  readonly writeStallMs?: number;
};

const defaultBodyStallMs = 10_000;
const defaultWriteStallMs = 30_000;
/** The same for streams of a server that stops, in ms: nobody's silence may keep it from ending. */
const stoppingStallMs = 1_000;
/** Bytes per write: large enough that TLS records and system calls cost little, small enough to wait between them. */
const writeBytes = 512 * 1024;

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

export type Adapter = {
  readonly listener: RequestListener;
  /** From now on answers close their connections, and streams end. */
  readonly drain: () => void;
};

export function expressAdapter(options: AdapterOptions): Adapter {
  const exchange = new Exchange(options);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.use((message, response) => exchange.serve(message, response));
  return { listener: (message, response) => app(message, response), drain: () => exchange.drain() };
}

/** What all requests of one server share. */
class Exchange {
  private readonly handler: ApiHandler;
  private readonly log: Logger;
  private readonly bodyStallMs: number;
  private readonly writeStallMs: number;
  private readonly streams = new Set<AbortController>();
  private draining = false;

  constructor({ handler, log, bodyStallMs, writeStallMs }: AdapterOptions) {
    this.handler = handler;
    this.log = log;
    this.bodyStallMs = bodyStallMs ?? defaultBodyStallMs;
    this.writeStallMs = writeStallMs ?? defaultWriteStallMs;
  }

  drain(): void {
    this.draining = true;
    for (const stream of this.streams) stream.abort();
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    const reader = new BodyReader(message, this.bodyStallMs);
    response.once("close", () => {
      if (!response.writableFinished) controller.abort();
    });
    // Of answers that began before the server stopped, the headers promised that the connection stays.
    response.once("finish", () => {
      if (this.draining) message.socket.destroySoon();
    });
    try {
      await turn(message, response);
      const answer = await this.handler(toApiRequest(message, reader, controller.signal));
      if (response.destroyed) {
        await discard(answer);
        return;
      }
      const closes = this.draining || reader.stalled;
      writeHead(response, answer, closes);
      if (answer.body === undefined || message.method === "HEAD") response.end();
      else await this.writeBody(response, answer.body(), controller);
    } catch (err) {
      // The answer has begun, so its end can only be cut off (API E-35).
      this.log.error({ err }, "writing an answer failed");
      response.destroy();
    }
  }

  private async writeBody(response: ServerResponse, body: ResponseBody, controller: AbortController): Promise<void> {
    if (typeof body === "string" || body instanceof Uint8Array) {
      response.end(body);
      return;
    }
    if (!(Symbol.asyncIterator in body)) {
      await this.writeChunks(response, joinParts(body, writeBytes), controller.signal);
      return;
    }
    this.streams.add(controller);
    try {
      if (this.draining) controller.abort();
      response.flushHeaders();
      await this.writeChunks(response, body, controller.signal);
    } finally {
      this.streams.delete(controller);
    }
  }

  /** Takes the next chunk only when the client has taken the last, so that nobody's slowness costs memory. */
  private async writeChunks(
    response: ServerResponse,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const chunk of chunks) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await this.drained(response, signal);
    }
    if (!response.destroyed) response.end();
  }

  private drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const giveUp = (): unknown => response.destroy();
      let timer = setTimeout(giveUp, signal.aborted ? stoppingStallMs : this.writeStallMs);
      const hurry = (): void => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, stoppingStallMs);
      };
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", hurry);
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      signal.addEventListener("abort", hurry);
      response.on("drain", done);
      response.on("close", done);
    });
  }
}

/** The answer a connection is busy with. */
const busy = new WeakMap<object, ServerResponse>();

/** Pipelined requests are served one after the other: each may count on the one before it. */
async function turn({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
  const previous = busy.get(socket);
  busy.set(socket, response);
  if (previous === undefined || previous.writableFinished || previous.destroyed) return;
  await new Promise<void>((resolve) => {
    previous.once("finish", resolve).once("close", resolve);
  });
}

/** Starts and ends a stream nobody will read, so that what it holds is released. */
async function discard({ body }: ApiResponse): Promise<void> {
  const stream = body?.();
  if (typeof stream === "object" && Symbol.asyncIterator in stream) for await (const _ of stream) return;
}

function writeHead(response: ServerResponse, { status, headers, body }: ApiResponse, closes: boolean): void {
  const fields: { [name: string]: string | string[] } = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) fields[name] = typeof value === "string" ? value : [...value];
  }
  if (body === undefined && status !== 304) fields["content-length"] = "0";
  if (closes) fields.connection = "close";
  response.writeHead(status, fields);
}

function toApiRequest(message: IncomingMessage, reader: BodyReader, signal: AbortSignal): ApiRequest {
  const target = originForm(message.url ?? "/");
  const mark = target.indexOf("?");
  const rawQuery = mark < 0 ? "" : target.slice(mark + 1);
  return {
    method: message.method ?? "GET",
    path: mark < 0 ? target : target.slice(0, mark),
    rawQuery,
    query: parseQuery(rawQuery),
    headers: headersOf(message.rawHeaders),
    body: (limit) => reader.read(limit),
    connection: connectionOf(message),
    signal,
    auditId: "",
    info: noInfo,
    user: anonymous,
  };
}

/** `https://host/path` is served like `/path`. */
function originForm(url: string): string {
  if (url.startsWith("/")) return url;
  const scheme = url.indexOf("://");
  if (scheme < 0) return `/${url}`;
  const slash = url.indexOf("/", scheme + 3);
  return slash < 0 ? "/" : url.slice(slash);
}

function headersOf(raw: readonly string[]): Map<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const value = headerText(raw[i + 1] ?? "");
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return headers;
}

/** A connection's certificates are read once: the identity they prove is still judged for every request. */
const connections = new WeakMap<object, ConnectionInfo>();

function connectionOf({ socket }: IncomingMessage): ConnectionInfo {
  const known = connections.get(socket);
  if (known !== undefined) return known;
  const info: ConnectionInfo = {
    remoteAddress: socket.remoteAddress ?? "",
    ...clientCertificatesOf(socket),
  };
  connections.set(socket, info);
  return info;
}
