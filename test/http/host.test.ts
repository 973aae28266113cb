/** The simulated host through the whole server: what an API server without a cluster has to do besides serving. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Standalone, startStandalone } from "../e2e/support/server.ts";
import { eventually } from "../support/processes.ts";
import { type Client, clientOf, valueAt } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";

let directory: string;
let server: Standalone;
let admin: Client;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-host-"));
  server = await startStandalone(join(directory, "data"), ["--log-level", "warn"]);
  admin = await clientOf(server.kubeconfig);
});
after(async () => {
  admin?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const podOf = (name: string, namespace: string) => `/api/v1/namespaces/${namespace}/pods/${name}-function-0`;

async function isReady(pod: string): Promise<void> {
  const conditions = ok(await admin.get(pod)).at("status", "conditions");
  assert.ok(Array.isArray(conditions));
  assert.ok(conditions.some((condition) => valueAt(condition, "type") === "Ready"));
}

test("a pod that is deleted ends, and its StatefulSet makes another", async () => {
  await createNamespace(admin, "pods");
  ok(await admin.post(pathOf("pods", "functions"), aFunction("fn")), 201);
  await eventually(() => isReady(podOf("fn", "pods")));
  const first = ok(await admin.get(podOf("fn", "pods"))).at("metadata", "uid");
  ok(await admin.delete(podOf("fn", "pods")));
  await eventually(async () => {
    await isReady(podOf("fn", "pods"));
    assert.notEqual(ok(await admin.get(podOf("fn", "pods"))).at("metadata", "uid"), first);
  });
});

test("what controllers did is told in Events", async () => {
  await createNamespace(admin, "told");
  ok(await admin.post(pathOf("told", "functions"), aFunction("fn")), 201);
  await eventually(async () => {
    const events = ok(await admin.get("/api/v1/namespaces/told/events")).at("items");
    assert.ok(Array.isArray(events));
    assert.ok(events.some((event) => valueAt(event, "involvedObject", "name") === "fn"));
  });
});

test("a namespace goes with everything in it, and nothing is said about what goes along", async () => {
  await createNamespace(admin, "ends");
  ok(await admin.post(pathOf("ends", "functions"), aFunction("fn")), 201);
  await eventually(() => isReady(podOf("fn", "ends")));
  const logged = server.process.output().length;
  ok(await admin.delete("/api/v1/namespaces/ends"));
  await eventually(async () => assert.equal((await admin.get("/api/v1/namespaces/ends")).status, 404));
  assert.equal((await admin.get(podOf("fn", "ends"))).status, 404);
  assert.equal(server.process.output().slice(logged), "");
});
