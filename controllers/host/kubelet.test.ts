import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { podType } from "../../apiserver/client/resource-types.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { isReady } from "./pods.ts";

const aPod = (metadata: ObjectMeta = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "demo", ...metadata },
  spec: { initContainers: [{ name: "init", image: "i" }], containers: [{ name: "main", image: "image:1" }] },
});
const ref = { type: podType, name: "p", namespace: "demo" };

test("any pod becomes Running and Ready, placed and labelled as simulated", async () => {
  await using host = await FakeHost.start();
  await host.client.create(podType, aPod());
  await settle();
  await host.clock.advance(1000);
  const pod = await host.client.get(ref);
  assert.ok(isReady(pod));
  assert.equal(pod.metadata.labels?.["functionmesh.io/simulated"], "true");
  assert.equal(textOf(objectOf(pod, "spec"), "nodeName"), "simulated");
  assert.match(textOf(objectOf(pod, "status"), "podIP"), /^10\.\d+\.\d+\.\d+$/);
  assert.match(JSON.stringify(objectOf(pod, "status")?.containerStatuses), /"name":"main".*"ready":true/);
  assert.match(JSON.stringify(objectOf(pod, "status")?.initContainerStatuses), /"exitCode":0/);
});

test("scheduler and kubelet tell of a pod that they placed and started", async () => {
  await using host = await FakeHost.start();
  await host.client.create(podType, aPod());
  await settle();
  await host.clock.advance(1000);
  const told = host.events.map(({ component, reason }) => `${component} ${reason}`);
  assert.deepEqual(told, ["default-scheduler Scheduled", "kubelet Started"]);
});

test("a pod that runs longer than it may fails at its deadline, and not before", async () => {
  await using host = await FakeHost.start();
  const pod = aPod();
  await host.client.create(podType, { ...pod, spec: { ...pod.spec, activeDeadlineSeconds: 60 } });
  await settle();
  const status = async () => objectOf(await host.client.get(ref), "status");
  await host.clock.advance(59_000);
  assert.equal(textOf(await status(), "phase"), "Running");
  // The deadline is put off while it runs.
  await host.client.patch(ref, { type: "merge", body: { spec: { activeDeadlineSeconds: 61 } } });
  await host.clock.advance(1_000);
  assert.equal(textOf(await status(), "phase"), "Running");
  await host.clock.advance(1_000);
  const { phase, reason } = (await status()) ?? {};
  assert.deepEqual([phase, reason], ["Failed", "DeadlineExceeded"]);
  assert.ok(!isReady(await host.client.get(ref)));
});

test("a deleted pod stops at once", async () => {
  await using host = await FakeHost.start();
  await host.client.create(podType, aPod());
  await settle();
  await host.client.delete(ref);
  await settle();
  assert.deepEqual(await host.names(podType), []);
});

test("a stopped pod that a finalizer holds runs no more, and is left alone", async () => {
  await using host = await FakeHost.start();
  await host.client.create(podType, aPod({ finalizers: ["example.org/hold"] }));
  await settle();
  await host.clock.advance(1000);
  await host.client.delete(ref);
  await settle();
  const pod = await host.client.get(ref);
  assert.equal(pod.metadata.deletionGracePeriodSeconds, 0);
  assert.equal(textOf(objectOf(pod, "status"), "phase"), "Succeeded");
  assert.ok(!isReady(pod));
  host.client.requests.length = 0;
  await host.clock.advance(600_000);
  assert.deepEqual(host.client.writes, []);
});

test("a pod waits for its readiness gates, and its node is told as an Event", async () => {
  await using host = await FakeHost.start();
  const gated = { apiVersion: "v1", kind: "Pod", metadata: { name: "gated", namespace: "demo" } };
  await host.client.create(podType, {
    ...gated,
    spec: { containers: [], readinessGates: [{ conditionType: "a.org/b" }] },
  });
  await settle();
  const ref = { type: podType, name: "gated", namespace: "demo" };
  const conditionsOf = async () =>
    listOf(objectOf(await host.client.get(ref), "status"), "conditions").filter(isObject);
  const ready = async () => (await conditionsOf()).find(({ type }) => type === "Ready")?.status;
  assert.equal(await ready(), "False");
  assert.ok(host.events.some(({ reason, message }) => reason === "Scheduled" && /demo\/gated to /.test(message)));
  const conditions = [...(await conditionsOf()), { type: "a.org/b", status: "True" }];
  await host.client.patch(ref, { type: "merge", body: { status: { conditions } } }, { subresource: "status" });
  await settle();
  assert.equal(await ready(), "True");
  assert.ok(
    (await conditionsOf()).some(({ type }) => type === "a.org/b"),
    "others' conditions stay",
  );
});
