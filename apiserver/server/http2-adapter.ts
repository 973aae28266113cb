/**
 * The rules of an HTTP/2 connection (design D2): many requests at once on one of them, of many users (API K-16).
 *
 * Invariant: who asks is found out per request. A connection on which nobody has said who they are is closed after its
 * first answer (API A-16).
 */
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ApiResponse } from "../endpoints/api-handler.ts";
import { limits } from "../limits.ts";
import { headersOf, newApiRequest } from "./api-request.ts";
import { BodyReader } from "./body-reader.ts";
import { afterReading, type Connection } from "./connections.ts";
import type { Exchange } from "./exchange.ts";
import { LongHeaderSocket, LongHeaders, type LongValues } from "./long-headers.ts";

export type Http2Options = {
  readonly exchange: Exchange;
  /** API K-16. */
  readonly maxStreams?: number | undefined;
};

/** Speaks HTTP/2 on a socket whose handshake agreed on it. */
export function http2Adapter({
  exchange,
  maxStreams,
}: Http2Options): (socket: TLSSocket, connection: Connection) => void {
  const options = {
    maxHeaderListPairs: limits.maxHeaders.value,
    maxSessionMemory: limits.maxHttp2SessionBytes.value / 1e6,
    maxOutstandingPings: 10,
    maxOutstandingSettings: 10,
    settings: {
      enablePush: false,
      maxConcurrentStreams: maxStreams ?? limits.maxHttp2Streams.value,
      maxHeaderListSize: limits.maxHeaderBytes.value,
      // One frame must hold the longest headers.
      maxFrameSize: limits.maxHeaderBytes.value,
    },
  };
  return (socket, connection) => {
    const resets = connection.hasProvenKey ? anyNumber : limits.maxHttp2Resets.value;
    const longHeaders = new LongHeaders();
    const framed = new LongHeaderSocket(socket, longHeaders);
    const session = performServerHandshake(framed, {
      ...options,
      streamResetBurst: resets,
      streamResetRate: Math.ceil(resets / 10),
    });
    connection.closeGracefully = () => afterReading(() => session.close());
    let announced = false;
    connection.announceEnd = () => {
      if (!announced) announceEnd(session, framed);
      announced = true;
    };
    session.on("error", () => undefined);
    session.on("stream", (stream, _headers, _flags, rawHeaders) => {
      const values = longHeaders.take(stream.id ?? 0);
      serve(stream, restored(rawHeaders, values), { session, exchange, connection });
    });
  };
}

/** No more requests, please; those on their way are served: a GOAWAY of the last stream that there can be, without an error. */
const notice = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** Time for a client to say that it has read the notice, in ms. */
const heardMs = 1_000;

/**
 * As RFC 9113 section 6.8 has it: the notice, and once the client has read it no more requests. Node doesn't know of the notice:
 * behind a GOAWAY of its own it drops what is on its way.
 */
function announceEnd(session: ServerHttp2Session, framed: LongHeaderSocket): void {
  if (session.destroyed) return;
  framed.writeFrame(notice);
  const timer = setTimeout(() => session.close(), heardMs).unref();
  session.ping(() => {
    clearTimeout(timer);
    session.close();
  });
}

/** A front proxy withdraws what its users leave, and each of them has bounds; who comes with a certificate is no stranger. */
const anyNumber = 1e9;

/** The parser of HTTP/1.1 knows its methods by name; here anything may come. */
const methodName = /^[A-Z]{1,20}$/;
/** Time for a client to notice that its request is answered, in ms. */
const lingerMs = 5_000;

type Context = {
  readonly session: ServerHttp2Session;
  readonly exchange: Exchange;
  readonly connection: Connection;
};

async function serve(stream: ServerHttp2Stream, raw: readonly string[], context: Context): Promise<void> {
  const { session, exchange, connection } = context;
  const controller = new AbortController();
  const headers = headersOf(raw);
  const bodyLength = lengthOf(stream, headers);
  const reader = new BodyReader({ stream, length: bodyLength, refusesAtEnd: true }, exchange.options);
  const ended = connection.begin();
  if (connection.isRetiring) connection.announceEnd();
  stream.on("error", () => undefined);
  stream.once("aborted", () => controller.abort());
  stream.once("close", () => {
    ended();
    // Who withdrew a request may have shown who they are with another, which comes after it.
    const isStranger = !connection.isIdentified && !stream.aborted;
    if (isStranger) session.close();
  });
  const { method, url } = pseudoHeaders(headers);
  if (!methodName.test(method)) {
    stream.respond({ [constants.HTTP2_HEADER_STATUS]: "400" }, { endStream: true });
    return;
  }
  const request = newApiRequest(url, {
    method,
    headers,
    body: (limit) => reader.read(limit),
    bodyLength,
    connection,
    signal: controller.signal,
  });
  if (stream.endAfterHeaders) stream.resume();
  else stream.once("finish", () => dropRest(stream));
  await exchange.serve({
    request,
    controller,
    sink: stream,
    writeHead: (answer) => stream.respond(fieldsOf(answer)),
  });
}

/**
 * What the client still sends of an answered request is of no use to anybody. It isn't told to stop at once: Go's client
 * forgets the answer then.
 */
function dropRest(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return;
  stream.resume();
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), lingerMs).unref();
  stream.once("close", () => clearTimeout(timer));
}

const restored = (raw: readonly string[], values: LongValues): readonly string[] =>
  values.size === 0 ? raw : raw.map((text) => values.get(text) ?? text);

/** Takes what HTTP/1.1 has in its first line out of the headers. */
function pseudoHeaders(headers: Map<string, readonly string[]>): { method: string; url: string } {
  const take = (name: string): string | undefined => {
    const value = headers.get(name)?.[0];
    headers.delete(name);
    return value;
  };
  const [method = "GET", url = "/", authority] = [take(":method"), take(":path"), take(":authority")];
  take(":scheme");
  if (authority !== undefined && !headers.has("host")) headers.set("host", [authority]);
  return { method, url };
}

function lengthOf(stream: ServerHttp2Stream, headers: ReadonlyMap<string, readonly string[]>): number | undefined {
  if (stream.endAfterHeaders) return 0;
  const length = headers.get("content-length")?.[0];
  return length === undefined ? undefined : Number(length);
}

/** Fields about a connection mean nothing on a stream (RFC 9113 section 8.2.2). */
function fieldsOf({ status, headers }: ApiResponse): IncomingHttpHeaders {
  const fields: { [name: string]: string | string[] } = { [constants.HTTP2_HEADER_STATUS]: String(status) };
  for (const [name, value] of Object.entries(headers)) {
    if (name === "connection") continue;
    fields[name] = typeof value === "string" ? value : [...value];
  }
  return fields;
}
