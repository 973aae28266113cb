/**
 * Watches over WebSocket (API W-06), as some clients ask for them first: each event is one message, what the client says
 * is ignored, closing ends the watch. What is no watch gets its answer over HTTP.
 */
import { type IncomingMessage, STATUS_CODES, validateHeaderValue } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiResponse } from "../endpoints/api-handler.ts";
import { textResponse } from "../endpoints/responses.ts";
import type { Sink } from "./answer-writer.ts";
import { headersOf, newApiRequest } from "./api-request.ts";
import type { Connection } from "./connections.ts";
import type { Exchange } from "./exchange.ts";
import { acceptKey, closeFrame, FrameReader, pongFrame, textFrame } from "./websocket.ts";

const bearerPrefix = "base64url.bearer.authorization.k8s.io.";
/** Several streams on one connection, as `exec` and `attach` have them: no watch is sent so. */
const channels = /(?:^|\.)channel\.k8s\.io$/;
const lineFeed = 0x0a;

/** Whether a request is to become a WebSocket; any other offer to change the protocol is not taken up. */
export function isWebSocketWatch({ method, url = "", headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    headers["sec-websocket-key"] !== undefined &&
    /[?&]watch=|\/watch\//.test(url)
  );
}

export async function serveWebSocket(
  message: IncomingMessage,
  socket: Duplex,
  { exchange, connection }: { readonly exchange: Exchange; readonly connection: Connection },
): Promise<void> {
  // An answer that is under way could not be told from the frames behind it.
  if (connection.idleSinceMs === undefined) {
    socket.destroy();
    return;
  }
  const controller = new AbortController();
  const ended = connection.begin();
  socket.on("error", () => undefined);
  socket.once("close", () => {
    ended();
    controller.abort();
  });
  const headers = headersOf(message.rawHeaders);
  const offer = takeProtocols(headers);
  const sink = new WebSocketSink(socket, controller);
  if (offer.length > 0 && offer.every((name) => channels.test(name))) {
    const refusal = `a watch is sent as plain text, not as ${offer.join(", ")}\n`;
    sink.writeHead(textResponse(400, refusal));
    sink.end(refusal);
    return;
  }
  await exchange.serve({
    request: newApiRequest(message.url ?? "/", {
      method: "GET",
      headers,
      body: () => Promise.resolve(new Uint8Array()),
      bodyLength: 0,
      connection,
      signal: controller.signal,
    }),
    controller,
    sink,
    writeHead: (answer, endless) => {
      if (endless) sink.accept(message.headers["sec-websocket-key"] ?? "", offer);
      else sink.writeHead(answer);
    },
  });
}

/** Protocols that the client offers, without the one that is its token in disguise (API A-19): that becomes a header. */
function takeProtocols(headers: Map<string, readonly string[]>): readonly string[] {
  const offered = (headers.get("sec-websocket-protocol") ?? [])
    .flatMap((value) => value.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
  headers.delete("sec-websocket-protocol");
  const tokens = offered.filter((name) => name.startsWith(bearerPrefix));
  const [token] = tokens;
  if (token !== undefined && !headers.has("authorization")) {
    const text = tokens.length === 1 ? Buffer.from(token.slice(bearerPrefix.length), "base64url").toString() : "";
    headers.set("authorization", [`Bearer ${text}`]);
  }
  return offered.filter((name) => !name.startsWith(bearerPrefix));
}

/** Lines of JSON in, a message per line out. */
class WebSocketSink implements Sink {
  readonly #socket: Duplex;
  readonly #controller: AbortController;
  #isWebSocket = false;
  /** The beginning of an event whose end has not come. */
  #pending: Uint8Array[] = [];

  constructor(socket: Duplex, controller: AbortController) {
    this.#socket = socket;
    this.#controller = controller;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }

  accept(key: string, offered: readonly string[]): void {
    const protocol = offered.find((name) => !channels.test(name));
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptKey(key)}`,
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    this.#isWebSocket = true;
    const reader = new FrameReader({
      // A client that doesn't read gets no more than it was sent already.
      ping: (payload) => this.#socket.writableNeedDrain || this.#socket.write(pongFrame(payload)),
      close: (code) => {
        this.#controller.abort();
        if (!this.destroyed) this.#socket.end(closeFrame(code));
      },
    });
    this.#socket.on("data", (chunk: Buffer) => reader.push(chunk));
    this.#socket.on("end", () => this.#socket.destroy());
  }

  writeHead({ status, headers }: ApiResponse): void {
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
    for (const [name, values] of Object.entries({ ...headers, connection: "close" })) {
      for (const value of [values].flat()) {
        validateHeaderValue(name, value);
        lines.push(`${name}: ${value}`);
      }
    }
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  }

  write(chunk: Uint8Array): boolean {
    if (!this.#isWebSocket) return this.#socket.write(chunk);
    let start = 0;
    let wantsMore = true;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      this.#pending.push(chunk.subarray(start, end));
      wantsMore = this.#socket.write(textFrame(Buffer.concat(this.#pending)));
      this.#pending = [];
      start = end + 1;
    }
    if (start < chunk.length) this.#pending.push(chunk.subarray(start));
    return wantsMore;
  }

  end(chunk?: string | Uint8Array): void {
    if (this.destroyed) return;
    if (this.#isWebSocket) this.#socket.end(closeFrame(1000));
    else if (chunk === undefined) this.#socket.end();
    else this.#socket.end(chunk);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  on(event: "drain" | "close", listener: () => void): void {
    this.#socket.on(event, listener);
  }

  once(event: "close", listener: () => void): void {
    this.#socket.once(event, listener);
  }

  off(event: "drain" | "close", listener: () => void): void {
    this.#socket.off(event, listener);
  }
}
