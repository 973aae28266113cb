/** Clients that break the rules of HTTP or TLS, or go away: none of them may harm another (API R-05, R-07, W-42, W-43). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { eventually } from "../support/processes.ts";
import { type Client, valueAt } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, anonymous } = await serverForFile();
await createNamespace(admin, "connections");
const functions = pathOf("connections", "functions");

const lines = (...text: readonly string[]): string => [...text, "", ""].join("\r\n");
/** Status lines of all answers on a connection. */
const statusesOf = (received: string): string[] =>
  [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code ?? "");

/** Sum of the samples that start so and have that label value. */
async function metric(client: Client, start: string, label = ""): Promise<number> {
  const { text } = ok(await client.get("/metrics"));
  const samples = text.split("\n").filter((line) => line.startsWith(start) && line.includes(label));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

for (const [what, bytes] of [
  ["plain HTTP", "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["garbage", Buffer.alloc(4096, 0xfe)],
  ["nothing", ""],
] as const) {
  test(`${what} on the TLS port ends that connection only`, async () => {
    const socket = connect(Number(admin.url.port), admin.url.hostname);
    socket.on("error", () => undefined);
    socket.resume();
    socket.end(bytes);
    await once(socket, "close");
    ok(await admin.get("/livez"));
  });
}

const host = "Host: a";
const smuggled = `GET ${functions} HTTP/1.1\r\nHost: a\r\n\r\n`;
const ambiguous: readonly (readonly [what: string, request: string])[] = [
  [
    "both lengths",
    `${lines(`POST ${functions} HTTP/1.1`, host, "Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n${smuggled}`,
  ],
  [
    "both lengths, the other way round",
    `${lines(`POST ${functions} HTTP/1.1`, host, "Transfer-Encoding: chunked", "Content-Length: 5")}0\r\n\r\n${smuggled}`,
  ],
  [
    "two different lengths",
    `${lines(`POST ${functions} HTTP/1.1`, host, "Content-Length: 5", "Content-Length: 6")}aaaaa${smuggled}`,
  ],
  ["a length that is none", `${lines(`POST ${functions} HTTP/1.1`, host, "Content-Length: +5")}aaaaa${smuggled}`],
  ["a negative length", `${lines(`POST ${functions} HTTP/1.1`, host, "Content-Length: -5")}${smuggled}`],
  ["an unknown coding", `${lines(`POST ${functions} HTTP/1.1`, host, "Transfer-Encoding: xchunked")}${smuggled}`],
  [
    "chunked not last",
    `${lines(`POST ${functions} HTTP/1.1`, host, "Transfer-Encoding: chunked, identity")}${smuggled}`,
  ],
  ["a space before the colon", `${lines(`GET /livez HTTP/1.1`, host, "Content-Length : 5")}${smuggled}`],
  ["a folded header", `${lines(`GET /livez HTTP/1.1`, host, "X-A: b", " Content-Length: 5")}${smuggled}`],
  ["a line break within a header", `${lines(`GET /livez HTTP/1.1`, host, "X-A: b\rContent-Length: 5")}${smuggled}`],
  ["a NUL in a header", `${lines(`GET /livez HTTP/1.1`, host, "X-A: b\0c")}${smuggled}`],
  ["a chunk of no size", `${lines(`POST ${functions} HTTP/1.1`, host, "Transfer-Encoding: chunked")}zz\r\n${smuggled}`],
  [
    "a chunk of more than any size",
    `${lines(`POST ${functions} HTTP/1.1`, host, "Transfer-Encoding: chunked")}FFFFFFFFFFFFFFFFF\r\n${smuggled}`,
  ],
  ["no host", `${lines("GET /livez HTTP/1.1")}${smuggled}`],
  ["another protocol", `${lines("PRI * HTTP/2.0")}SM\r\n\r\n`],
];

for (const [what, request] of ambiguous) {
  test(`a request with ${what} is 400 and ends its connection: what follows is not read as a request`, async () => {
    assert.deepEqual(statusesOf(await admin.exchange(request)), ["400"]);
  });
}

test("headers over the limit are 431, long selectors below it are served", async () => {
  const tooLong = await admin.exchange(lines("GET /livez HTTP/1.1", host, `X-Long: ${"x".repeat(2 * 1024 * 1024)}`));
  assert.deepEqual(statusesOf(tooLong), ["431"]);
  const names = Array.from({ length: 20_000 }, (_, i) => `function-${i}`).join(",");
  ok(await admin.get(`${functions}?labelSelector=${encodeURIComponent(`name notin (${names})`)}`));
});

test("a client that announces a body is told to go on, and only when somebody would read it", async () => {
  const body = JSON.stringify(aFunction("expected"));
  const socket = await admin.connect();
  socket.write(
    lines(
      `POST ${functions} HTTP/1.1`,
      host,
      "Expect: 100-continue",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "Connection: close",
    ),
  );
  const [first] = await once(socket, "data");
  assert.match(String(first), /^HTTP\/1\.1 100 Continue/);
  socket.write(body);
  let received = "";
  for await (const chunk of socket) received += chunk;
  assert.match(received, /^HTTP\/1\.1 201 /);
});

test("an offer of another protocol is not taken up, the request is served", async () => {
  const upgrade = ["Connection: Upgrade, close", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const received = await admin.exchange(lines("GET /livez HTTP/1.1", host, ...upgrade));
  assert.deepEqual(statusesOf(received), ["200"]);
});

test("requests that were sent at once are answered in order, each after the one before it took effect", async () => {
  const create = (name: string): string => {
    const body = JSON.stringify(aFunction(name));
    return `${lines(`POST ${functions} HTTP/1.1`, host, "Content-Type: application/json", `Content-Length: ${body.length}`)}${body}`;
  };
  const received = await admin.exchange(
    create("first") +
      lines(`GET ${functions}/first HTTP/1.1`, host) +
      lines(`DELETE ${functions}/first HTTP/1.1`, host) +
      create("first") +
      lines(`GET ${functions}/second HTTP/1.1`, host, "Connection: close"),
  );
  assert.deepEqual(statusesOf(received), ["201", "200", "200", "201", "404"]);
});

test("a client that leaves in the middle of its body creates nothing", async () => {
  const socket = await admin.connect();
  socket.write(`${lines(`POST ${functions} HTTP/1.1`, host, "Content-Length: 1000")}{"kind":"Function"`);
  socket.destroy();
  ok(await admin.get("/livez"));
});

test("headers without a body, and half a header, hold nobody up", async () => {
  const start = lines(`POST ${functions} HTTP/1.1`, host, "Content-Type: application/json", "Content-Length: 1000");
  const silent = await Promise.all(
    [start, "GET /livez HTTP/1.1\r\nHost:"].map(async (text) => {
      const socket = await admin.connect();
      socket.write(text);
      return socket;
    }),
  );
  const replies = await Promise.all(Array.from({ length: 50 }, () => admin.get(functions)));
  assert.ok(replies.every(({ status }) => status === 200));
  for (const socket of silent) {
    assert.equal(socket.bytesRead, 0);
    socket.destroy();
  }
});

const watching = (): Promise<number> =>
  metric(admin, 'apiserver_longrunning_requests{verb="WATCH",group="compute.functionmesh.io",', "functions");

test("watches whose clients left are forgotten", async () => {
  const before = await watching();
  const open = await Promise.all(Array.from({ length: 50 }, () => admin.open("GET", `${functions}?watch=1`)));
  assert.equal(await watching(), before + 50);
  for (const reply of open) reply.destroy();
  await eventually(async () => assert.equal(await watching(), before), 5_000, 20);
});

test("who may not watch holds no watch", async () => {
  const before = await watching();
  const replies = await Promise.all(Array.from({ length: 10 }, () => anonymous.get(`${functions}?watch=1`)));
  assert.ok(replies.every(({ status }) => status === 403));
  assert.equal(await watching(), before);
});

// API W-42
test("a watch that nobody reads is parked, others see everything, and so does it when it is read", async () => {
  const configMaps = "/api/v1/namespaces/default/configmaps";
  const noise = "x".repeat(512 * 1024);
  ok(await admin.post(configMaps, { metadata: { name: "noisy" }, data: { noise } }), 201);
  const path = `${configMaps}?watch=1&fieldSelector=metadata.name%3Dnoisy`;
  await using reading = await admin.watch(path);
  const unread = await admin.open("GET", path);
  const changes = 80;
  const seen = reading.take(1 + changes);
  for (let change = 1; change <= changes; change++) {
    ok(await admin.patch(`${configMaps}/noisy`, "merge", { metadata: { labels: { change: String(change) } } }));
  }
  assert.equal(valueAt((await seen).at(-1)?.object, "metadata", "labels", "change"), String(changes));
  const changesSeen: number[] = [];
  let text = "";
  for await (const chunk of unread) {
    const lines = (text + String(chunk)).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines)
      changesSeen.push(Number(valueAt(JSON.parse(line).object, "metadata", "labels", "change") ?? 0));
    if (changesSeen.at(-1) === changes) break;
  }
  assert.deepEqual(
    changesSeen,
    Array.from({ length: 1 + changes }, (_, change) => change),
  );
});
