import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { jobType, podType } from "../../apiserver/client/resource-types.ts";
import { listOf, objectOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { missingPods } from "./job-pods.ts";
import { deriveJobStatus } from "./job-status.ts";

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

const statusOf = async (host: FakeHost) => objectOf(await host.client.get(ref), "status");
const conditionOf = async (host: FakeHost, type: string) =>
  listOf(await statusOf(host), "conditions")
    .filter(isObject)
    .find((condition) => condition.type === type);

test("a job that is suspended says so, stops its pods, and goes on when it is told", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ suspend: true }));
  await settle();
  assert.deepEqual(await host.names(podType), []);
  const suspended = await conditionOf(host, "Suspended");
  assert.deepEqual([suspended?.status, suspended?.reason], ["True", "JobSuspended"]);
  assert.equal((await statusOf(host))?.startTime, undefined);
  await host.client.patch(ref, { type: "merge", body: { spec: { suspend: false } } });
  await settle();
  const resumed = await conditionOf(host, "Suspended");
  assert.deepEqual([resumed?.status, resumed?.reason], ["False", "JobResumed"]);
  assert.equal((await conditionOf(host, "Complete"))?.status, "True");
});

test("a job that somebody else runs is left alone", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ managedBy: "example.org/robot" }));
  await settle();
  assert.deepEqual(await host.names(podType), []);
  assert.equal(await statusOf(host), undefined);
});

test("an indexed job does each index once, and its pods know theirs", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, aJob({ completionMode: "Indexed", completions: 4, parallelism: 2 }));
  await settle();
  const status = await statusOf(host);
  assert.deepEqual([status?.succeeded, status?.completedIndexes], [4, "0-3"]);
  const { items } = await host.client.list(podType);
  const indexes = items.map(({ metadata }) => metadata.labels?.["batch.kubernetes.io/job-completion-index"]).sort();
  assert.deepEqual(indexes, ["0", "1", "2", "3"]);
  const first = items.find(({ metadata }) => metadata.name?.startsWith("cleanup-0-")) ?? assert.fail();
  assert.equal(objectOf(first, "spec")?.hostname, "cleanup-0");
  assert.match(JSON.stringify(first.spec), /JOB_COMPLETION_INDEX/);
});

test("an index that failed is tried again, under another name; what is done is told as ranges", () => {
  const job = aJob({ completionMode: "Indexed", completions: 7, parallelism: 9 });
  const pod = (index: number, phase: string): KubeObject => ({
    ...podIn(phase),
    metadata: { name: `p${index}`, annotations: { "batch.kubernetes.io/job-completion-index": String(index) } },
  });
  const pods = [0, 1, 3, 5, 6].map((index) => pod(index, "Succeeded"));
  const names = (more: readonly KubeObject[]) =>
    missingPods(job, [...pods, ...more], 100).map(({ metadata }) => metadata.name);
  const [second, fourth] = names([]);
  assert.match(second ?? "", /^cleanup-2-/);
  assert.match(fourth ?? "", /^cleanup-4-/);
  assert.notEqual(names([pod(2, "Failed")])[0], second);
  assert.deepEqual(names([pod(2, "Running")]), [fourth]);
  assert.equal(deriveJobStatus(job, pods, "now").status.completedIndexes, "0,1,3,5,6");
  assert.equal(deriveJobStatus(job, [...pods, pod(4, "Succeeded")], "now").status.completedIndexes, "0,1,3-6");
});

test("without a number of completions the first success ends the job, once the others have ended", () => {
  const job = aJob({ parallelism: 2 });
  const running = podIn("Running");
  assert.equal(deriveJobStatus(job, [podIn("Succeeded"), running], "now").finished, false);
  assert.deepEqual(missingPods(job, [podIn("Succeeded")], 100), []);
  assert.equal(deriveJobStatus(job, [podIn("Succeeded"), podIn("Succeeded")], "now").finished, true);
});
