/**
 * The rules of an HTTP/1.1 connection. Home of express: it carries that protocol, and nothing else is asked of it.
 *
 * Invariant: requests that come at once are served one after the other, each may count on the one before it; while one
 * is served little of those behind it is read.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import express from "express";
import type { ApiResponse } from "../endpoints/api-handler.ts";
import { limits } from "../limits.ts";
import { headersOf, newApiRequest } from "./api-request.ts";
import { BodyReader, type Incoming } from "./body-reader.ts";
import type { Connection } from "./connections.ts";
import type { Exchange } from "./exchange.ts";

export function expressAdapter(exchange: Exchange, connectionOf: (socket: Socket) => Connection): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.use((message, response) => serve(message, response, { exchange, connection: connectionOf(message.socket) }));
  return (message, response) => {
    // What one read has brought is parsed already; more than that stays with the client.
    if (queueOf(message.socket).length < limits.maxPipelined.value) app(message, response);
    else message.socket.destroy();
  };
}

/** Made once, as an error costs its stack. */
const abandoned = new DOMException("the client waits no longer", "AbortError");

type Context = { readonly exchange: Exchange; readonly connection: Connection };

async function serve(message: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { exchange, connection } = context;
  if (message.rawHeaders.length > 2 * limits.maxHeaders.value) {
    response.writeHead(431, { connection: "close" }).end();
    return;
  }
  const controller = new AbortController();
  const incoming = incomingOf(message);
  const reader = new BodyReader(incoming, exchange.options);
  const ended = connection.begin();
  response.once("close", () => {
    ended();
    if (!response.writableFinished) controller.abort(abandoned);
    // Of answers that began before the server stopped, the headers promised that the connection stays.
    else if (exchange.draining) message.socket.destroySoon();
  });
  await turn(message, response);
  if (message.socket.destroyed) return ended();
  const request = newApiRequest(message.url ?? "/", {
    method: message.method ?? "GET",
    headers: headersOf(message.rawHeaders),
    body: (limit) => reader.read(limit),
    bodyLength: incoming.length,
    connection,
    signal: controller.signal,
  });
  await exchange.serve({
    request,
    controller,
    sink: response,
    writeHead: (answer, endless) => {
      writeHead(response, answer, exchange.retiring || connection.isRetiring || reader.stalled);
      if (endless) response.flushHeaders();
    },
  });
}

function incomingOf(message: IncomingMessage): Incoming {
  const { headers } = message;
  if (headers["transfer-encoding"] !== undefined) return { stream: message, length: undefined };
  return { stream: message, length: Number(headers["content-length"] ?? 0) };
}

/** The answers a connection owes, in order; the first is being made. */
const owed = new WeakMap<Socket, ServerResponse[]>();

/** Resolves when all that came before on the connection is answered. */
async function turn({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
  const queue = queueOf(socket);
  const previous = queue.at(-1);
  queue.push(response);
  response.once("close", () => {
    queue.shift();
    if (queue.length === 1) socket.resume();
  });
  if (previous === undefined) return;
  socket.pause();
  await new Promise<void>((resolve) => previous.once("close", resolve));
}

function queueOf(socket: Socket): ServerResponse[] {
  const known = owed.get(socket);
  if (known !== undefined) return known;
  const queue: ServerResponse[] = [];
  owed.set(socket, queue);
  closeWithoutStacks(socket);
  // Node has the socket read on behind every answer.
  socket.on("resume", () => queue.length > 1 && socket.pause());
  return queue;
}

/**
 * Node makes an error of each request that is not answered yet when its connection ends, and asks for its stack: of a hundred
 * of them that would take ten milliseconds, and nobody reads it.
 */
function closeWithoutStacks(socket: Socket): void {
  let frames = Error.stackTraceLimit;
  socket.prependListener("close", () => {
    frames = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
  });
  socket.on("close", () => {
    Error.stackTraceLimit = frames;
  });
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
