/** Watches over WebSocket, as fabric8's client asks for them (API W-06), with the WebSocket client of the platform. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { acceptKey } from "../../apiserver/server/websocket.ts";
import { eventually } from "../support/processes.ts";
import { valueAt } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const server = await serverForFile();
const { admin, anonymous } = server;
await createNamespace(admin, "sockets");
const functions = pathOf("sockets", "functions");
const key = "dGhlIHNhbXBsZSBub25jZQ==";

const upgrade = (path: string, ...more: readonly string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    ...more,
    "",
    "",
  ].join("\r\n");

/** Reads heads and frames of an open socket. */
class Frames {
  readonly socket: TLSSocket;
  #buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
    });
  }

  async #bytes(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) await once(this.socket, "data");
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  async head(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      if (end >= 0) return (await this.#bytes(end + 4)).toString();
      await once(this.socket, "data");
    }
  }

  async frame(): Promise<{ opcode: number; text: string }> {
    const [first = 0, second = 0] = await this.#bytes(2);
    const length =
      second === 127
        ? Number((await this.#bytes(8)).readBigUInt64BE())
        : second === 126
          ? (await this.#bytes(2)).readUInt16BE()
          : second;
    return { opcode: first & 0x0f, text: (await this.#bytes(length)).toString() };
  }
}

async function watchOver(path: string, ...more: readonly string[]): Promise<{ frames: Frames; head: string }> {
  const socket = await admin.connect();
  const frames = new Frames(socket);
  socket.write(upgrade(path, ...more));
  return { frames, head: await frames.head() };
}

test("each event is a message of its own, whatever its size; closing ends the watch on both sides", async () => {
  ok(await admin.post(functions, aFunction("first")), 201);
  const { frames, head } = await watchOver(`${functions}?watch=1`);
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, new RegExp(`Sec-WebSocket-Accept: ${acceptKey(key).replaceAll("+", "\\+")}\r\n`));
  const big = { spec: { funcConfig: { text: "x".repeat(70_000) } } };
  ok(await admin.post(functions, aFunction("second", big)), 201);
  for (const name of ["first", "second"]) {
    const { opcode, text } = await frames.frame();
    assert.equal(opcode, 1);
    const event = JSON.parse(text);
    assert.deepEqual([event.type, valueAt(event.object, "metadata", "name")], ["ADDED", name]);
    assert.ok(!text.includes("\n"));
  }
  frames.socket.write(Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  assert.deepEqual(await frames.frame(), { opcode: 0xa, text: "hi" });
  frames.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  assert.equal((await frames.frame()).opcode, 8);
  await new Promise((resolve) => frames.socket.once("close", resolve));
});

test("its time up, the server closes", async () => {
  const { frames } = await watchOver(
    `${functions}?watch=1&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name%3Dnone`,
  );
  assert.equal((await frames.frame()).opcode, 8);
  await new Promise((resolve) => frames.socket.once("close", resolve));
});

test("a client that goes away without a word is forgotten", async () => {
  const open = async (): Promise<number> =>
    Number(
      /^apiserver_longrunning_requests\{.*resource="functions".*scope="namespace".*\} (\d+)$/m.exec(
        ok(await admin.get("/metrics")).text,
      )?.[1] ?? 0,
    );
  await eventually(async () => assert.equal(await open(), 0), 5_000, 20);
  const { frames } = await watchOver(`${functions}?watch=1`);
  assert.equal(await open(), 1);
  frames.socket.destroy();
  await eventually(async () => assert.equal(await open(), 0), 5_000, 20);
});

test("a protocol is agreed on if there is one to agree on; those with channels are refused", async () => {
  const agreed = await watchOver(`${functions}?watch=1`, "Sec-WebSocket-Protocol: v4.channel.k8s.io, text.example");
  assert.match(agreed.head, /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: text\.example\r\n/);
  agreed.frames.socket.destroy();
  const refused = await admin.exchange(upgrade(`${functions}?watch=1`, "Sec-WebSocket-Protocol: v4.channel.k8s.io"));
  assert.match(refused, /^HTTP\/1\.1 400 [\s\S]*a watch is sent as plain text, not as v4\.channel\.k8s\.io/);
});

test("a token may come as a protocol (API A-19), and is judged like any other", async () => {
  ok(await admin.post("/api/v1/namespaces/sockets/serviceaccounts", { metadata: { name: "watcher" } }), 201);
  ok(
    await admin.post("/apis/rbac.authorization.k8s.io/v1/namespaces/sockets/rolebindings", {
      metadata: { name: "watcher" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "watcher", namespace: "sockets" }],
    }),
    201,
  );
  const path = "/api/v1/namespaces/sockets/serviceaccounts/watcher/token";
  const token = String(ok(await admin.post(path, { spec: {} }), 201).at("status", "token"));
  const protocol = (text: string): string =>
    `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString("base64url")}`;
  const socket = await anonymous.connect();
  const frames = new Frames(socket);
  const configMaps = "/api/v1/namespaces/sockets/configmaps?watch=1";
  socket.write(upgrade(configMaps, `Sec-WebSocket-Protocol: ${protocol(token)}, text.example`));
  const head = await frames.head();
  assert.match(head, /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: text\.example\r\n/);
  assert.doesNotMatch(head, /bearer/);
  socket.destroy();
  const wrong = await anonymous.exchange(
    upgrade(configMaps, `Sec-WebSocket-Protocol: ${protocol("wrong")}, text.example`),
  );
  assert.match(wrong, /^HTTP\/1\.1 401 /);
});

test("what is refused, and what is no watch, is answered over HTTP", async () => {
  assert.match(
    await anonymous.exchange(upgrade(`${functions}?watch=1`)),
    /^HTTP\/1\.1 403 [\s\S]*"reason":"Forbidden"/,
  );
  assert.match(await admin.exchange(upgrade(`${functions}?watch=1&resourceVersion=x`)), /^HTTP\/1\.1 400 /);
  assert.match(await admin.exchange(upgrade(`${functions}?watch=0`)), /^HTTP\/1\.1 200 [\s\S]*"kind":"FunctionList"/);
});
