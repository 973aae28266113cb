import assert from "node:assert/strict";
import { test } from "node:test";
import { functionMeshType, functionType, sinkType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { aFunction, ComputeControllers } from "../../test/support/compute-controllers.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { hostTypes } from "../workloads/host-types.ts";
import { partOf } from "../workloads/parts.ts";

const component = (name: string, spec: JsonObject = {}): JsonObject => ({
  ...partOf(aFunction(name), "spec"),
  ...spec,
});

function aMesh(functions: JsonObject[], sinks: JsonObject[] = []): KubeObject {
  return {
    apiVersion: "compute.functionmesh.io/v1alpha1",
    kind: "FunctionMesh",
    metadata: { name: "mesh", namespace: "demo" },
    spec: { functions, sinks },
  };
}

/** `FunctionReady False Wait NotReady` by component, and the mesh's own under `""`. */
async function conditions(world: ComputeControllers): Promise<{ [component: string]: string }> {
  const status = partOf(await world.find(functionMeshType, "mesh"), "status");
  const maps = [status.functionConditions, status.sourceConditions, status.sinkConditions];
  const entries = maps.flatMap((map) => Object.entries(isObject(map) ? map : {}));
  const text = (value: unknown) => {
    const { condition, status, action, reason } = Object(value);
    return `${condition} ${status} ${action} ${reason}`;
  };
  return Object.fromEntries([...entries, ["", status.condition] as const].map(([name, value]) => [name, text(value)]));
}

test("components become members with the mesh as their owner", async () => {
  await using world = await ComputeControllers.start();
  const mesh = await world.create(functionMeshType, aMesh([component("a")], [{ name: "s", className: "x.Y" }]));
  const member = await world.find(functionType, "mesh-a");
  assert.deepEqual(
    member?.metadata.ownerReferences?.map(({ kind, name, uid, controller }) => ({ kind, name, uid, controller })),
    [{ kind: "FunctionMesh", name: "mesh", uid: mesh.metadata.uid, controller: true }],
  );
  assert.equal(partOf(member, "spec").name, "a");
  assert.deepEqual(member?.metadata.labels, { "compute.functionmesh.io/mesh": "mesh" });
  assert.notEqual(await world.find(sinkType, "mesh-s"), undefined);
  assert.notEqual(await world.find(hostTypes.StatefulSet, "mesh-a-function"), undefined);
  assert.deepEqual(await conditions(world), {
    a: "FunctionReady False Wait PodsNotReady",
    s: "SinkReady False Wait PodsNotReady",
    "": "MeshReady False Wait MembersNotReady",
  });
});

test("a member has no empty package location, as an operator's member hasn't", async () => {
  await using world = await ComputeControllers.start();
  const funcConfig = { jarLocation: "" };
  await world.create(
    functionMeshType,
    aMesh([component("a", { java: { jar: "/a.jar", jarLocation: "" }, funcConfig })]),
  );
  const spec = partOf(await world.find(functionType, "mesh-a"), "spec");
  assert.deepEqual([spec.java, spec.funcConfig], [{ jar: "/a.jar" }, funcConfig]);
  assert.deepEqual(
    await world.writesOf(() => world.patch(functionMeshType, "mesh", { metadata: { labels: { a: "b" } } })),
    ["patch functionmeshes/mesh"],
  );
});

test("the mesh is ready when its members are", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a")]));
  const status = { observedGeneration: 1, readyReplicas: 1, replicas: 1 };
  await world.patch(hostTypes.StatefulSet, "mesh-a-function", { status }, "status");
  assert.deepEqual(await conditions(world), {
    a: "FunctionReady True NoAction Ready",
    "": "MeshReady True NoAction Ready",
  });
  assert.ok(world.events.some(({ message }) => message === "All members are ready."));
});

test("a change of a component changes its member: fields that are gone go, fields of others stay", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a", { logTopic: "l" }), component("b")]));
  await world.patch(functionType, "mesh-a", { spec: { subscriptionName: "theirs" } });
  const functions = [component("a", { className: "x.Other" }), component("b")];
  const writes = await world.writesOf(() => world.patch(functionMeshType, "mesh", { spec: { functions } }));
  assert.ok(writes.includes("patch functions/mesh-a") && !writes.includes("patch functions/mesh-b"), writes.join());
  const spec = partOf(await world.find(functionType, "mesh-a"), "spec");
  assert.equal(spec.className, "x.Other");
  assert.equal("logTopic" in spec, false);
  assert.equal(spec.subscriptionName, "theirs");
});

test("a member whose component is gone goes, and only that", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a"), component("b")]));
  await world.create(functionType, aFunction("mesh-c"));
  await world.patch(functionMeshType, "mesh", { spec: { functions: [component("b")] } });
  assert.equal(await world.find(functionType, "mesh-a"), undefined);
  assert.notEqual(await world.find(functionType, "mesh-b"), undefined);
  assert.notEqual(await world.find(functionType, "mesh-c"), undefined, "not the mesh's");
  assert.deepEqual(Object.keys(await conditions(world)).sort(), ["", "b"]);
});

test("a member that was deleted or edited by hand comes back", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a")]));
  await world.delete(functionType, "mesh-a");
  assert.notEqual(await world.find(functionType, "mesh-a"), undefined);
  await world.patch(functionType, "mesh-a", { spec: { className: "x.Hand" } });
  assert.equal(partOf(await world.find(functionType, "mesh-a"), "spec").className, "org.example.Exclaim");
});

test("replicas that an autoscaler chose stay, also when the mesh changes", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a", { maxReplicas: 5 })]));
  await world.patch(functionType, "mesh-a", { spec: { replicas: 4 } });
  assert.equal(partOf(await world.find(functionType, "mesh-a"), "spec").replicas, 4);
  const functions = [component("a", { maxReplicas: 6 })];
  await world.patch(functionMeshType, "mesh", { spec: { functions } });
  const { replicas, maxReplicas } = partOf(await world.find(functionType, "mesh-a"), "spec");
  assert.deepEqual({ replicas, maxReplicas }, { replicas: 4, maxReplicas: 6 });
});

test("an object of somebody else under a member's name is left alone, and the user is told", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("mesh-a", { spec: { className: "x.Theirs" } }));
  await world.create(functionMeshType, aMesh([component("a")]));
  assert.equal(partOf(await world.find(functionType, "mesh-a"), "spec").className, "x.Theirs");
  assert.equal((await conditions(world)).a, "FunctionReady False Wait NotOwned");
  assert.ok(world.events.some(({ type, reason }) => type === "Warning" && reason === "NotOwned"));
});

test("a member that a deleted mesh of the same name has left goes, and is made anew", async () => {
  await using world = await ComputeControllers.start();
  const { apiVersion, kind } = aMesh([]);
  const ownerReferences = [{ apiVersion, kind, name: "mesh", uid: "before", controller: true }];
  const left = aFunction("mesh-a", { spec: { className: "x.Before" } });
  await world.create(functionType, { ...left, metadata: { ...left.metadata, ownerReferences } });
  await world.create(functionMeshType, aMesh([component("a")]));
  await settle();
  // Its own clean-up, if any, comes first.
  await world.patch(functionType, "mesh-a", { metadata: { finalizers: null } }).catch(() => undefined);
  await settle();
  assert.equal(partOf(await world.find(functionType, "mesh-a"), "spec").className, "org.example.Exclaim");
  assert.ok(!world.events.some(({ reason }) => reason === "NotOwned"));
});

test("a Function of another namespace that knows the mesh's uid is no member: it stays, and no status tells of it", async () => {
  await using world = await ComputeControllers.start();
  const mesh = await world.create(functionMeshType, aMesh([component("a")]));
  const { apiVersion, kind, metadata } = mesh;
  const owner = { apiVersion, kind, name: "mesh", uid: metadata.uid ?? "", controller: true };
  const theirs = aFunction("mesh-b");
  await world.create(functionType, {
    ...theirs,
    metadata: { ...theirs.metadata, namespace: "elsewhere", ownerReferences: [owner] },
  });
  await world.patch(functionMeshType, "mesh", { spec: { functions: [component("a", { logTopic: "l" })] } });
  const { items } = await world.client.list(functionType, { namespace: "elsewhere" });
  assert.equal(items.length, 1);
  assert.deepEqual(Object.keys(await conditions(world)).sort(), ["", "a"]);
});

test("a settled mesh costs no write when the controllers start again", async () => {
  const first = await ComputeControllers.start();
  await first.create(functionMeshType, aMesh([component("a", { maxReplicas: 2 }), component("b")]));
  await first[Symbol.asyncDispose]();
  const writes = first.client.writes.length;
  await using second = await ComputeControllers.start({}, first.client);
  assert.deepEqual(await second.writesOf(async () => {}), []);
  assert.equal(first.client.writes.length, writes);
});

test("a status that somebody else edits is put right", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a")]));
  const before = partOf(await world.find(functionMeshType, "mesh"), "status");
  await world.patch(functionMeshType, "mesh", { status: { phase: "Ready", message: "All is well." } }, "status");
  assert.deepEqual(partOf(await world.find(functionMeshType, "mesh"), "status"), before);
});

test("a mesh names the member that can't do its work, and says why", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionMeshType, aMesh([component("a"), component("b")]));
  const ready = { observedGeneration: 1, readyReplicas: 1, replicas: 1 };
  await world.patch(hostTypes.StatefulSet, "mesh-b-function", { status: ready }, "status");
  const set = await world.find(hostTypes.StatefulSet, "mesh-a-function");
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "mesh-a-function", uid: set?.metadata.uid ?? "" };
  const metadata = {
    ...{ name: "mesh-a-function-0", namespace: "demo", ownerReferences: [{ ...owner, controller: true }] },
    ...(set?.metadata.labels && { labels: set.metadata.labels }),
  };
  const waiting = { reason: "ImagePullBackOff", message: "no such image" };
  const status = { containerStatuses: [{ name: "pulsar-function", state: { waiting } }] };
  await world.create(hostTypes.Pod, { apiVersion: "v1", kind: "Pod", metadata, status });
  const { phase, message } = partOf(await world.find(functionMeshType, "mesh"), "status");
  assert.equal(phase, "Degraded");
  assert.match(
    String(message),
    /^Not ready: a \(Pod mesh-a-function-0: container pulsar-function doesn't start: no such image/,
  );
});
