import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import { namespaceType } from "../../apiserver/client/resource-types.ts";
import { newServiceUnavailable } from "../../apiserver/errors/status-error.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost, functionType } from "../../test/support/fake-host.ts";

const aFunction = (name: string, metadata: ObjectMeta = {}): KubeObject => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name, namespace: "demo", ...metadata },
  spec: {},
});

const ownedBy = (owner: KubeObject, rest: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name ?? "",
  uid: owner.metadata.uid ?? "",
  ...rest,
});

const ref = (name: string) => ({ type: functionType, name, namespace: "demo" });
const hold = ["example.org/hold"];

async function create(
  host: FakeHost,
  name: string,
  owners: OwnerReference[],
  metadata: ObjectMeta = {},
): Promise<KubeObject> {
  const withOwners = owners.length === 0 ? {} : { ownerReferences: owners };
  return host.client.create(functionType, aFunction(name, { ...metadata, ...withOwners }));
}

async function release(host: FakeHost, name: string): Promise<void> {
  await host.client.patch(ref(name), { type: "merge", body: { metadata: { finalizers: null } } });
  await settle();
}

// API KC-04
test("background: dependents and theirs follow their owner, others stay", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  const child = await create(host, "child", [ownedBy(owner, { controller: true, blockOwnerDeletion: true })]);
  await create(host, "grandchild", [ownedBy(child)]);
  await create(host, "other", []);
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Background" });
  await settle();
  assert.deepEqual(await host.names(functionType), ["other"]);
});

// API KC-06
test("foreground: the owner waits for its blocking dependents and goes last", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  await create(host, "c1", [ownedBy(owner, { blockOwnerDeletion: true })]);
  await create(host, "c2", [ownedBy(owner, { blockOwnerDeletion: true })], { finalizers: hold });
  await create(host, "c3", [ownedBy(owner)], { finalizers: hold });
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Foreground" });
  await settle();
  assert.deepEqual(await host.names(functionType), ["c2", "c3", "owner"]);
  assert.ok((await host.find(functionType, "c3"))?.metadata.deletionTimestamp, "dependents that don't block go too");
  await release(host, "c2");
  assert.deepEqual(await host.names(functionType), ["c3"], "c3 doesn't block its owner");
});

test("foreground passes on to dependents that have dependents", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  const child = await create(host, "child", [ownedBy(owner, { blockOwnerDeletion: true })]);
  await create(host, "grandchild", [ownedBy(child, { blockOwnerDeletion: true })], { finalizers: hold });
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Foreground" });
  await settle();
  assert.deepEqual(await host.names(functionType), ["child", "grandchild", "owner"]);
  await release(host, "grandchild");
  assert.deepEqual(await host.names(functionType), []);
});

// API KC-07
test("orphan: dependents lose the reference and stay", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  const second = await create(host, "second", []);
  await create(host, "child", [ownedBy(owner), ownedBy(second)]);
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Orphan" });
  await settle();
  assert.equal(await host.find(functionType, "owner"), undefined);
  const child = await host.find(functionType, "child");
  assert.deepEqual(
    child?.metadata.ownerReferences?.map(({ name }) => name),
    ["second"],
  );
});

test("a second delete in the background ends a wait in the foreground", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  await create(host, "child", [ownedBy(owner, { blockOwnerDeletion: true })], { finalizers: hold });
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Foreground" });
  await settle();
  await host.client.delete(ref("owner"), { propagationPolicy: "Background" });
  await settle();
  assert.deepEqual(await host.names(functionType), ["child"]);
});

test("with several owners the object stays as long as one does, without the reference to the one that went", async () => {
  await using host = await FakeHost.start();
  const [a, b] = [await create(host, "a", []), await create(host, "b", [])];
  await create(host, "child", [ownedBy(a), ownedBy(b)]);
  await settle();
  await host.client.delete(ref("a"));
  await settle();
  const child = await host.find(functionType, "child");
  assert.deepEqual(
    child?.metadata.ownerReferences?.map(({ name }) => name),
    ["b"],
  );
  await host.client.delete(ref("b"));
  await settle();
  assert.deepEqual(await host.names(functionType), []);
});

test("two that own each other go together in the foreground", async () => {
  await using host = await FakeHost.start();
  const a = await create(host, "a", []);
  const b = await create(host, "b", [ownedBy(a, { blockOwnerDeletion: true })]);
  const body = { metadata: { ownerReferences: [ownedBy(b, { blockOwnerDeletion: true })] } };
  await host.client.patch(ref("a"), { type: "merge", body });
  await settle();
  await host.client.delete(ref("a"), { propagationPolicy: "Foreground" });
  await settle();
  assert.deepEqual(await host.names(functionType), []);
});

test("a circle of owners goes as a whole in the foreground", async () => {
  await using host = await FakeHost.start();
  const a = await create(host, "a", []);
  const b = await create(host, "b", [ownedBy(a, { controller: true, blockOwnerDeletion: true })]);
  const c = await create(host, "c", [ownedBy(b, { controller: true, blockOwnerDeletion: true })]);
  const body = { metadata: { ownerReferences: [ownedBy(c, { controller: true, blockOwnerDeletion: true })] } };
  await host.client.patch(ref("a"), { type: "merge", body });
  await settle();
  await host.client.delete(ref("a"), { propagationPolicy: "Foreground" });
  await host.clock.advance(10_000);
  assert.deepEqual(await host.names(functionType), []);
});

const references: Record<string, { reason: string; owner: (former: KubeObject) => OwnerReference; stays: boolean }> = {
  "a former incarnation": { reason: "ownership is by uid", owner: (former) => ownedBy(former), stays: false },
  "an owner that never was": {
    reason: "a live read says it is not there",
    owner: (former) => ({ ...ownedBy(former), name: "never", uid: "never" }),
    stays: false,
  },
  "a kind nobody collects": {
    reason: "what can't be looked up can't be said to be absent",
    owner: () => ({ apiVersion: "example.org/v1", kind: "Gadget", name: "x", uid: "x" }),
    stays: true,
  },
};
for (const [name, { reason, owner, stays }] of Object.entries(references)) {
  test(`reference to ${name}`, async () => {
    await using host = await FakeHost.start();
    const former = await create(host, "owner", []);
    await host.client.delete(ref("owner"));
    await create(host, "owner", []);
    await create(host, "child", [owner(former)]);
    await settle();
    assert.equal((await host.find(functionType, "child")) !== undefined, stays, reason);
    assert.ok(await host.find(functionType, "owner"), "the namesake is nobody's dependent");
  });
}

// API KC-09
test("an owner in another namespace counts as absent, and the user is told", async () => {
  await using host = await FakeHost.start();
  const owner = await host.client.create(functionType, aFunction("owner", { namespace: "elsewhere" }));
  await create(host, "child", [ownedBy(owner)]);
  await settle();
  assert.equal(await host.find(functionType, "child"), undefined);
  assert.deepEqual(
    host.events.map(({ reason }) => reason),
    ["OwnerRefInvalidNamespace"],
  );
});

const pretenders: Record<string, (owner: KubeObject) => OwnerReference> = {
  "in another namespace": (owner) => ownedBy(owner, { blockOwnerDeletion: true }),
  "under another kind": (owner) => ({ ...ownedBy(owner, { blockOwnerDeletion: true }), kind: "Gadget" }),
  "under another name": (owner) => ({ ...ownedBy(owner, { blockOwnerDeletion: true }), name: "x" }),
};
for (const [what, reference] of Object.entries(pretenders)) {
  test(`foreground: an object ${what} that knows the owner's uid does not hold it`, async () => {
    await using host = await FakeHost.start();
    const owner = await create(host, "owner", []);
    const namespace = what.includes("namespace") ? "elsewhere" : "demo";
    const anchor = { namespace, finalizers: hold, ownerReferences: [reference(owner)] };
    await host.client.create(functionType, aFunction("anchor", anchor));
    await settle();
    await host.client.delete(ref("owner"), { propagationPolicy: "Foreground" });
    await settle();
    assert.equal(await host.find(functionType, "owner"), undefined);
  });
}

test("orphan: an object of another namespace is not written to", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  const far = { namespace: "elsewhere", finalizers: hold, ownerReferences: [ownedBy(owner)] };
  await host.client.create(functionType, aFunction("far", far));
  await settle();
  host.client.requests.length = 0;
  await host.client.delete(ref("owner"), { propagationPolicy: "Orphan" });
  await settle();
  assert.equal(await host.find(functionType, "owner"), undefined);
  assert.deepEqual(
    host.client.writes.filter(({ name }) => name === "far"),
    [],
  );
});

test("a cluster-scoped object with a namespaced owner stays, and the user is told", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  const metadata = { name: "other", ownerReferences: [ownedBy(owner)] };
  await host.client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata });
  await settle();
  await host.client.delete(ref("owner"));
  await settle();
  assert.deepEqual(await host.names(namespaceType), ["demo", "other"]);
  assert.equal(host.events[0]?.reason, "OwnerRefInvalidNamespace");
});

test("a cluster-scoped object is not collected for a namespaced owner", async () => {
  await using host = await FakeHost.start();
  const never = { apiVersion: "compute.functionmesh.io/v1alpha1", kind: "Function", name: "never", uid: "never" };
  const metadata = { name: "other", ownerReferences: [never] };
  await host.client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata });
  await settle();
  assert.deepEqual(await host.names(namespaceType), ["demo", "other"]);
});

// API KC-05
test("an owner that can't be read is not taken for absent", async () => {
  await using host = await FakeHost.start();
  const never = { apiVersion: "compute.functionmesh.io/v1alpha1", kind: "Function", name: "never", uid: "never" };
  host.client.fail(({ verb, name }) => verb === "get" && name === "never", newServiceUnavailable("down"), 3);
  await create(host, "child", [never]);
  await settle();
  assert.ok(await host.find(functionType, "child"));
  await host.clock.advance(100);
  assert.equal(await host.find(functionType, "child"), undefined, "retried until the server answers");
});

test("a settled system is not written to", async () => {
  await using host = await FakeHost.start();
  const owner = await create(host, "owner", []);
  await create(host, "child", [ownedBy(owner)]);
  await settle();
  host.client.requests.length = 0;
  await host.client.patch(ref("owner"), { type: "merge", body: { metadata: { labels: { a: "b" } } } });
  await host.clock.advance(600_000);
  assert.deepEqual(
    host.client.writes.map(({ verb, name }) => `${verb} ${name}`),
    ["patch owner"],
  );
});
