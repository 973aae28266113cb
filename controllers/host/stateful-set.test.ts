import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import {
  controllerRevisionType,
  persistentVolumeClaimType,
  podType,
  statefulSetType,
} from "../../apiserver/client/resource-types.ts";
import { listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { isReady } from "./pods.ts";
import { planPods, type Revisions } from "./stateful-set-plan.ts";

const template = (image: string): JsonObject => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "main", image }] },
});

const aStatefulSet = (spec: JsonObject = {}): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "web", namespace: "demo" },
  spec: {
    replicas: 2,
    serviceName: "web-headless",
    selector: { matchLabels: { app: "web" } },
    template: template("image:1"),
    ...spec,
  },
});

const ref = { type: statefulSetType, name: "web", namespace: "demo" };
const change = (host: FakeHost, spec: JsonObject) => host.client.patch(ref, { type: "merge", body: { spec } });
const statusOf = async (host: FakeHost) => objectOf(await host.client.get(ref), "status");

for (const podManagementPolicy of ["OrderedReady", "Parallel"]) {
  test(`${podManagementPolicy}: pods, revision and status of a new set`, async () => {
    await using host = await FakeHost.start();
    const set = await host.client.create(statefulSetType, aStatefulSet({ podManagementPolicy }));
    await settle();
    assert.deepEqual(await host.names(podType), ["web-0", "web-1"]);
    const [revision] = await host.names(controllerRevisionType);
    const pod = await host.client.get({ type: podType, name: "web-1", namespace: "demo" });
    assert.deepEqual(pod.metadata.labels, {
      app: "web",
      "apps.kubernetes.io/pod-index": "1",
      "controller-revision-hash": revision,
      "functionmesh.io/simulated": "true",
      "statefulset.kubernetes.io/pod-name": "web-1",
    });
    assert.equal(pod.metadata.ownerReferences?.[0]?.uid, set.metadata.uid);
    assert.equal(textOf(objectOf(pod, "spec"), "hostname"), "web-1");
    assert.equal(textOf(objectOf(pod, "spec"), "subdomain"), "web-headless");
    assert.ok(isReady(pod));
    assert.deepEqual(await statusOf(host), {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      currentReplicas: 2,
      updatedReplicas: 2,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    });
    assert.deepEqual(host.errors, []);
  });
}

test("pods of another namespace or owner that know the set's uid are none of its own", async () => {
  await using host = await FakeHost.start();
  const set = await host.client.create(statefulSetType, aStatefulSet({ replicas: 0 }));
  const owner = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    name: "web",
    uid: set.metadata.uid ?? "",
    controller: true,
  };
  await host.client.create(podType, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-0", namespace: "elsewhere", finalizers: ["example.org/hold"], ownerReferences: [owner] },
    spec: {},
  });
  await settle();
  assert.equal((await statusOf(host))?.replicas, 0);
  await change(host, { replicas: 1 });
  await settle();
  const { items } = await host.client.list(podType, { namespace: "demo" });
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["web-0"],
  );
  assert.equal((await statusOf(host))?.readyReplicas, 1);
});

test("a settled set costs no write, and a new one few", async () => {
  await using host = await FakeHost.start();
  host.client.requests.length = 0;
  await host.client.create(statefulSetType, aStatefulSet({ podManagementPolicy: "Parallel" }));
  await settle();
  const count = (resource: string) => host.client.writes.filter((request) => request.resource === resource).length;
  assert.equal(count("pods"), 4, "each pod is created and made to run");
  assert.equal(count("controllerrevisions"), 1);
  assert.ok(count("statefulsets") <= 3, "created, and its status written when there is something to say");
  host.client.requests.length = 0;
  host.client.closeWatches();
  await host.clock.advance(600_000);
  assert.deepEqual(host.client.writes, []);
});

test("scaling up continues the ordinals, scaling down removes the highest", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet());
  await settle();
  await change(host, { replicas: 4 });
  await settle();
  assert.deepEqual(await host.names(podType), ["web-0", "web-1", "web-2", "web-3"]);
  await change(host, { replicas: 1 });
  await settle();
  assert.deepEqual(await host.names(podType), ["web-0"]);
  assert.equal(numberOf(await statusOf(host), "replicas"), 1);
});

test("ordinals start where the set says", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet({ ordinals: { start: 3 } }));
  await settle();
  assert.deepEqual(await host.names(podType), ["web-3", "web-4"]);
});

test("a new template rolls out from the highest ordinal; the partition holds back the rest", async () => {
  await using host = await FakeHost.start();
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1 } };
  await host.client.create(statefulSetType, aStatefulSet({ updateStrategy }));
  await settle();
  await change(host, { template: template("image:2") });
  await settle();
  const images = async () => {
    const { items } = await host.client.list(podType);
    return items.map((pod) => JSON.stringify(listOf(objectOf(pod, "spec"), "containers")).match(/image:\d/)?.[0]);
  };
  assert.deepEqual(await images(), ["image:1", "image:2"]);
  const partial = await statusOf(host);
  assert.notEqual(partial?.currentRevision, partial?.updateRevision);
  assert.equal(partial?.updatedReplicas, 1);
  await host.client.delete({ type: podType, name: "web-0", namespace: "demo" });
  await settle();
  assert.deepEqual((await images()).sort(), ["image:1", "image:2"], "below the partition a pod comes back as it was");

  await change(host, { updateStrategy: { rollingUpdate: { partition: 0 } } });
  await settle();
  assert.deepEqual(await images(), ["image:2", "image:2"]);
  const rolledOut = await statusOf(host);
  assert.equal(rolledOut?.currentRevision, rolledOut?.updateRevision);

  await change(host, { template: template("image:1") });
  await settle();
  assert.equal((await host.names(controllerRevisionType)).length, 2, "going back reuses the old revision");
  assert.deepEqual(await images(), ["image:1", "image:1"]);
});

test("a pod deleted by hand comes back; one that failed is replaced", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet({ replicas: 1 }));
  await settle();
  const pod = { type: podType, name: "web-0", namespace: "demo" };
  const first = await host.client.get(pod);
  await host.client.delete(pod);
  await settle();
  const second = await host.client.get(pod);
  assert.notEqual(second.metadata.uid, first.metadata.uid);
  await host.client.patch(pod, { type: "merge", body: { status: { phase: "Failed" } } }, { subresource: "status" });
  await settle();
  assert.notEqual((await host.client.get(pod)).metadata.uid, second.metadata.uid);
});

test("each pod gets its claims, which outlive it", async () => {
  await using host = await FakeHost.start();
  const claim = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };
  await host.client.create(statefulSetType, aStatefulSet({ volumeClaimTemplates: [claim] }));
  await settle();
  assert.deepEqual(await host.names(persistentVolumeClaimType), ["data-web-0", "data-web-1"]);
  const pod = await host.client.get({ type: podType, name: "web-0", namespace: "demo" });
  const volumes = listOf(objectOf(pod, "spec"), "volumes");
  assert.deepEqual(volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-web-0" } }]);
  await host.client.delete(ref);
  await settle();
  assert.deepEqual(await host.names(podType), [], "pods go with their set");
  assert.deepEqual(await host.names(controllerRevisionType), []);
  assert.equal((await host.names(persistentVolumeClaimType)).length, 2);
});

test("claims go with the pods of a set that is scaled down, where it doesn't keep them", async () => {
  await using host = await FakeHost.start();
  const claim = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };
  const retention = (whenScaled: string) => ({
    volumeClaimTemplates: [claim],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled },
  });
  await host.client.create(statefulSetType, aStatefulSet(retention("Retain")));
  await settle();
  await change(host, { replicas: 1 });
  await settle();
  assert.deepEqual(await host.names(persistentVolumeClaimType), ["data-web-0", "data-web-1"], "Retain keeps them");
  await change(host, { ...retention("Delete"), replicas: 2 });
  await settle();
  await change(host, { replicas: 1 });
  await host.clock.advance(60_000);
  assert.deepEqual(await host.names(podType), ["web-0"]);
  assert.deepEqual(await host.names(persistentVolumeClaimType), ["data-web-0"]);
});

test("a rollout replaces as many pods at once as may be unavailable", () => {
  const revision = (name: string): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name },
  });
  const revisions: Revisions = { current: revision("old"), update: revision("new") };
  const pods = [0, 1, 2, 3, 4].map(
    (ordinal): KubeObject => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `web-${ordinal}`, labels: { "controller-revision-hash": "old" } },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      },
    }),
  );
  const removed = (rollingUpdate: JsonObject) => {
    const set = aStatefulSet({ replicas: 5, updateStrategy: { type: "RollingUpdate", rollingUpdate } });
    const { remove } = planPods(set, pods, revisions, { nowMs: Date.parse("2026-01-02T00:00:00Z"), maxReplicas: 100 });
    return remove.map(({ metadata }) => metadata.name);
  };
  assert.deepEqual(removed({}), ["web-4"]);
  assert.deepEqual(removed({ maxUnavailable: 2 }), ["web-4", "web-3"]);
  assert.deepEqual(removed({ maxUnavailable: "50%" }), ["web-4", "web-3"]);
  assert.deepEqual(removed({ maxUnavailable: "1%" }), ["web-4"]);
  assert.deepEqual(removed({ maxUnavailable: 9, partition: 3 }), ["web-4", "web-3"]);
});

test("OnDelete: pods are replaced when somebody deletes them, and not before", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet({ updateStrategy: { type: "OnDelete" } }));
  await settle();
  await change(host, { template: template("image:2") });
  await settle();
  const status = await statusOf(host);
  assert.deepEqual([status?.updatedReplicas, status?.readyReplicas], [0, 2]);
  await host.client.delete({ type: podType, name: "web-0", namespace: "demo" });
  await settle();
  assert.equal((await statusOf(host))?.updatedReplicas, 1);
  const pod = await host.client.get({ type: podType, name: "web-0", namespace: "demo" });
  assert.match(JSON.stringify(pod.spec), /image:2/);
});

test("a pod counts as available only after minReadySeconds", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet({ replicas: 1, minReadySeconds: 10 }));
  await settle();
  assert.equal((await statusOf(host))?.availableReplicas, 0);
  await host.clock.advance(10_000);
  assert.equal((await statusOf(host))?.availableReplicas, 1);
});

test("old revisions are kept to the limit", async () => {
  await using host = await FakeHost.start();
  await host.client.create(statefulSetType, aStatefulSet({ replicas: 1, revisionHistoryLimit: 1 }));
  for (const version of [2, 3, 4]) {
    await settle();
    await change(host, { template: template(`image:${version}`) });
  }
  await settle();
  assert.equal((await host.names(controllerRevisionType)).length, 2);
});

test("in order, a pod waits for the one before it", () => {
  const revision: KubeObject = { apiVersion: "apps/v1", kind: "ControllerRevision", metadata: { name: "r" } };
  const revisions: Revisions = { current: revision, update: revision };
  const names = (spec: JsonObject, pods: readonly KubeObject[]) =>
    planPods(aStatefulSet(spec), pods, revisions, { nowMs: 0, maxReplicas: 100 }).create.map(
      ({ metadata }) => metadata.name,
    );
  assert.deepEqual(names({ replicas: 3 }, []), ["web-0"]);
  assert.deepEqual(names({ replicas: 3, podManagementPolicy: "Parallel" }, []), ["web-0", "web-1", "web-2"]);
  const starting: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-0" },
    status: { phase: "Pending" },
  };
  assert.deepEqual(names({ replicas: 3 }, [starting]), []);
});

test("a thousand sets converge, with a bounded number of requests each", async () => {
  await using host = await FakeHost.start();
  host.client.requests.length = 0;
  const spec = { replicas: 1, podManagementPolicy: "Parallel" };
  for (let number = 0; number < 1000; number++) {
    const set = aStatefulSet(spec);
    await host.client.create(statefulSetType, { ...set, metadata: { ...set.metadata, name: `s${number}` } });
  }
  for (let turn = 0; turn < 100; turn++) await settle();
  const { items } = await host.client.list(statefulSetType);
  assert.ok(items.every((set) => objectOf(set, "status")?.availableReplicas === 1));
  assert.ok(host.client.writes.length <= 6_000, `${host.client.writes.length} writes`);
});

test("two billion replicas are planned in steps, as far as there is room, and no further", () => {
  const revision: KubeObject = { apiVersion: "apps/v1", kind: "ControllerRevision", metadata: { name: "r" } };
  const old: KubeObject = { ...revision, metadata: { name: "old" } };
  const spec = { replicas: 2 ** 31 - 1, podManagementPolicy: "Parallel" };
  const podsOf = (count: number, { metadata }: KubeObject): KubeObject[] =>
    Array.from({ length: count }, (_, i) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `web-${i}`, labels: { "controller-revision-hash": metadata.name ?? "" } },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      },
    }));
  const plan = (pods: readonly KubeObject[]) =>
    planPods(aStatefulSet(spec), pods, { current: old, update: revision }, { nowMs: Date.now(), maxReplicas: 1200 });
  const elapsedMs = cpuClock();
  assert.deepEqual(
    [0, 500, 1000, 1200].map((count) => plan(podsOf(count, revision)).create.length),
    [500, 500, 200, 0],
  );
  assert.deepEqual(
    plan(podsOf(1200, old)).remove.map(({ metadata }) => metadata.name),
    ["web-1199"],
    "an update begins at the highest pod there is",
  );
  assert.ok(elapsedMs() < 1000);
});
