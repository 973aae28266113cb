/** The pace at which a change of many workloads goes through them: by turns, and no further while one fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backendConfigType, functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { aFunction, ComputeControllers } from "../../test/support/compute-controllers.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { hostTypes } from "./host-types.ts";
import { partOf } from "./parts.ts";

const { StatefulSet, Pod } = hostTypes;
const places = 2;
const pace = { maxConcurrentRollouts: places };
const names = ["a", "b", "c", "d", "e"];

/** As the StatefulSet controller reports when its pods are as wanted; `ready: 0` while the new ones don't come up. */
async function report(world: ComputeControllers, name: string, ready = 1, namespace = "demo"): Promise<void> {
  const live = await world.find(StatefulSet, `${name}-function`, namespace);
  const revisions = { updateRevision: `r${live?.metadata.generation}`, ...(ready > 0 && { currentRevision: "" }) };
  const status = {
    ...{ observedGeneration: live?.metadata.generation, replicas: 1, readyReplicas: ready, updatedReplicas: ready },
    ...revisions,
    ...(ready > 0 && { currentRevision: revisions.updateRevision }),
  };
  const ref = { type: StatefulSet, name: `${name}-function`, namespace };
  await world.client.patch(ref, { type: "merge", body: { status } }, { subresource: "status" });
  await settle();
}

async function podOf(world: ComputeControllers, name: string, status: JsonObject, namespace = "demo"): Promise<void> {
  const set = await world.find(StatefulSet, `${name}-function`, namespace);
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: `${name}-function`, uid: set?.metadata.uid ?? "" };
  const labels = { "compute.functionmesh.io/name": name, "compute.functionmesh.io/component": "function" };
  const metadata = {
    name: `${name}-function-0`,
    namespace,
    labels,
    ownerReferences: [{ ...owner, controller: true }],
  };
  await world.create(Pod, { apiVersion: "v1", kind: "Pod", metadata, status });
}

const config = (MODE: string) => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "BackendConfig",
  metadata: { name: "backend-config", namespace: "demo" },
  spec: { autoUpdate: true, env: { MODE } },
});
const setMode = (world: ComputeControllers, MODE: string) =>
  world.patch(backendConfigType, "backend-config", { spec: { env: { MODE } } });

/** Functions whose pods are made with this MODE. */
async function having(world: ComputeControllers, MODE: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const { template } = partOf(await world.find(StatefulSet, `${name}-function`), "spec");
    if (JSON.stringify(template).includes(`"MODE","value":"${MODE}"`)) found.push(name);
  }
  return found;
}

const pending = async (world: ComputeControllers, name: string): Promise<string> =>
  String(partOf(await world.find(functionType, name), "status").pendingChange);

/** Five Functions that are ready, made with MODE one. */
async function fiveReady(): Promise<ComputeControllers> {
  const world = await ComputeControllers.start(pace);
  await world.create(backendConfigType, config("one"));
  for (const name of names) {
    await world.create(functionType, aFunction(name));
    await report(world, name);
  }
  return world;
}

test("so many at once, and the next when one is ready again, until all have it", async () => {
  await using world = await fiveReady();
  await setMode(world, "two");
  const waves: string[][] = [];
  for (let done: string[] = []; done.length < names.length; ) {
    const changing = (await having(world, "two")).filter((name) => !done.includes(name));
    waves.push(changing);
    assert.ok(changing.length > 0 && changing.length <= places, changing.join());
    const [first = ""] = changing;
    await report(world, first);
    done = [...done, first];
  }
  assert.equal(waves.length, names.length);
  for (const name of names) assert.equal(await pending(world, name), "undefined");
});

test("who waits says so, with what would change, and without values that may be secret", async () => {
  await using world = await fiveReady();
  await world.patch(backendConfigType, "backend-config", {
    spec: { env: { MODE: "two" }, pod: { terminationGracePeriodSeconds: 7 } },
  });
  const waiting = names.filter((name) => name > "b");
  for (const name of waiting) {
    const status = partOf(await world.find(functionType, name), "status");
    assert.equal(status.phase, "Ready");
    assert.match(String(status.pendingChange), /^WaitsForTurn: .*env\[MODE\]\.value/);
    assert.deepEqual(status.pendingDiff, [
      "spec.template.spec.containers[pulsar-function].env[MODE].value: changes, values are not shown",
      "spec.template.spec.terminationGracePeriodSeconds: nothing becomes 7",
    ]);
  }
});

test("a user's own change waits for nobody", async () => {
  await using world = await fiveReady();
  await setMode(world, "two");
  await world.patch(functionType, "e", { spec: { className: "org.example.Other" } });
  assert.deepEqual(await having(world, "two"), ["a", "b", "e"]);
});

test("what isn't ready waits for no turn and takes none, and neither does what is switched off", async () => {
  await using world = await fiveReady();
  await report(world, "d", 0);
  await world.patch(functionType, "e", { spec: { replicas: 0 } });
  await setMode(world, "two");
  assert.deepEqual(await having(world, "two"), ["a", "b", "d", "e"]);
});

const crash = { containerStatuses: [{ name: "pulsar-function", state: { waiting: { reason: "CrashLoopBackOff" } } }] };

test("one that fails stops the others; what mends it reaches it at once, and then they go on", async () => {
  await using world = await fiveReady();
  await setMode(world, "bad");
  await report(world, "a", 0);
  await podOf(world, "a", crash);
  await report(world, "b");
  assert.deepEqual(await having(world, "bad"), ["a", "b"], "a place is free, and nobody takes it");
  await world.patch(functionType, "c", { metadata: { labels: { look: "again" } } });
  assert.match(await pending(world, "c"), /^RolloutStopped: /);

  await setMode(world, "good");
  assert.deepEqual(await having(world, "good"), ["a"]);
  await world.delete(Pod, "a-function-0");
  for (const name of names) await report(world, name);
  for (const name of names) await report(world, name);
  assert.deepEqual(await having(world, "good"), names);
});

/** Functions `a` to `e` in each of these namespaces, ready, made with MODE one of the installation's BackendConfig. */
async function tenants(namespaces: readonly string[], changes = {}): Promise<ComputeControllers> {
  const globalBackendConfig = { namespace: "demo", name: "backend-config" };
  const world = await ComputeControllers.start({ ...pace, globalBackendConfig, ...changes });
  await world.create(backendConfigType, config("one"));
  for (const namespace of namespaces) {
    await world.create(hostTypes.ConfigMap, { ...pulsarConfig, metadata: { name: "pulsar", namespace } });
    for (const name of names) {
      await world.create(functionType, aFunction(name, { metadata: { namespace } }));
      await report(world, name, 1, namespace);
    }
  }
  return world;
}
const pulsarConfig = { apiVersion: "v1", kind: "ConfigMap" };

/** `namespace/name` of Functions whose pods are made with this MODE. */
async function havingIn(world: ComputeControllers, namespaces: readonly string[], MODE: string): Promise<string[]> {
  const sets = (
    await Promise.all(namespaces.map((namespace) => world.client.list(StatefulSet, { namespace })))
  ).flatMap(({ items }) => items);
  return sets
    .filter((set) => JSON.stringify(partOf(set, "spec").template).includes(`"MODE","value":"${MODE}"`))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name?.replace("-function", "")}`);
}

/** Lets what has the change become ready, and waiting ones look again, until nothing moves. */
async function goOn(world: ComputeControllers, namespaces: readonly string[], failing: string): Promise<string[]> {
  for (let had = -1; ; ) {
    const having = await havingIn(world, namespaces, "two");
    if (having.length === had) return having;
    had = having.length;
    for (const key of having) {
      const [namespace = "", name = ""] = key.split("/");
      if (namespace !== failing) await report(world, name, 1, namespace);
    }
    await world.clock.advance(60_000);
    await settle();
  }
}

test("a tenant whose workloads fail stops its own namespace, and nobody else's", async () => {
  const namespaces = ["ta", "tb"];
  await using world = await tenants(namespaces);
  await setMode(world, "two");
  const first = await havingIn(world, namespaces, "two");
  assert.deepEqual(first, ["ta/a", "ta/b"], "both places are one tenant's");
  for (const name of ["a", "b"]) {
    await report(world, name, 0, "ta");
    await podOf(world, name, crash, "ta");
  }
  const having = await goOn(world, namespaces, "ta");
  assert.deepEqual(having, [...first, ...names.map((name) => `tb/${name}`)]);
  assert.match(String(partOf(await world.find(functionType, "c", "ta"), "status").pendingChange), /^RolloutStopped: /);
});

test("a change that breaks the workloads of several tenants stops for all", async () => {
  const namespaces = ["ta", "tb", "tc"];
  await using world = await tenants(namespaces);
  await setMode(world, "two");
  await report(world, "a", 0, "ta");
  await podOf(world, "a", crash, "ta");
  await report(world, "b", 1, "ta");
  await world.clock.advance(60_000);
  await settle();
  const [other = ""] = (await havingIn(world, namespaces, "two")).filter((key) => !key.startsWith("ta/"));
  const [namespace = "", name = ""] = other.split("/");
  await report(world, name, 0, namespace);
  await podOf(world, name, crash, namespace);
  const before = await havingIn(world, namespaces, "two");
  for (const key of before.filter((each) => each !== other && !each.startsWith("ta/"))) {
    const [in_ = "", ready = ""] = key.split("/");
    await report(world, ready, 1, in_);
  }
  await world.clock.advance(60_000);
  await settle();
  assert.deepEqual(await havingIn(world, namespaces, "two"), before);
});

test("one whose pod isn't ready after ten minutes fails, though nothing says why", async () => {
  await using world = await fiveReady();
  await setMode(world, "two");
  await report(world, "a", 0);
  await podOf(world, "a", { phase: "Running" });
  await report(world, "b");
  assert.equal((await having(world, "two")).length, 3, "it may take a while");
  await world.clock.advance(601_000);
  await world.patch(functionType, "d", { metadata: { labels: { look: "again" } } });
  assert.match(await pending(world, "d"), /^RolloutStopped: /);
});

test("one that fails and is switched off, or changed by its user, stops nobody", async () => {
  for (const spec of [{ replicas: 0 }, { className: "org.example.Other" }]) {
    await using world = await fiveReady();
    await setMode(world, "bad");
    await report(world, "a", 0);
    await podOf(world, "a", crash);
    await report(world, "b");
    await world.patch(functionType, "a", { spec });
    if ("replicas" in spec) {
      const generation = (await world.find(StatefulSet, "a-function"))?.metadata.generation;
      await world.patch(StatefulSet, "a-function", { status: { observedGeneration: generation } }, "status");
    }
    const { length } = await having(world, "bad");
    assert.equal(length, 4, "both places are taken anew");
  }
});

test("another leader goes on where the last one was: nobody more than may, nobody twice", async () => {
  const first = await fiveReady();
  await setMode(first, "two");
  await report(first, "a");
  const had = await having(first, "two");
  assert.equal(had.length, 3);
  const [next = "", last = ""] = had.filter((name) => name !== "a");
  await first[Symbol.asyncDispose]();
  const generation = async (name: string) => (await first.find(StatefulSet, `${name}-function`))?.metadata.generation;
  const before = await generation(next);

  await using second = await ComputeControllers.start(pace, first.client);
  await settle();
  assert.deepEqual(await having(second, "two"), had);
  assert.equal(await generation(next), before);
  await report(second, next);
  assert.equal((await having(second, "two")).length, 4);
  await report(second, last);
  assert.deepEqual(await having(second, "two"), names);
});

test("asked for by annotation, what waits goes by turns as well; 0 is no pace", async () => {
  const rollOut = async (world: ComputeControllers) => {
    await world.patch(backendConfigType, "backend-config", { spec: { autoUpdate: false } });
    await setMode(world, "two");
    assert.deepEqual(await having(world, "two"), []);
    const body = { metadata: { annotations: { "compute.functionmesh.io/roll-out": "now" } } };
    for (const name of names) await world.patch(functionType, name, body);
    return having(world, "two");
  };
  await using paced = await fiveReady();
  assert.deepEqual(await rollOut(paced), ["a", "b"]);
  const unpaced = await fiveReady();
  await unpaced[Symbol.asyncDispose]();
  await using all = await ComputeControllers.start({ maxConcurrentRollouts: 0 }, unpaced.client);
  assert.deepEqual(await rollOut(all), names);
});
