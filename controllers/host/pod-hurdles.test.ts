/** A laptop's pods don't run where a cluster's wouldn't: what a kubelet would find, in its words, until it is mended. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import {
  configMapType,
  persistentVolumeClaimType,
  podType,
  secretType,
} from "../../apiserver/client/resource-types.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { isReady } from "./pods.ts";

const ref = { type: podType, name: "p", namespace: "demo" };
const main = (changes: JsonObject): JsonObject => ({ containers: [{ name: "main", image: "image:1", ...changes }] });
const mounted = (volume: JsonObject): JsonObject => ({ ...main({}), volumes: [{ name: "v", ...volume }] });

async function run(host: FakeHost, spec: JsonObject): Promise<void> {
  await host.client.create(podType, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "demo" },
    spec,
  });
  await settle();
}

/** Phase of the pod, and what the container waits for. */
async function state(host: FakeHost, list = "containerStatuses"): Promise<string> {
  const status = objectOf(await host.client.get(ref), "status");
  const [container] = listOf(status, list).filter(isObject);
  const waiting = objectOf(objectOf(container, "state"), "waiting");
  return [textOf(status, "phase"), textOf(waiting, "reason"), textOf(waiting, "message")].filter(Boolean).join(" ");
}

const made = (kind: "ConfigMap" | "Secret", data: JsonObject = { k: "1" }): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "needed", namespace: "demo" },
  data,
});

type Case = { readonly spec: JsonObject; readonly says: string; readonly mend: KubeObject };
const config = "Pending CreateContainerConfigError";
const cases: { readonly [what: string]: Case } = {
  "variables of a ConfigMap": {
    spec: main({ envFrom: [{ configMapRef: { name: "needed" } }] }),
    says: `${config} configmap "needed" not found`,
    mend: made("ConfigMap"),
  },
  "a variable of a Secret": {
    spec: main({ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "needed", key: "k" } } }] }),
    says: `${config} secret "needed" not found`,
    mend: made("Secret"),
  },
  "a ConfigMap's files": {
    spec: mounted({ configMap: { name: "needed" } }),
    says: "Pending ContainerCreating",
    mend: made("ConfigMap"),
  },
  "a Secret's file in a projection": {
    spec: mounted({ projected: { sources: [{ secret: { name: "needed", items: [{ key: "k", path: "k" }] } }] } }),
    says: "Pending ContainerCreating",
    mend: made("Secret"),
  },
};
const typeOf = { ConfigMap: configMapType, Secret: secretType };

for (const [what, { spec, says, mend }] of Object.entries(cases)) {
  test(`a pod waits for ${what}, and runs once it is there`, async () => {
    await using host = await FakeHost.start();
    await run(host, spec);
    assert.equal(await state(host), says);
    host.client.requests.length = 0;
    await host.clock.advance(600_000);
    assert.deepEqual(host.client.writes, [], "nothing is written while nothing changes");
    await host.client.create(mend.kind === "Secret" ? typeOf.Secret : typeOf.ConfigMap, mend);
    await settle();
    assert.ok(isReady(await host.client.get(ref)));
  });
}

test("a key that its ConfigMap hasn't is missing too, until it gets it", async () => {
  await using host = await FakeHost.start();
  await host.client.create(configMapType, made("ConfigMap", { other: "1" }));
  await run(host, main({ env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "needed", key: "k" } } }] }));
  assert.equal(await state(host), `${config} couldn't find key k in ConfigMap demo/needed`);
  const body = { data: { k: "1" } };
  await host.client.patch({ type: configMapType, name: "needed", namespace: "demo" }, { type: "merge", body });
  await settle();
  assert.ok(isReady(await host.client.get(ref)));
});

test("what is optional is not missed", async () => {
  await using host = await FakeHost.start();
  await run(host, {
    ...main({ envFrom: [{ secretRef: { name: "needed", optional: true } }] }),
    volumes: [{ name: "v", configMap: { name: "needed", optional: true } }],
  });
  assert.ok(isReady(await host.client.get(ref)));
});

test("a volume that can't be mounted is told as an Event", async () => {
  await using host = await FakeHost.start();
  await run(host, mounted({ secret: { secretName: "needed" } }));
  assert.deepEqual(
    host.events.filter(({ reason }) => reason === "FailedMount"),
    [
      {
        type: "Warning",
        reason: "FailedMount",
        message: 'MountVolume.SetUp failed for volume "v" : secret "needed" not found',
      },
    ],
  );
});

test("a pod whose claim nobody made finds no node", async () => {
  await using host = await FakeHost.start();
  await run(host, mounted({ persistentVolumeClaim: { claimName: "needed" } }));
  const [condition] = listOf(objectOf(await host.client.get(ref), "status"), "conditions").filter(isObject);
  assert.deepEqual([textOf(condition, "type"), textOf(condition, "reason")], ["PodScheduled", "Unschedulable"]);
  assert.match(textOf(condition, "message"), /persistentvolumeclaim "needed" not found/);
  const metadata = { name: "needed", namespace: "demo" };
  await host.client.create(persistentVolumeClaimType, { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata });
  await settle();
  assert.ok(isReady(await host.client.get(ref)));
});

test("an image name that is none can't be pulled; the other container runs", async () => {
  await using host = await FakeHost.start();
  await run(host, {
    containers: [
      { name: "bad", image: "No Image" },
      { name: "good", image: "image:1" },
    ],
  });
  assert.match(await state(host), /^Pending InvalidImageName .*invalid reference format$/);
  assert.match(JSON.stringify(objectOf(await host.client.get(ref), "status")), /"name":"good".*"ready":true/);
});

test("init containers take their time, one after the other, and one that can't start keeps the rest waiting", async () => {
  await using host = await FakeHost.start();
  const initContainers = [
    { name: "one", image: "image:1" },
    { name: "two", image: "image:1" },
    { name: "sidecar", image: "image:1", restartPolicy: "Always" },
  ];
  await run(host, { ...main({}), initContainers });
  assert.equal(await state(host), "Pending PodInitializing");
  await host.clock.advance(1999);
  assert.equal(await state(host), "Pending PodInitializing");
  await host.clock.advance(1);
  assert.ok(isReady(await host.client.get(ref)));

  await host.client.delete(ref);
  await settle();
  await run(host, { ...main({}), initContainers: [{ name: "one", image: "No Image" }] });
  assert.match(await state(host, "initContainerStatuses"), /^Pending InvalidImageName/);
  assert.equal(await state(host), "Pending PodInitializing");
});
