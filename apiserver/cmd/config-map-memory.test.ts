import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { gatedClient } from "../client/gated-client.ts";
import { configMapType } from "../client/resource-types.ts";
import { newConflict, StatusError } from "../errors/status-error.ts";
import type { Remembered } from "../storage/guard/store-memory.ts";
import { configMapMemory } from "./config-map-memory.ts";

const at = { namespace: "functionmesh-system", name: "functionmesh-store" };
const ref = { type: configMapType, ...at };
const { signal } = new AbortController();

const standing = (revision: number, acceptances = 0): Remembered => ({
  position: { identity: "store-1", revision, objects: 3, marks: 2 },
  acceptances,
});

function setup() {
  const client = new FakeClient(new FakeClock());
  return { client, memory: configMapMemory(client, at) };
}

test("configMapMemory: what is written is read, by another server too, and the newest stays", async () => {
  const { client, memory } = setup();
  assert.deepEqual(await memory.read(signal), {});
  await memory.write(standing(7), signal);
  await memory.write(standing(9), signal);
  await memory.write(standing(8), signal);
  assert.deepEqual(await configMapMemory(client, at).read(signal), { remembered: standing(9) });
  await memory.write(standing(2, 1), signal);
  assert.deepEqual(await memory.read(signal), { remembered: standing(2, 1) });
});

test("configMapMemory: an annotation accepts a store by its name, once; other annotations stay", async () => {
  const { client, memory } = setup();
  await memory.write(standing(7), signal);
  const annotations = { "functionmesh.io/accept-store": "store-2", team: "a" };
  await client.patch(ref, { type: "merge", body: { metadata: { annotations } } });
  assert.equal((await memory.read(signal)).accepted, "store-2");
  await memory.write({ position: { ...standing(1).position, identity: "store-2" }, acceptances: 1 }, signal);
  assert.equal((await memory.read(signal)).accepted, undefined);
  assert.deepEqual((await client.get(ref)).metadata.annotations, { team: "a" });
});

test("configMapMemory: how to accept is a command of kubectl", () => {
  const { memory } = setup();
  const found = { identity: undefined, revision: 1, objects: 0, marks: 0 };
  assert.equal(
    memory.howToAccept(found),
    "kubectl annotate configmap functionmesh-store -n functionmesh-system functionmesh.io/accept-store=empty",
  );
});

test("configMapMemory: a lost race is run again; what says nothing is told", async () => {
  const { client, memory } = setup();
  await memory.write(standing(7), signal);
  const conflict = newConflict({ group: "", resource: "configmaps" }, at.name, "changed");
  client.fail(({ verb }) => verb === "update", conflict);
  await memory.write(standing(8), signal);
  assert.equal((await memory.read(signal)).remembered?.position.revision, 8);
  await client.patch(ref, { type: "merge", body: { data: { store: "?" } } });
  await assert.rejects(memory.read(signal), /functionmesh-store does not say where the store stood/);
});

test("gatedClient: writes nothing while there is a reason not to; reads go on", async () => {
  const { client } = setup();
  let refusal: string | undefined = "the store is empty";
  const gated = gatedClient(client, () => refusal);
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: at };
  const fieldManager = "function-mesh";
  for (const write of [
    () => gated.create(configMapType, object),
    () => gated.update(configMapType, object),
    () => gated.patch(ref, { type: "merge", body: {} }),
    () => gated.apply(configMapType, object, { fieldManager }),
    () => gated.delete(ref),
  ])
    await assert.rejects(write, (error) => error instanceof StatusError && error.message === refusal);
  assert.deepEqual(client.writes, []);
  assert.deepEqual((await gated.list(configMapType)).items, []);
  refusal = undefined;
  await gated.create(configMapType, object);
  assert.equal((await gated.get(ref)).metadata.name, at.name);
});
