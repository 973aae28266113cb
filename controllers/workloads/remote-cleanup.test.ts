import assert from "node:assert/strict";
import { test } from "node:test";
import { functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { newForbidden } from "../../apiserver/errors/status-error.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { aFunction, ComputeControllers } from "../../test/support/compute-controllers.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import type { Settings } from "../settings.ts";
import { hostTypes } from "./host-types.ts";

const { StatefulSet, Job, ConfigMap, Secret, Namespace } = hostTypes;
const installation: Partial<Settings> = { cleanupNamespace: "system", cleanupDeadlineSeconds: 30 };
const going = { reason: "NamespaceTerminating", message: "going", field: "metadata.namespace" };

/** A cluster whose namespace `demo` can be deleted, with what Functions in it need. */
async function aCluster(settings: Partial<Settings> = installation): Promise<ComputeControllers> {
  const client = new FakeClient(new FakeClock());
  const object = (kind: string, name: string, data: JsonObject): KubeObject => ({
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: "demo" },
    data,
  });
  const urls = { webServiceURL: "http://pulsar.shared:8080", LD_PRELOAD: "/tenant/evil.so" };
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "demo" },
    spec: { finalizers: ["kubernetes"] },
  };
  await client.create(Namespace, namespace);
  await client.create(ConfigMap, object("ConfigMap", "pulsar", urls));
  await client.create(Secret, object("Secret", "auth", { clientAuthenticationParameters: "dG9rZW4=", PATH: "L3g=" }));
  await client.create(Secret, object("Secret", "tls", { "ca.crt": "Y2E=" }));
  const world = new ComputeControllers(settings, client);
  await settle();
  return world;
}

const cleaning = (pulsar: JsonObject = {}): Parameters<typeof aFunction>[1] => ({
  spec: { cleanupSubscription: true, image: "tenant/own:1", pulsar: { pulsarConfig: "pulsar", ...pulsar } },
});
const withSecrets = {
  authSecret: "auth",
  tlsConfig: { enabled: true, certSecretName: "tls", certSecretKey: "ca.crt" },
};

async function deleteNamespace(world: ComputeControllers): Promise<void> {
  const refusal = newForbidden({ group: "batch", resource: "jobs" }, "any", "being terminated", [going]);
  world.client.fail(({ verb, name }) => verb === "create" && !name.startsWith("cleanup-"), refusal, 99);
  await world.client.delete({ type: Namespace, name: "demo", namespace: "" });
  await settle();
}
/** What a namespace controller does some seconds later. */
async function empty(world: ComputeControllers): Promise<void> {
  for (const [type, name] of [
    [Secret, "auth"],
    [Secret, "tls"],
    [ConfigMap, "pulsar"],
    [functionType, "a"],
  ] as const)
    await world.delete(type, name);
}
const remoteJob = async (world: ComputeControllers): Promise<KubeObject | undefined> =>
  (await world.client.list(Job, { namespace: "system" })).items[0];
const end = async (world: ComputeControllers, type: "Complete" | "Failed"): Promise<void> => {
  const { name = "" } = (await remoteJob(world))?.metadata ?? {};
  const body = { status: { conditions: [{ type, status: "True" }] } };
  await world.client.patch(
    { type: Job, name, namespace: "system" },
    { type: "merge", body },
    { subresource: "status" },
  );
  await settle();
};

test("deleted with its namespace: the Job is prepared elsewhere, starts when the pods have stopped, and is told of", async () => {
  await using world = await aCluster();
  await world.create(functionType, aFunction("a", cleaning(withSecrets)));
  await deleteNamespace(world);
  const prepared = await remoteJob(world);
  assert.equal(objectOf(prepared, "spec")?.suspend, true);
  await empty(world);
  assert.equal(objectOf(await remoteJob(world), "spec")?.suspend, true, "its pods still run");
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  assert.equal(objectOf(await remoteJob(world), "spec")?.suspend, false);
  await end(world, "Complete");
  assert.equal(await world.find(functionType, "a"), undefined);
  assert.equal(await remoteJob(world), undefined);
  const told = world.events.filter(({ reason }) => reason.startsWith("Clean"));
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ["CleaningUp", "CleanedUp"],
  );
  assert.match(told[1]?.message ?? "", /^Function demo\/a: Removed/);
});

test("in the Job runs the installation's image, with what Pulsar's tools read of the tenant's and nothing else", async () => {
  await using world = await aCluster();
  await world.create(functionType, aFunction("a", cleaning(withSecrets)));
  await deleteNamespace(world);
  const job = await remoteJob(world);
  const pod = objectOf(objectOf(objectOf(job, "spec"), "template"), "spec");
  const text = JSON.stringify(job);
  assert.doesNotMatch(text, /tenant|LD_PRELOAD|"PATH"|dG9rZW4|Y2E=/);
  assert.equal(pod?.automountServiceAccountToken, false);
  assert.equal(textOf(pod, "serviceAccountName"), "");
  assert.match(text, /"webServiceURL","value":"http:\/\/pulsar\.shared:8080"/);
  assert.match(text, /"image":"streamnative\/pulsar-all:[^"]+"/);
  const secret = await world.find(Secret, job?.metadata.name ?? "", "system");
  assert.deepEqual(secret?.data, { clientAuthenticationParameters: "dG9rZW4=", "file-0": "Y2E=" });
  assert.deepEqual(
    secret?.metadata.ownerReferences?.map(({ uid }) => uid),
    [job?.metadata.uid],
    "it goes with its Job",
  );
});

test("nothing secret, no Secret; and no clean-up, no Job", async () => {
  await using world = await aCluster();
  await world.create(functionType, aFunction("a", cleaning()));
  await world.create(functionType, aFunction("b"));
  await deleteNamespace(world);
  assert.equal((await world.client.list(Job, { namespace: "system" })).items.length, 1);
  assert.deepEqual((await world.client.list(Secret, { namespace: "system" })).items, []);
});

test("a Job that fails, or doesn't end, holds nobody: what is left is told", async () => {
  for (const fails of [true, false]) {
    await using world = await aCluster();
    await world.create(functionType, aFunction("a", cleaning()));
    await deleteNamespace(world);
    await empty(world).catch(() => undefined);
    await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
    if (fails) await end(world, "Failed");
    else await world.clock.advance(91_000);
    assert.equal(await world.find(functionType, "a"), undefined);
    const told = world.events.find(({ reason }) => reason === "CleanupFailed");
    assert.match(told?.message ?? "", /^Function demo\/a: .*Left in Pulsar: subscription .+ of persistent:/);
  }
});

const uncovered: readonly (readonly [string, Partial<Settings>, (world: ComputeControllers) => void, RegExp])[] = [
  ["no namespace for the Job", { cleanupDeadlineSeconds: 30 }, () => {}, /no --cleanup-namespace/],
  [
    "a Secret that may not be read",
    installation,
    ({ client }) => {
      const denied = newForbidden({ group: "", resource: "secrets" }, "auth", "not allowed");
      client.fail(({ verb, resource }) => verb === "get" && resource === "secrets", denied, 99);
    },
    /the Job can't be made: Forbidden.*not allowed/,
  ],
  [
    "a ConfigMap that was gone first",
    installation,
    ({ client }) => void client.delete({ type: ConfigMap, name: "pulsar", namespace: "demo" }),
    /was gone before it could be read/,
  ],
];
for (const [what, settings, happens, told] of uncovered) {
  test(`deleted with its namespace, and ${what}: nothing waits, and what is left is told`, async () => {
    await using world = await aCluster(settings);
    await world.create(functionType, aFunction("a", cleaning({ authSecret: "auth" })));
    happens(world);
    await deleteNamespace(world);
    await world.delete(functionType, "a");
    await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
    assert.equal(await world.find(functionType, "a"), undefined);
    const event = world.events.find(({ reason }) => reason === "CleanupFailed");
    assert.match(event?.message ?? "", told);
    assert.match(event?.message ?? "", /Left in Pulsar/);
  });
}

test("a Job that was prepared goes with an object that went without it", async () => {
  await using world = await aCluster();
  await world.create(functionType, aFunction("a", cleaning()));
  await deleteNamespace(world);
  assert.notEqual(await remoteJob(world), undefined);
  await world.delete(functionType, "a");
  await world.patch(functionType, "a", { metadata: { finalizers: null } });
  assert.equal(await remoteJob(world), undefined);
});

test("as many run at once as may; the others wait for them", async () => {
  await using world = await aCluster();
  const names = Array.from({ length: 12 }, (_, index) => `f${index}`);
  for (const name of names) await world.create(functionType, aFunction(name, cleaning()));
  await deleteNamespace(world);
  const started = async (): Promise<number> =>
    (await world.client.list(Job, { namespace: "system" })).items.filter(
      (job) => objectOf(job, "spec")?.suspend === false,
    ).length;
  for (const name of names) {
    await world.delete(functionType, name);
    await world.patch(StatefulSet, `${name}-function`, { metadata: { finalizers: null } });
  }
  assert.equal(await started(), 10);
  await end(world, "Complete");
  await world.clock.advance(6_000);
  assert.equal(await started(), 10, "one ended, the next began");
  assert.ok(listOf(objectOf(await remoteJob(world), "status"), "conditions").length === 0);
});
