import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { deriveJobStatus, missingPods } from "./job.ts";
import { jobType, podType } from "./types.ts";

const aJob = (spec: JsonObject = {}): KubeObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "cleanup", namespace: "demo" },
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "image:1" }] } }, ...spec },
});
const ref = { type: jobType, name: "cleanup", namespace: "demo" };

test("a job's pod succeeds, and so does the job", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob());
  await settle();
  const status = objectOf(await host.client.get(ref), "status");
  assert.equal(status?.succeeded, 1);
  assert.equal(status?.active, undefined);
  assert.equal(status?.completionTime, "2026-01-01T00:00:00Z");
  assert.match(JSON.stringify(status?.conditions), /"type":"Complete","status":"True"/);
  const { items } = await host.client.list(podType);
  assert.deepEqual(
    items.map((pod) => objectOf(pod, "status")?.phase),
    ["Succeeded"],
  );
  assert.equal(items[0]?.metadata.labels?.["job-name"], "cleanup");
  host.client.requests.length = 0;
  await host.clock.advance(600_000);
  assert.deepEqual(host.client.writes, [], "a finished job is left alone");
});

test("a pod of another namespace that names the job by uid counts for nothing", async () => {
  await using host = await FakeHost.start();
  const job = await host.client.create(jobType, aJob({ suspend: true }));
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "cleanup", uid: job.metadata.uid ?? "", controller: true };
  for (const [namespace, kind] of [
    ["elsewhere", "Job"],
    ["demo", "StatefulSet"],
  ] as const) {
    await host.client.create(podType, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "fake", namespace, finalizers: ["example.org/hold"], ownerReferences: [{ ...owner, kind }] },
      spec: {},
      status: { phase: "Succeeded" },
    });
  }
  await settle();
  const status = objectOf(await host.client.get(ref), "status");
  assert.deepEqual([status?.succeeded, status?.completionTime], [undefined, undefined]);
  await host.client.patch(ref, { type: "merge", body: { spec: { suspend: false } } });
  await settle();
  assert.equal(
    (await host.client.list(podType, { namespace: "demo" })).items.length,
    2,
    "it has started one of its own",
  );
});

test("several completions, some at a time", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ completions: 5, parallelism: 2 }));
  await settle();
  assert.equal(objectOf(await host.client.get(ref), "status")?.succeeded, 5);
  assert.equal((await host.names(podType)).length, 5);
});

test("a finished job goes when its time is up, with its pods", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ ttlSecondsAfterFinished: 60 }));
  await settle();
  await host.clock.advance(59_000);
  assert.deepEqual(await host.names(jobType), ["cleanup"]);
  await host.clock.advance(1_000);
  assert.deepEqual(await host.names(jobType), []);
  assert.deepEqual(await host.names(podType), []);
});

test("a suspended job starts when it is resumed", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ suspend: true }));
  await settle();
  assert.deepEqual(await host.names(podType), []);
  await host.client.patch(ref, { type: "merge", body: { spec: { suspend: false } } });
  await settle();
  assert.equal(objectOf(await host.client.get(ref), "status")?.succeeded, 1);
});

const podIn = (phase: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: phase },
  status: { phase },
});

test("pods a stale cache doesn't show yet are asked for under the same names", () => {
  const names = () =>
    missingPods(aJob({ parallelism: 2, completions: 2 }), [], 100).map(({ metadata }) => metadata.name);
  assert.deepEqual(names(), names());
  assert.equal(new Set(names()).size, 2);
});

test("more failures than the limit fail the job", () => {
  const { status, finished } = deriveJobStatus(aJob({ backoffLimit: 0 }), [podIn("Failed")], "now");
  assert.ok(finished);
  assert.match(JSON.stringify(status.conditions), /BackoffLimitExceeded/);
});

test("a job of two billion pods gets them in steps, as far as there is room", () => {
  const job = aJob({ parallelism: 2 ** 31 - 1, completions: 2 ** 31 - 1 });
  const elapsedMs = cpuClock();
  let pods: readonly KubeObject[] = [];
  const steps: number[] = [];
  for (let step = 0; step < 4; step++) {
    const missing = missingPods(job, pods, 1200);
    steps.push(missing.length);
    pods = [...pods, ...missing];
  }
  assert.deepEqual(steps, [500, 500, 200, 0]);
  assert.equal(new Set(pods.map(({ metadata }) => metadata.name)).size, 1200);
  assert.ok(elapsedMs() < 1000);
});
