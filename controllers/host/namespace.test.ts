import assert from "node:assert/strict";
import { test } from "node:test";
import { configMapType, namespaceType, podType, serviceAccountType } from "../../apiserver/client/resource-types.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost, functionType } from "../../test/support/fake-host.ts";

const demo = { type: namespaceType, name: "demo" };

const aFunction = (name: string, finalizers: string[] = []) => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name, namespace: "demo", ...(finalizers.length === 0 ? {} : { finalizers }) },
  spec: {},
});

test("a namespace gets its ServiceAccount and root CA, and gets them back", async () => {
  await using host = await FakeHost.start();
  const config = { type: configMapType, namespace: "demo", name: "kube-root-ca.crt" };
  await host.client.delete({ type: serviceAccountType, namespace: "demo", name: "default" });
  await host.client.patch(config, { type: "merge", body: { data: { "ca.crt": "forged" } } });
  await settle();
  assert.deepEqual(await host.names(serviceAccountType), ["default"]);
  assert.deepEqual((await host.client.get(config)).data, { "ca.crt": "PEM" });
});

// API KC-10
test("a deleted namespace is emptied, then gone; others are untouched", async () => {
  await using host = await FakeHost.start();
  await host.client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  for (const name of ["a", "b"]) await host.client.create(functionType, aFunction(name));
  await settle();
  await host.client.delete(demo);
  await settle();
  assert.deepEqual(await host.names(namespaceType), ["other"]);
  assert.deepEqual(await host.names(functionType), []);
  assert.deepEqual(await host.names(serviceAccountType), ["default"]);
  assert.deepEqual(host.errors, []);
});

test("content with finalizers keeps the namespace, which says so", async () => {
  await using host = await FakeHost.start();
  await host.client.create(functionType, aFunction("held", ["example.org/hold"]));
  await host.client.delete(demo);
  await settle();
  host.client.requests.length = 0;
  await host.clock.advance(60_000);
  assert.deepEqual(
    host.client.writes.map(({ verb, resource, subresource }) => [verb, resource, subresource]),
    [["update", "namespaces", "status"]],
    "one report, however long it takes",
  );
  const conditions = listOf(objectOf(await host.client.get(demo), "status"), "conditions").filter(isObject);
  const told = conditions.filter(({ status }) => status === "True").map((condition) => textOf(condition, "message"));
  assert.deepEqual(told, [
    "Some resources are remaining: functions.compute.functionmesh.io has 1 resource instances",
    "Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances",
  ]);

  const ref = { type: functionType, namespace: "demo", name: "held" };
  await host.client.patch(ref, { type: "merge", body: { metadata: { finalizers: null } } });
  await settle();
  assert.deepEqual(await host.names(namespaceType), []);
});

test("pods go first: what they may still need stays until they are gone", async () => {
  await using host = await FakeHost.start();
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "demo", finalizers: ["a.org/b"] } };
  await host.client.create(podType, pod);
  await settle();
  await host.client.delete(demo);
  await host.clock.advance(60_000);
  assert.ok((await host.find(podType, "p"))?.metadata.deletionTimestamp);
  assert.deepEqual(await host.names(configMapType), ["kube-root-ca.crt"]);
  const told = JSON.stringify(objectOf(await host.client.get(demo), "status")?.conditions);
  assert.match(told, /Some resources are remaining: .*pods has 1 resource instances/);
  await host.client.patch(
    { type: podType, name: "p", namespace: "demo" },
    { type: "merge", body: { metadata: { finalizers: null } } },
  );
  await settle();
  assert.deepEqual(await host.names(namespaceType), []);
  assert.deepEqual(await host.names(configMapType), []);
});

test("content no cache shows yet is found before the namespace goes", async () => {
  await using host = await FakeHost.start();
  host.client.closeWatches();
  await host.client.create(functionType, aFunction("late", ["example.org/hold"]));
  await host.client.delete(demo);
  await host.clock.advance(1_000);
  assert.deepEqual(await host.names(namespaceType), ["demo"]);
});
