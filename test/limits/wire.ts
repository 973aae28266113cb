/** One request of the harness over whatever it is meant to come by, on a connection of its own: some of these end it. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { Agent, request } from "node:https";
import type { Duplex } from "node:stream";

export type Wired = {
  readonly url: string;
  readonly method: string;
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string | Uint8Array | undefined;
  readonly identity: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
};
/** `status`: 0 when the connection was ended instead of answered. */
export type Told = { readonly status: number; readonly bytes: number };

const nothing: Told = { status: 0, bytes: 0 };

async function countBytes(chunks: AsyncIterable<{ readonly length: number }>): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) bytes += chunk.length;
  } catch {
    // Cut off by the server, which may.
  }
  return bytes;
}

async function overHttp1({ url, method, path, headers, body, identity }: Wired): Promise<Told> {
  const agent = new Agent(identity);
  try {
    const answer = await new Promise<IncomingMessage | undefined>((resolve) => {
      const call = request(`${url}${path}`, { method, agent, headers }, resolve);
      call.on("error", () => resolve(undefined));
      call.end(body);
    });
    return answer === undefined ? nothing : { status: answer.statusCode ?? 0, bytes: await countBytes(answer) };
  } finally {
    agent.destroy();
  }
}

async function overHttp2({ url, method, path, headers, body, identity }: Wired): Promise<Told> {
  const session: ClientHttp2Session = connect(url, { ...identity });
  session.on("error", () => undefined);
  try {
    const stream: ClientHttp2Stream = session.request({ ":method": method, ":path": path, ...headers });
    stream.end(body);
    const [answer]: { ":status"?: number }[] = await Promise.race([
      once(stream, "response"),
      once(session, "close").then(() => []),
    ]).catch(() => []);
    return answer === undefined ? nothing : { status: answer[":status"] ?? 0, bytes: await countBytes(stream) };
  } finally {
    session.destroy();
  }
}

async function overWebSocket({ url, path, headers, identity }: Wired): Promise<Told> {
  const agent = new Agent(identity);
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const key = { "sec-websocket-key": Buffer.from("0123456789abcdef").toString("base64") };
  try {
    return await new Promise<Told>((resolve) => {
      const call = request(`${url}${path}`, { agent, headers: { ...headers, ...upgrade, ...key } });
      call.on("error", () => resolve(nothing));
      call.on("response", async (answer) =>
        resolve({ status: answer.statusCode ?? 0, bytes: await countBytes(answer) }),
      );
      call.on("upgrade", async (answer, socket: Duplex) => {
        resolve({ status: answer.statusCode ?? 0, bytes: await countBytes(socket) });
      });
      call.end();
    });
  } finally {
    agent.destroy();
  }
}

export const wires = { "http/1.1": overHttp1, "http/2": overHttp2, websocket: overWebSocket } as const;
