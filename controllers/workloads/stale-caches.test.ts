/** Caches lag behind what was just written; nothing is done twice for that, and nothing is done to what is no more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backendConfigType, functionMeshType, functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject, WatchEvent } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType, WatchQuery } from "../../apiserver/client/client.ts";
import { parseJson, stringifyJson } from "../../apiserver/machinery/json.ts";
import { aFunction, ComputeControllers } from "../../test/support/compute-controllers.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { aMesh, aSpec } from "../../test/support/workloads.ts";
import { hostTypes } from "./host-types.ts";
import { partOf } from "./parts.ts";

const { StatefulSet, Service } = hostTypes;

/** A server whose watches of some types tell nothing until they are let go on. */
class LateClient extends FakeClient {
  readonly #late = new Map<string, PromiseWithResolvers<void>>();

  delay(...types: readonly ResourceType[]): void {
    for (const { resource } of types) this.#late.set(resource, Promise.withResolvers());
  }

  async goOn(): Promise<void> {
    for (const { resolve } of this.#late.values()) resolve();
    this.#late.clear();
    await settle();
  }

  override async *watch(type: ResourceType, query: WatchQuery, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    for await (const event of super.watch(type, query, signal)) {
      await this.#late.get(type.resource)?.promise;
      yield event;
    }
  }
}

async function late(): Promise<{ readonly world: ComputeControllers; readonly client: LateClient }> {
  const client = new LateClient(new FakeClock());
  const world = await ComputeControllers.start({}, client);
  await client.create(hostTypes.ConfigMap, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "pulsar", namespace: "demo" },
  });
  return { world, client };
}

const look = (world: ComputeControllers, label: string) =>
  world.patch(functionType, "a", { metadata: { labels: { look: label } } });

test("what was made isn't made again while the cache doesn't show it", async () => {
  const { world, client } = await late();
  await using _ = world;
  client.delay(StatefulSet, Service);
  await world.create(functionType, aFunction("a"));
  const again = await world.writesOf(() => look(world, "again"));
  assert.deepEqual(again, ["patch functions/a"], "the user's own");
  assert.deepEqual(
    world.events.map(({ reason }) => reason),
    ["Created"],
  );
  assert.deepEqual(await world.writesOf(() => client.goOn()), []);
});

test("a change is made once, on top of the last one", async () => {
  const { world, client } = await late();
  await using _ = world;
  await world.create(functionType, aFunction("a"));
  client.delay(StatefulSet);
  const changes = ["org.example.B", "org.example.C"].map((className) => ({ spec: { className } }));
  for (const change of changes) {
    const writes = await world.writesOf(() => world.patch(functionType, "a", change));
    assert.deepEqual(
      writes.filter((write) => write.includes("statefulsets")),
      ["patch statefulsets/a-function"],
    );
    assert.deepEqual(await world.writesOf(() => look(world, change.spec.className)), ["patch functions/a"]);
  }
  assert.match(JSON.stringify(partOf(await world.find(StatefulSet, "a-function"), "spec")), /org\.example\.C/);
  const updated = world.events.filter(({ reason }) => reason === "Updated");
  assert.equal(updated.length, changes.length);
  assert.deepEqual(await world.writesOf(() => client.goOn()), []);
});

test("what was written and then taken away by somebody comes back once the cache knows", async () => {
  const { world, client } = await late();
  await using _ = world;
  client.delay(StatefulSet);
  await world.create(functionType, aFunction("a"));
  await world.delete(StatefulSet, "a-function");
  assert.deepEqual(await world.writesOf(() => look(world, "again")), ["patch functions/a"]);
  const writes = await world.writesOf(() => client.goOn());
  assert.ok(writes.includes("create statefulsets/a-function"), writes.join());
  assert.ok((await world.find(StatefulSet, "a-function")) !== undefined);
});

test("a cache that has to be listed anew shows what was taken away meanwhile", async () => {
  const { world, client } = await late();
  await using _ = world;
  client.delay(StatefulSet);
  await world.create(functionType, aFunction("a"));
  await world.delete(StatefulSet, "a-function");
  client.compact();
  client.closeWatches();
  await client.goOn();
  await world.clock.advance(60_000);
  await settle();
  await look(world, "again");
  assert.ok((await world.find(StatefulSet, "a-function")) !== undefined);
});

test("a BackendConfig reaches a workload whose StatefulSet the cache doesn't show", async () => {
  const { world, client } = await late();
  await using _ = world;
  client.delay(StatefulSet);
  await world.create(functionType, aFunction("a"));
  const spec = { autoUpdate: true, env: { MODE: "one" } };
  const metadata = { name: "backend-config", namespace: "demo" };
  const apiVersion = "compute.functionmesh.io/v1alpha1";
  await world.create(backendConfigType, { apiVersion, kind: "BackendConfig", metadata, spec });
  assert.match(JSON.stringify(await world.find(StatefulSet, "a-function")), /"MODE"/);
  assert.deepEqual(await world.writesOf(() => client.goOn()), []);
});

test("a mesh makes its members once", async () => {
  const { world, client } = await late();
  await using _ = world;
  client.delay(functionType);
  const member = { ...aSpec("Function"), name: "m" };
  await world.create(functionMeshType, aMesh({ functions: [member] }));
  const writes = await world.writesOf(() =>
    world.patch(functionMeshType, "mesh", { metadata: { labels: { look: "again" } } }),
  );
  assert.deepEqual(writes, ["patch functionmeshes/mesh"]);
  assert.deepEqual(
    (await world.writesOf(() => client.goOn())).filter((write) => write === "patch functions/mesh-m"),
    [],
  );
});

/** A cluster without some feature: a field of it is dropped, whoever writes it. */
class ForgetfulClient extends FakeClient {
  override async apply(...[type, object, options]: Parameters<FakeClient["apply"]>): Promise<KubeObject> {
    const kept: KubeObject = Object(parseJson(stringifyJson(object).replace(/,"successThreshold":1/g, "")));
    return super.apply(type, kept, options);
  }
}

test("what the cluster doesn't keep is applied once and noted, not again and again", async () => {
  const client = new ForgetfulClient(new FakeClock());
  await using world = await ComputeControllers.start({}, client);
  const startupProbe = { httpGet: { port: 9094 }, successThreshold: 1 };
  await world.create(functionType, aFunction("a", { spec: { pod: { startupProbe } } }));
  assert.deepEqual(await world.writesOf(() => look(world, "again")), ["patch functions/a"]);
  const set = await world.find(StatefulSet, "a-function");
  assert.match(set?.metadata.annotations?.["compute.functionmesh.io/not-kept"] ?? "", /startupProbe/);

  const byHand = { spec: { template: { spec: { terminationGracePeriodSeconds: 77 } } } };
  await world.patch(functionType, "a", { spec: { pod: { terminationGracePeriodSeconds: 5 } } });
  await world.patch(StatefulSet, "a-function", byHand);
  const repaired = JSON.stringify(await world.find(StatefulSet, "a-function"));
  assert.match(repaired, /"terminationGracePeriodSeconds":5[,}]/, "other drift is repaired");
  assert.deepEqual(await world.writesOf(() => look(world, "and again")), ["patch functions/a"]);
});

test("a note of somebody else hides no change of theirs", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", { spec: { pod: { terminationGracePeriodSeconds: 5 } } }));
  const place = "spec.template.spec.terminationGracePeriodSeconds";
  await world.patch(StatefulSet, "a-function", {
    metadata: { annotations: { "compute.functionmesh.io/not-kept": place } },
    spec: { template: { spec: { terminationGracePeriodSeconds: 77 } } },
  });
  const set = await world.find(StatefulSet, "a-function");
  assert.match(JSON.stringify(set?.spec), /"terminationGracePeriodSeconds":5[,}]/);
});
