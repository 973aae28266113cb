/** HTTP/2 on the TLS port: what is particular about it. What all protocols share is tested over HTTP/1.1. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type TestContext, test } from "node:test";
import { issueCertificate } from "../authentication/issue-certificate.ts";
import type { ApiHandler, ApiResponse } from "../endpoints/api-handler.ts";
import { textResponse } from "../endpoints/responses.ts";
import { silentLogger } from "../observability/log.ts";
import { type RunningServer, type ServeOptions, startServer } from "./server.ts";

const day = 24 * 3600 * 1000;
const { certificate: cert, key } = issueCertificate({
  subject: { commonName: "test" },
  usage: "ca",
  names: ["127.0.0.1"],
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + day),
});

async function serve(t: TestContext, handler: ApiHandler, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const tls = { cert, key };
  const server = await startServer({ handler, bindAddress: "127.0.0.1", port: 0, tls, log: silentLogger, ...options });
  t.after(() => server.close(0));
  return server;
}

/** A session whose requests are known users' unless the handler says otherwise. */
async function open(t: TestContext, { port }: RunningServer, settings = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings });
  session.on("error", () => undefined);
  await once(session, "connect");
  t.after(() => session.destroy());
  return session;
}

type Answer = { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly text: string };

async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
  const [headers] = await once(stream, "response");
  let text = "";
  for await (const chunk of stream) text += chunk;
  return { status: headers[":status"], headers, text };
}

/** As the authentication filter does it. */
const known =
  (handler: ApiHandler): ApiHandler =>
  (request) => {
    request.connection.identified?.("jane");
    return handler(request);
  };
const ok = (text: string): ApiResponse => textResponse(200, text);

// API N-65
test("a request reaches the handler as over HTTP/1.1, with host for authority and nothing of the protocol's own", async (t) => {
  const server = await serve(
    t,
    known(async ({ method, path, rawQuery, headers, body }) => {
      const text = Buffer.from(await body(1024)).toString();
      return ok(JSON.stringify([method, path, rawQuery, [...headers.keys()].sort(), headers.get("x-a"), text]));
    }),
  );
  const session = await open(t, server);
  const stream = session.request({ ":method": "PUT", ":path": "/a%2Fb?c=d", "x-a": ["1", "2"] });
  stream.end("body");
  const { status, text } = await answerTo(stream);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), ["PUT", "/a%2Fb", "c=d", ["host", "x-a"], ["1", "2"], "body"]);
});

test("what is no method's name is 400 and reaches nobody", async (t) => {
  const server = await serve(
    t,
    known(async ({ method }) => ok(method)),
  );
  for (const [method, status] of [
    ["constructor", 400],
    ["get", 400],
    ["__proto__", 400],
    ["X".repeat(100), 400],
    ["PURGE", 200],
  ] as const) {
    const session = await open(t, server);
    const [headers] = await once(session.request({ ":method": method, ":path": "/" }), "response");
    assert.equal(headers[":status"], status, method);
  }
});

test("answers have no fields about the connection; HEAD has no body", async (t) => {
  const server = await serve(
    t,
    known(async () => textResponse(200, "text", { connection: "close" })),
  );
  const session = await open(t, server);
  const { headers, text } = await answerTo(session.request({ ":method": "HEAD", ":path": "/" }));
  assert.equal(headers["content-length"], "4");
  assert.equal(headers.connection, undefined);
  assert.equal(text, "");
});

test("requests of one connection are served at once, in whatever order they end", async (t) => {
  const gate = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path }) => {
      if (path === "/slow") await gate.promise;
      return ok(path);
    }),
  );
  const session = await open(t, server);
  const slow = answerTo(session.request({ ":path": "/slow" }));
  assert.equal((await answerTo(session.request({ ":path": "/fast" }))).text, "/fast");
  gate.resolve();
  assert.equal((await slow).text, "/slow");
});

test("a reset aborts the request's signal and nobody else's", async (t) => {
  const aborted: string[] = [];
  const begun = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path, signal }) => {
      if (path === "/stays") return ok(path);
      signal.addEventListener("abort", () => {
        aborted.push(path);
        done.resolve();
      });
      begun.resolve();
      await done.promise;
      return ok(path);
    }),
  );
  const session = await open(t, server);
  const leaving = session.request({ ":path": "/leaves" });
  leaving.on("error", () => undefined);
  await begun.promise;
  leaving.close(constants.NGHTTP2_CANCEL);
  await done.promise;
  assert.deepEqual(aborted, ["/leaves"]);
  assert.equal((await answerTo(session.request({ ":path": "/stays" }))).text, "/stays");
});

test("a body over the limit is 413, one that does not come 504; other requests of the connection go on", async (t) => {
  const echo: ApiHandler = known(async ({ body }) =>
    body(4).then(
      (bytes) => ok(Buffer.from(bytes).toString()),
      (error) => textResponse(error.status.code, "refused"),
    ),
  );
  const server = await serve(t, echo, { bodyStallMs: 50 });
  const session = await open(t, server);
  const post = (body: string | undefined): ClientHttp2Stream => {
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined);
    if (body === undefined) stream.write("1");
    else stream.end(body);
    return stream;
  };
  const answers = await Promise.all([post("12345"), post(undefined), post("1234")].map(answerTo));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [413, 504, 200],
  );
});

test("a body that comes by the byte is 504 when its time is up", async (t) => {
  const server = await serve(
    t,
    known(async ({ body }) =>
      body(1000).then(
        () => ok(""),
        (error) => textResponse(error.status.code, "refused"),
      ),
    ),
    { bodyStallMs: 100, bodyMs: 300 },
  );
  const session = await open(t, server);
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.on("error", () => undefined);
  const drip = setInterval(() => stream.write("1"), 20);
  t.after(() => clearInterval(drip));
  assert.equal((await answerTo(stream)).status, 504);
});

test("a client that reads slowly gets all of an answer, and is not told to stop before it has it", async (t) => {
  const text = "x".repeat(1024 * 1024);
  const server = await serve(
    t,
    known(async () => ok(text)),
  );
  const session = await open(t, server, { initialWindowSize: 16 * 1024 });
  for (const method of ["GET", "POST"]) {
    const stream = session.request({ ":method": method, ":path": "/" });
    if (method === "POST") stream.write("a body that nobody reads");
    const { text: got } = await answerTo(stream);
    assert.equal(got.length, text.length, method);
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    stream.end();
  }
});

/** A stream that gives away as much as is taken, and counts it. */
function endless(): { answer: ApiResponse; taken: () => number; released: Promise<void> } {
  const released = Promise.withResolvers<void>();
  let taken = 0;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        taken += 64 * 1024;
        yield Buffer.alloc(64 * 1024);
      }
    } finally {
      released.resolve();
    }
  };
  const events = (async function* (): AsyncGenerator<never> {})();
  const answer: ApiResponse = { status: 200, headers: {}, body, result: { kind: "watch", events } };
  return { answer, taken: () => taken, released: released.promise };
}

test("a watch that is not read holds little, and does not hold up the others of its connection", async (t) => {
  const watches = Array.from({ length: 50 }, endless);
  const server = await serve(
    t,
    known(async ({ path }) => watches[Number(path.slice(1))]?.answer ?? ok(path)),
  );
  const session = await open(t, server);
  const streams = watches.map((_, i) => session.request({ ":path": `/${i}` }));
  await Promise.all(streams.map((stream) => once(stream, "response")));
  session.setLocalWindowSize(64 * 1024 * 1024);
  assert.equal((await answerTo(session.request({ ":path": "/other" }))).text, "/other");
  const taken = watches.reduce((sum, each) => sum + each.taken(), 0);
  assert.ok(taken <= 50 * 4 * 64 * 1024, `${taken} bytes were made for readers that don't read`);
  session.destroy();
  await Promise.all(watches.map(({ released }) => released));
});

// API K-16
test("more requests at once than allowed are refused, the others are served", async (t) => {
  const gate = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path }) => {
      await gate.promise;
      return ok(path);
    }),
    { http2MaxStreams: 5 },
  );
  const session = await open(t, server);
  await once(session, "remoteSettings");
  assert.equal(session.remoteSettings.maxConcurrentStreams, 5);
  const answers = Array.from({ length: 20 }, (_, i) => answerTo(session.request({ ":path": `/${i}` })));
  gate.resolve();
  assert.equal((await Promise.all(answers)).length, 20, "a client that keeps to it sends the rest later");
});

test("a request that is withdrawn before its sender is known takes nobody else's with it", async (t) => {
  const begun = Promise.withResolvers<void>();
  const server = await serve(t, async ({ path, connection, signal }) => {
    if (path === "/stays") connection.identified?.("jane");
    else {
      begun.resolve();
      await once(signal, "abort");
    }
    return ok(path);
  });
  const session = await open(t, server);
  const leaving = session.request({ ":path": "/leaves" });
  leaving.on("error", () => undefined);
  await begun.promise;
  leaving.close(constants.NGHTTP2_CANCEL);
  await once(leaving, "close");
  assert.equal((await answerTo(session.request({ ":path": "/stays" }))).text, "/stays");
});

test("requests that are withdrawn as soon as they are sent end their connection", async (t) => {
  const server = await serve(
    t,
    known(async () => ok("")),
  );
  const session = await open(t, server);
  const closed = new Promise((resolve) => session.once("close", resolve));
  const storm = setInterval(() => {
    for (let i = 0; i < 200 && !session.closed && !session.destroyed; i++) {
      const stream = session.request({ ":path": "/" });
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
  }, 1);
  t.after(() => clearInterval(storm));
  await closed;
});

test("a connection on which nobody said who they are is closed after its answer (API A-16), others stay", async (t) => {
  const server = await serve(t, async (request) => {
    if (request.path === "/known") request.connection.identified?.("jane");
    return ok(request.path);
  });
  const [anonymous, identified] = [await open(t, server), await open(t, server)];
  const goaway = once(anonymous, "close");
  assert.equal((await answerTo(anonymous.request({ ":path": "/" }))).text, "/");
  await goaway;
  assert.equal((await answerTo(identified.request({ ":path": "/known" }))).status, 200);
  assert.equal((await answerTo(identified.request({ ":path": "/" }))).status, 200);
});

// API R-24
test("other CAs of clients end a connection behind its next answer, a renewed certificate ends none", async (t) => {
  const server = await serve(
    t,
    known(async ({ path }) => ok(path)),
  );
  const session = await open(t, server);
  for (const tls of [
    { cert, key },
    { cert, key, clientCas: cert },
  ]) {
    server.reloadTls(tls);
    // As long as a connection takes to be closed, were one.
    (await open(t, server)).destroy();
    assert.equal((await answerTo(session.request({ ":path": "/" }))).status, 200);
  }
  await (session.closed || once(session, "close"));
});

// API N-65, R-20
test("closing tells clients to go away, ends watches, and lets other requests finish", async (t) => {
  const finish = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path, signal }) => {
      if (path === "/work") {
        begun.resolve();
        await finish.promise;
        return ok("finished");
      }
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from("first\n");
        await once(signal, "abort");
      };
      return { status: 200, headers: {}, body, result: { kind: "watch", events: (async function* () {})() } };
    }),
  );
  const session = await open(t, server);
  const stream = session.request({ ":path": "/watch" });
  const watched = answerTo(stream);
  const work = answerTo(session.request({ ":path": "/work" }));
  await Promise.all([once(stream, "response"), begun.promise]);
  const goaway = once(session, "goaway");
  const closed = server.close(10_000);
  const [code] = await goaway;
  assert.equal(code, constants.NGHTTP2_NO_ERROR);
  assert.equal((await watched).text, "first\n");
  finish.resolve();
  assert.equal((await work).text, "finished");
  await closed;
});

test("without HTTP/2 a client gets HTTP/1.1 only", async (t) => {
  const server = await serve(
    t,
    known(async () => ok("")),
    { http2: false },
  );
  const session = connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
  await once(session, "error");
});

// API R-20
test("a server that will stop has requests sent elsewhere before it refuses any, and goes on with those under way", async (t) => {
  const waits = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path }) => {
      if (path === "/waits") await waits.promise;
      return ok(path);
    }),
  );
  const session = await open(t, server);
  const waiting = answerTo(session.request({ ":path": "/waits" }));
  await answerTo(session.request({ ":path": "/before" }));
  const told = once(session, "goaway");
  server.retire();
  const [code, lastStream] = await told;
  assert.deepEqual([code, lastStream], [constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1]);
  waits.resolve();
  assert.equal((await waiting).text, "/waits");
});

// API R-20
test("what a client sends before it has heard that a server will stop is served, even behind an answer", async (t) => {
  const second = Promise.withResolvers<Answer>();
  const idle = Promise.withResolvers<void>();
  const server = await serve(
    t,
    known(async ({ path, body }) => {
      // The end is announced, and has not come to the client yet.
      if (path === "/first") write("/second").then(second.resolve, second.reject);
      return { ...ok(`${path} ${Buffer.from(await body(100))}`), onWritten: idle.resolve };
    }),
  );
  const session = await open(t, server);
  const write = (path: string): Promise<Answer> => {
    const stream = session.request({ ":path": path, ":method": "POST" });
    stream.end("body");
    // One that is refused may end without an error.
    let isAnswered = false;
    stream.once("response", () => {
      isAnswered = true;
    });
    const refused = new Promise<never>((_, reject) => {
      stream.once("close", () => isAnswered || reject(new Error(`${path} was not answered`)));
    });
    return Promise.race([answerTo(stream), refused]);
  };
  await answerTo(session.request({ ":path": "/before" }));
  await idle.promise;
  server.retire();
  const heard = once(session, "goaway");
  assert.equal((await write("/first")).text, "/first body");
  const [code, lastStream] = await heard;
  assert.deepEqual([code, lastStream], [constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1]);
  assert.equal((await second.promise).text, "/second body");
});
