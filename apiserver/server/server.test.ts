import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { issueCertificate } from "../authentication/issue-certificate.ts";
import type { ApiHandler, ApiResponse } from "../endpoints/api-handler.ts";
import { textResponse } from "../endpoints/responses.ts";
import { StatusError } from "../errors/status-error.ts";
import { silentLogger } from "../observability/log.ts";
import { type RunningServer, type ServeOptions, startServer } from "./server.ts";

const day = 24 * 3600 * 1000;
const { certificate: cert, key } = issueCertificate({
  subject: { commonName: "test" },
  usage: "ca",
  names: ["localhost", "127.0.0.1"],
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + day),
});

/** A server with `handler`, ended with the test. */
async function serve(t: TestContext, handler: ApiHandler, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const server = await startServer({
    handler,
    bindAddress: "127.0.0.1",
    port: 0,
    tls: { cert, key },
    log: silentLogger,
    ...options,
  });
  t.after(() => server.close(0));
  return server;
}

async function open({ port }: RunningServer): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return socket;
}

/** Everything the server sends on a connection until it closes it. */
async function received(socket: Socket): Promise<string> {
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

/** Sends a request and waits for its small answer; "" when the connection is closed instead. */
async function ask(socket: Socket): Promise<string> {
  if (socket.closed) return "";
  socket.write(requestLine("GET", "/"));
  const [answer] = await Promise.race([once(socket, "data"), once(socket, "close").then(() => [""])]);
  return String(answer);
}

const requestLine = (method: string, path: string, ...headers: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, "Host: a", ...headers, "", ""].join("\r\n");
const last = "Connection: close";
const ok = (text: string): ApiResponse => textResponse(200, text);

test("what a request is reaches the handler: method, path and query as sent, headers, body", async (t) => {
  const server = await serve(t, async ({ method, path, rawQuery, query, headers, body, connection }) => {
    const text = Buffer.from(await body(1024)).toString();
    const parts = [
      method,
      path,
      rawQuery,
      query.get("b"),
      headers.get("x-a")?.join("+"),
      text,
      connection.remoteAddress,
    ];
    return ok(JSON.stringify(parts));
  });
  const socket = await open(server);
  socket.write(`${requestLine("PUT", "/a%2Fb?b=c%20d", "X-A: 1", "x-a: 2", "Content-Length: 4", last)}body`);
  assert.ok((await received(socket)).endsWith('["PUT","/a%2Fb","b=c%20d","c d","1+2","body","127.0.0.1"]'));
});

test("a target with scheme and host is served like its path", async (t) => {
  const server = await serve(t, async ({ path }) => ok(path));
  const socket = await open(server);
  socket.write(requestLine("GET", "https://elsewhere/livez?x", last));
  assert.ok((await received(socket)).endsWith("\r\n\r\n/livez"));
});

test("HEAD is answered without the body it is about", async (t) => {
  const server = await serve(t, async () => ok("text"));
  const socket = await open(server);
  socket.write(requestLine("HEAD", "/", last));
  const text = await received(socket);
  assert.match(text, /content-length: 4/i);
  assert.ok(text.endsWith("\r\n\r\n"));
});

test("requests that come at once are served one after the other", async (t) => {
  const log: string[] = [];
  const server = await serve(t, async ({ path }) => {
    log.push(`begin ${path}`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`end ${path}`);
    return ok(path);
  });
  const socket = await open(server);
  socket.write(requestLine("GET", "/1") + requestLine("GET", "/2") + requestLine("GET", "/3", last));
  assert.deepEqual((await received(socket)).match(/(?<=\r\n\r\n)\/\d/g), ["/1", "/2", "/3"]);
  assert.deepEqual(log, ["begin /1", "end /1", "begin /2", "end /2", "begin /3", "end /3"]);
});

/** Answers with the body, or with the code of the error that reading it is. */
const echo: ApiHandler = async ({ body }) => {
  try {
    return ok(Buffer.from(await body(4)).toString());
  } catch (error) {
    return textResponse(error instanceof StatusError ? error.status.code : 500, "refused");
  }
};

for (const [what, request] of [
  ["announced", `${requestLine("POST", "/", "Content-Length: 5")}12345`],
  ["chunked", `${requestLine("POST", "/", "Transfer-Encoding: chunked")}5\r\n12345\r\n0\r\n\r\n`],
] as const) {
  test(`a body over the limit, ${what}, is 413; the connection serves on`, async (t) => {
    const socket = await open(await serve(t, echo));
    socket.write(`${request}${requestLine("POST", "/", "Content-Length: 4", last)}1234`);
    const text = await received(socket);
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 413", "HTTP/1.1 200"]);
    assert.ok(text.endsWith("1234"));
  });
}

test("a body that has come in pieces before it is asked for is whole", async (t) => {
  const asked = Promise.withResolvers<void>();
  const server = await serve(t, async ({ body }) => {
    await asked.promise;
    return ok(String((await body(1024 * 1024)).length));
  });
  const socket = await open(server);
  // More than one read of a socket, and less than a stream holds before somebody asks for it.
  const pieces = [10_000, 20_000, 20_000];
  socket.write(requestLine("POST", "/", "Content-Length: 50000", last));
  for (const length of pieces) {
    socket.write("x".repeat(length));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  asked.resolve();
  assert.ok((await received(socket)).endsWith("50000"));
});

test("a body that does not come is 504, and the connection ends", async (t) => {
  const socket = await open(await serve(t, echo, { bodyStallMs: 50 }));
  socket.write(`${requestLine("POST", "/", "Content-Length: 4")}1`);
  assert.match(await received(socket), /^HTTP\/1\.1 504 [\s\S]*connection: close/i);
});

test("headers that come by the byte are 408, and the connection ends", async (t) => {
  const socket = await open(await serve(t, echo, { headerTimeoutMs: 200 }));
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nX-A:");
  const drip = setInterval(() => socket.write("a"), 20);
  t.after(() => clearInterval(drip));
  assert.match(await received(socket), /^HTTP\/1\.1 408 /);
});

// API R-07
test("the signal aborts when the client leaves", async (t) => {
  const aborted = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const server = await serve(t, async ({ signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    begun.resolve();
    await aborted.promise;
    return ok("");
  });
  const socket = await open(server);
  socket.write(requestLine("GET", "/"));
  await begun.promise;
  socket.destroy();
  await aborted.promise;
});

async function* noEvents(): AsyncGenerator<never> {}

/** A stream of `text` that ends with its reader or `signal`; `released` tells that it did. */
function stream(text: string, signal: AbortSignal): { answer: ApiResponse; released: Promise<void> } {
  const released = Promise.withResolvers<void>();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      while (!signal.aborted) {
        yield Buffer.from(text);
        if (text.length < 100) await once(signal, "abort");
      }
    } finally {
      released.resolve();
    }
  };
  const result = { kind: "watch", events: noEvents() } as const;
  return { answer: { status: 200, headers: {}, body, result }, released: released.promise };
}

test("a stream's headers and chunks are sent as they come, and what it holds is released when its reader leaves", async (t) => {
  const released = Promise.withResolvers<void>();
  const server = await serve(t, async ({ signal }) => {
    const { answer, released: done } = stream("first\n", signal);
    done.then(released.resolve);
    return answer;
  });
  const socket = await open(server);
  socket.write(requestLine("GET", "/"));
  const [head] = await once(socket, "data");
  assert.match(String(head), /^HTTP\/1\.1 200 /);
  socket.destroy();
  await released.promise;
});

test("a reader that takes nothing is disconnected", async (t) => {
  const released = Promise.withResolvers<void>();
  const options = { writeStallMs: 50 };
  const handler: ApiHandler = async ({ signal }) => {
    const { answer, released: done } = stream("x".repeat(1024 * 1024), signal);
    done.then(released.resolve);
    return answer;
  };
  const socket = await open(await serve(t, handler, options));
  socket.write(requestLine("GET", "/"));
  socket.pause();
  await released.promise;
  socket.destroy();
});

// API W-45, R-20
test("closing ends streams and idle connections at once, lets other requests finish, and refuses new ones", async (t) => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const server = await serve(t, async ({ path, signal }) => {
    if (path === "/stream") return stream("first\n", signal).answer;
    begun.resolve();
    await finish.promise;
    return ok("finished");
  });
  const [idle, streaming, working] = await Promise.all([open(server), open(server), open(server)]);
  streaming.write(requestLine("GET", "/stream"));
  working.write(requestLine("GET", "/work"));
  await Promise.all([once(streaming, "data"), begun.promise]);
  const streamEnd = received(streaming);
  const answer = received(working);
  const idleEnd = received(idle);
  const closed = server.close(10_000);
  assert.ok((await streamEnd).endsWith("0\r\n\r\n"), "the stream ends as streams do");
  assert.equal(await idleEnd, "");
  await assert.rejects(open(server));
  finish.resolve();
  assert.match(await answer, /connection: close[\s\S]*finished$/i);
  await closed;
});

// API R-23
test("before it closes, each answer ends its connection; watches and new connections go on", async (t) => {
  const server = await serve(t, async ({ path, signal }) =>
    path === "/stream" ? stream("first\n", signal).answer : ok("answered"),
  );
  const [kept, streaming] = await Promise.all([open(server), open(server)]);
  streaming.write(requestLine("GET", "/stream"));
  await once(streaming, "data");
  kept.write(requestLine("GET", "/"));
  const [first] = await once(kept, "data");
  assert.doesNotMatch(String(first), /connection: close/i);
  server.retire();
  for (const socket of [kept, await open(server)]) {
    const rest = received(socket);
    socket.write(requestLine("GET", "/"));
    assert.match(await rest, /connection: close[\s\S]*answered$/i);
  }
  assert.equal(streaming.closed, false);
});

test("closing does not wait for connections that ask nothing, in or after their handshake", async (t) => {
  const server = await serve(t, echo);
  const handshaking = connectTcp(server.port, "127.0.0.1");
  await once(handshaking, "connect");
  const [idle, halfway] = await Promise.all([open(server), open(server)]);
  halfway.write("GET / HTTP/1.1\r\nHost:");
  const ends = [handshaking, idle, halfway].map(received);
  await server.close(60_000);
  assert.deepEqual(await Promise.all(ends), ["", "", ""]);
});

test("closing cuts what does not end in time", async (t) => {
  const begun = Promise.withResolvers<void>();
  const server = await serve(t, () => {
    begun.resolve();
    return new Promise(() => undefined);
  });
  const socket = await open(server);
  socket.write(requestLine("GET", "/"));
  await begun.promise;
  const end = received(socket);
  await server.close(20);
  assert.equal(await end, "");
});

test("a handler that throws costs its own connection only", async (t) => {
  const server = await serve(t, async ({ path }) => {
    if (path === "/bad") throw new Error("a bug");
    return ok("fine");
  });
  const [bad, good] = [await open(server), await open(server)];
  bad.write(requestLine("GET", "/bad"));
  assert.equal(await received(bad), "");
  good.write(requestLine("GET", "/", last));
  assert.ok((await received(good)).endsWith("fine"));
});

test("a port that is taken and an address of others are said to be so", async (t) => {
  const { port } = await serve(t, echo);
  await assert.rejects(serve(t, echo, { port }), {
    message: `cannot listen on 127.0.0.1 port ${port}: the port is already in use`,
  });
  await assert.rejects(serve(t, echo, { bindAddress: "192.0.2.1" }), /this machine does not have that address/);
});

// API R-24
test("a new certificate is shown to new connections", async (t) => {
  const server = await serve(t, echo);
  const before = await open(server);
  const subjects = [before.getPeerX509Certificate()?.subject];
  const renewed = issueCertificate({
    subject: { commonName: "renewed" },
    usage: "ca",
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
  });
  server.reloadTls({ cert: renewed.certificate, key: renewed.key });
  const after = await open(server);
  subjects.push(after.getPeerX509Certificate()?.subject);
  assert.deepEqual(subjects, ["CN=test", "CN=renewed"]);
  before.destroy();
  after.destroy();
});

// API R-24: a proxy in front keeps connections for the next request, and reads EOF where it writes to one closed that moment.
for (const [what, tls, ends] of [
  ["a certificate: connections stay", { cert, key }, false],
  ["the CAs of clients: connections end behind their next answer", { cert, key, clientCas: cert }, true],
] as const) {
  test(`renewing ${what}, and none is cut`, async (t) => {
    const server = await serve(t, async () => ok("answered"));
    const [used, unused] = await Promise.all([open(server), open(server)]);
    await ask(used);
    // As long as the server takes to notice that an answer is sent, and then to close a connection, were one.
    const aWhile = async (): Promise<unknown> => (await open(server)).destroy();
    await aWhile();
    server.reloadTls(tls);
    await aWhile();
    for (const socket of [used, unused]) {
      assert.match(await ask(socket), ends ? /connection: close/i : /connection: keep-alive/i);
      if (ends) await received(socket);
      else assert.match(await ask(socket), /^HTTP\/1\.1 200 /);
      socket.destroy();
    }
  });
}

test("a client that speaks plain HTTP is told so, as Go's server does", async (t) => {
  const { port } = await serve(t, echo);
  const socket = connectTcp(port, "127.0.0.1");
  socket.write(requestLine("GET", "/livez"));
  assert.equal(
    await received(socket),
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
  );
});
