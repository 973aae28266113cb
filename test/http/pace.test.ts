/** The pace of a change that concerns many workloads, with the controllers, workers and caches of a whole server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { eventually } from "../support/processes.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile(["--max-concurrent-rollouts", "1"]);
const names = ["a", "b", "c"];
const compute = "/apis/compute.functionmesh.io/v1alpha1/namespaces/pace";

const statefulSets = async (): Promise<readonly JsonObject[]> =>
  listOf(ok(await admin.get("/apis/apps/v1/namespaces/pace/statefulsets")).body, "items").filter(isObject);

const has = (set: JsonObject, mode: string): boolean => JSON.stringify(set).includes(`"MODE","value":"${mode}"`);

/** Its pods are all there, ready, and made of what it says now. */
function isOver({ metadata, status }: JsonObject): boolean {
  const [meta, seen] = [metadata, status].map((part) => (isObject(part) ? part : {}));
  return (
    numberOf(seen, "observedGeneration") === numberOf(meta, "generation") &&
    textOf(seen, "currentRevision") === textOf(seen, "updateRevision") &&
    numberOf(seen, "readyReplicas") === 2
  );
}

test("one workload at a time, whoever looks and whenever, until all have the change", async () => {
  await createNamespace(admin, "pace");
  ok(await admin.post("/api/v1/namespaces/pace/configmaps", { metadata: { name: "pulsar" } }), 201);
  const config = { ...aWorkload("Function", { autoUpdate: true, env: { MODE: "one" } }), kind: "BackendConfig" };
  const metadata = { name: "backend-config", namespace: "pace" };
  ok(await admin.post(`${compute}/backendconfigs`, { ...config, metadata }), 201);
  for (const name of names) {
    const spec = aSpec("Function", { replicas: 2 });
    ok(await admin.post(`${compute}/functions`, aWorkload("Function", spec, { name, namespace: "pace" })), 201);
  }
  await eventually(async () => {
    const sets = await statefulSets();
    assert.equal(sets.filter((set) => isOver(set) && has(set, "one")).length, names.length);
  }, 60_000);

  ok(await admin.patch(`${compute}/backendconfigs/backend-config`, "merge", { spec: { env: { MODE: "two" } } }));
  let most = 0;
  await eventually(
    async () => {
      const sets = await statefulSets();
      most = Math.max(most, sets.filter((set) => has(set, "two") && !isOver(set)).length);
      assert.equal(sets.filter((set) => isOver(set) && has(set, "two")).length, names.length);
    },
    60_000,
    10,
  );
  assert.ok(most <= 1, `${most} at once`);
  for (const item of listOf(ok(await admin.get(`${compute}/functions`)).body, "items").filter(isObject)) {
    await eventually(async () => {
      const reply = ok(await admin.get(`${compute}/functions/${textOf(objectOf(item, "metadata"), "name")}`));
      assert.equal(reply.at("status", "pendingChange"), undefined);
    });
  }
});
