/** Caps on connections, and what one that misbehaves may cost. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { issueCertificate } from "../authentication/issue-certificate.ts";
import type { ApiHandler } from "../endpoints/api-handler.ts";
import { textResponse } from "../endpoints/responses.ts";
import { limits } from "../limits.ts";
import { silentLogger } from "../observability/log.ts";
import { type RunningServer, type ServeOptions, startServer } from "./server.ts";

const day = 24 * 3600 * 1000;
const { certificate: cert, key } = issueCertificate({
  subject: { commonName: "test" },
  usage: "ca",
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + day),
});

async function serve(t: TestContext, handler: ApiHandler, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const tls = { cert, key };
  const server = await startServer({ handler, bindAddress: "127.0.0.1", port: 0, tls, log: silentLogger, ...options });
  t.after(() => server.close(0));
  return server;
}

async function open(t: TestContext, { port }: RunningServer): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => {
  socket.resume();
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));
};
const get = (path: string, ...more: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: a", ...more, "", ""].join("\r\n");

/** Sends a request and waits for the beginning of its answer. */
async function ask(socket: TLSSocket, path: string): Promise<string> {
  socket.write(get(path));
  const [data] = await once(socket, "data");
  return String(data);
}

/** The path says whose request it is: `/users/jane`; of all others nobody knows. */
const handler: ApiHandler = async ({ path, connection }) => {
  const [, , user] = path.split("/");
  if (user !== undefined) connection.identified?.(user);
  return textResponse(200, path);
};

test("who has not shown who they are loses the connection that is idle for longest to a newcomer", async (t) => {
  const server = await serve(t, handler, { connections: { maxUnidentified: 3 } });
  const known = await open(t, server);
  await ask(known, "/users/jane");
  const strangers = [await open(t, server), await open(t, server), await open(t, server)];
  const newcomer = await open(t, server);
  await closed(strangers[0] ?? newcomer);
  assert.match(await ask(newcomer, "/users/joe"), /200 OK/);
  assert.match(await ask(known, "/"), /200 OK/);
});

test("when there are too many connections, whoever has most of them makes room", async (t) => {
  const server = await serve(t, handler, { connections: { maxConnections: 4 } });
  const joe = await open(t, server);
  await ask(joe, "/users/joe");
  const [first, second, third] = [await open(t, server), await open(t, server), await open(t, server)];
  for (const socket of [first, second, third]) await ask(socket, "/users/jane");
  const ann = await open(t, server);
  await closed(first);
  for (const socket of [joe, second, third, ann]) assert.match(await ask(socket, "/"), /200 OK/);
});

test("where everybody is busy there is no room for more", async (t) => {
  const done = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const busy: ApiHandler = async () => {
    begun.resolve();
    await done.promise;
    return textResponse(200, "");
  };
  const server = await serve(t, busy, { connections: { maxConnections: 1 } });
  const socket = await open(t, server);
  const answer = ask(socket, "/");
  await begun.promise;
  const refused = connectTcp(server.port, "127.0.0.1");
  await closed(refused);
  done.resolve();
  assert.match(await answer, /200 OK/);
});

test("a handshake that is never finished is ended, however it is fed", async (t) => {
  const server = await serve(t, handler, { connections: { handshakeTimeoutMs: 150 } });
  const silent = connectTcp(server.port, "127.0.0.1");
  const trickling = connectTcp(server.port, "127.0.0.1");
  trickling.on("error", () => undefined);
  trickling.write(Buffer.from([0x16, 3, 1, 2, 0]));
  const drip = setInterval(() => trickling.write("a"), 20);
  t.after(() => clearInterval(drip));
  await Promise.all([closed(silent), closed(trickling)]);
});

test("strangers whose requests aren't whole yet may have sent so much together, and no more", async (t) => {
  const server = await serve(t, handler, { connections: { maxUnidentifiedBytes: 100_000 }, headerTimeoutMs: 30_000 });
  const [little, much] = [await open(t, server), await open(t, server)];
  little.write(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${"x".repeat(50_000)}`);
  much.write(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${"x".repeat(80_000)}`);
  await closed(much);
  little.write("\r\n\r\n");
  const [data] = await once(little, "data");
  assert.match(String(data), /200 OK/);
});

test("more headers than anybody needs are 431 (API N-42)", async (t) => {
  const server = await serve(t, async ({ headers }) => textResponse(200, String(headers.size)));
  const headers = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: a`);
  const few = await open(t, server);
  few.write(get("/", ...headers(limits.maxHeaders.value - 1)));
  assert.match(String((await once(few, "data"))[0]), /200 OK/);
  const many = await open(t, server);
  many.write(get("/", ...headers(limits.maxHeaders.value)));
  assert.match(String((await once(many, "data"))[0]), / 431 /);
});

test("what is sent behind a request that is being served stays with its sender, and then is served", async (t) => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const order: string[] = [];
  const server = await serve(t, async ({ path }) => {
    begun.resolve();
    if (path === "/first") await gate.promise;
    order.push(path.slice(0, 7));
    return textResponse(200, "");
  });
  const socket = await open(t, server);
  socket.write(get("/first"));
  await begun.promise;
  socket.write(get("/second"));
  // More than the operating system holds for both ends.
  const long = get(`/${"x".repeat(8000)}`);
  const sent = 4_000;
  socket.write(long.repeat(sent));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(socket.writableLength > 8 * 1024 * 1024, `${socket.writableLength} bytes were not read`);
  socket.resume();
  gate.resolve();
  while (order.length < sent + 2) await once(socket, "data");
  assert.deepEqual(order.slice(0, 3), ["/first", "/second", "/xxxxxx"]);
});

test("requests without end behind one that is being served end their connection", async (t) => {
  const server = await serve(t, () => new Promise(() => undefined));
  const socket = await open(t, server);
  socket.write(get("/").repeat(10 * limits.maxPipelined.value));
  await closed(socket);
});

test("answers that nobody takes are given up in time, and hold little until then", async (t) => {
  const parts = Array.from({ length: 512 }, () => Buffer.alloc(64 * 1024));
  let made = 0;
  const body = function* (): Generator<Uint8Array> {
    for (const part of parts) {
      made += part.length;
      yield part;
    }
  };
  const server = await serve(t, async () => ({ status: 200, headers: {}, body }), {
    budgetBytes: 1024 * 1024,
    answerMs: 400,
  });
  const sockets = await Promise.all(Array.from({ length: 40 }, () => open(t, server)));
  for (const socket of sockets) {
    socket.pause();
    socket.write(get("/"));
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  // What the operating system took, a part that is being written and one that is made, for each.
  const each = made / sockets.length;
  assert.ok(each > 0 && each < 8 * 1024 * 1024, `${each} bytes each`);
  await Promise.all(sockets.map(closed));
});

// API R-20
test("a request that was sent before the server closed is answered, though it had not been read", async (t) => {
  const server = await serve(t, handler);
  const socket = await open(t, server);
  await ask(socket, "/users/jane");
  socket.write(get("/users/jane"));
  const ended = server.close(60_000);
  const [data] = await once(socket, "data");
  assert.match(String(data), /^HTTP\/1\.1 200 OK[\s\S]*\r\nConnection: close\r\n/i);
  await ended;
});
