/** What clients see of a store that must not be believed (design D9): 503 and a sentence, never an absence. */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseCommandLine } from "../../apiserver/cmd/command-line.ts";
import { run } from "../../apiserver/cmd/compose.ts";
import { standaloneFoundation } from "../../apiserver/cmd/standalone.ts";
import { silentLogger } from "../../apiserver/observability/log.ts";
import { eventually } from "../support/processes.ts";
import { TestStoreMemory } from "../support/test-store-memory.ts";
import { Client, type Reply } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";

const directory = await mkdtemp(join(tmpdir(), "functionmesh-guard-"));
after(() => rm(directory, { recursive: true, force: true }));

/** A server in this process that waits for a better store rather than end, as behind a cluster. */
async function serverOn(data: string, memory: TestStoreMemory, controllers = "none") {
  const args = ["standalone", "--data-dir", data, "--secure-port", "0", "--controllers", controllers];
  const { options } = parseCommandLine(args, {});
  const running = await run(options, silentLogger, async (parts) => ({
    ...(await standaloneFoundation(parts)),
    storeMemory: memory,
    refusesAtStart: false,
  }));
  const { caBundle: ca, admin: identity } = running.foundation.pki;
  const admin = new Client(`https://127.0.0.1:${running.port}`, { ca, cert: identity.certificate, key: identity.key });
  return {
    admin,
    [Symbol.asyncDispose]: async () => {
      admin[Symbol.dispose]();
      await running.stop();
    },
  };
}

const functions = pathOf("kept", "functions");

/** API E-29 */
function refused(answer: Reply, why: RegExp): void {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.at("reason"), "ServiceUnavailable");
  assert.match(String(answer.at("message")), why);
  assert.equal(answer.headers["retry-after"], "2");
}

async function everythingIsRefused(admin: Client, why: RegExp): Promise<void> {
  const item = `${functions}/wordcount`;
  for (const answer of await Promise.all([
    admin.get(functions),
    admin.get(`${functions}?resourceVersion=0`),
    admin.get(item),
    admin.get(`${item}?resourceVersion=0`),
    admin.get(`${item}/status`),
    admin.get(`${functions}?watch=true`),
    admin.get(`${functions}?watch=true&resourceVersion=1`),
    admin.get("/api/v1/namespaces"),
    admin.post(functions, aFunction("other")),
    admin.put(item, aFunction("wordcount")),
    admin.patch(item, "merge", {}),
    admin.delete(item),
    admin.delete(functions),
  ]))
    refused(answer, why);
  for (const path of ["/livez", "/healthz", "/version", "/api", "/apis", "/apis/compute.functionmesh.io/v1alpha1"])
    assert.equal((await admin.get(path)).status, 200, path);
  assert.equal((await admin.get("/openapi/v3")).status, 200);
  const ready = await admin.get("/readyz");
  assert.equal(ready.status, 500);
  assert.match(ready.text, /\[-\]store failed/);
  assert.match((await admin.get("/readyz/store")).text, why);
}

test("a store that is replaced under the running server: 503 for all that is stored, no deletion, and back by itself", {
  timeout: 60_000,
}, async () => {
  const data = join(directory, "running");
  await using server = await serverOn(data, new TestStoreMemory());
  const { admin } = server;
  await createNamespace(admin, "kept");
  ok(await admin.post(functions, aFunction("wordcount")), 201);
  const watch = await admin.watch(`${functions}?watch=true&allowWatchBookmarks=true`);
  assert.equal((await watch.next())?.type, "ADDED");

  const file = join(data, "store.db");
  await rename(file, `${file}.away`);
  await copyFile(`${file}.away`, file);
  assert.equal((await admin.post(functions, aFunction("first-to-notice"))).status, 503);
  await everythingIsRefused(admin, /the store's file was removed or replaced under the running server/);
  for (let event = await watch.next(); event !== undefined; event = await watch.next())
    assert.notEqual(event.type, "DELETED");

  await rename(`${file}.away`, file);
  await eventually(async () => ok(await admin.get(`${functions}/wordcount`)));
  await eventually(async () => ok(await admin.post(functions, aFunction("after")), 201));
  await eventually(async () => assert.equal((await admin.get("/readyz")).status, 200));
});

test("another store than remembered at the start: 503 until somebody accepts it, then everything begins", {
  timeout: 60_000,
}, async () => {
  const memory = new TestStoreMemory();
  memory.remembered = {
    position: { identity: "of-the-one-before", revision: 1000, objects: 10, marks: 0 },
    acceptances: 0,
  };
  await using server = await serverOn(join(directory, "start"), memory, "*");
  const { admin } = server;
  await everythingIsRefused(
    admin,
    /the store is another one: its identity is (\S+), .*of-the-one-before.*; .*accept \1/,
  );
  memory.accepted = /accept (\S+)$/.exec(String((await admin.get(functions)).at("message")))?.[1];
  await eventually(async () => ok(await admin.get("/api/v1/namespaces/default")));
  await eventually(async () => assert.equal((await admin.get("/readyz")).status, 200));
  assert.equal(memory.remembered.acceptances, 1);
  await createNamespace(admin, "kept");
  ok(await admin.post(functions, aFunction("wordcount")), 201);
});
