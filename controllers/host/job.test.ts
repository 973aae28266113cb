import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { jobType, podType } from "../../apiserver/client/resource-types.ts";
import { listOf, objectOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";
import { indexesOf } from "./job-indexes.ts";
import { missingPods } from "./job-pods.ts";
import { deriveJobStatus, finishedAt } from "./job-status.ts";

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

const room = { maxPods: 100, nowMs: 0 };
const isOver = (job: KubeObject, pods: readonly KubeObject[]): boolean =>
  finishedAt({ ...job, status: deriveJobStatus(job, pods, 0).status }) !== undefined;

const podIn = (phase: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: phase },
  status: { phase },
});

test("pods a stale cache doesn't show yet are asked for under the same names", () => {
  const names = () =>
    missingPods(aJob({ parallelism: 2, completions: 2 }), [], room).pods.map(({ metadata }) => metadata.name);
  assert.deepEqual(names(), names());
  assert.equal(new Set(names()).size, 2);
});

test("more failures than the limit fail the job", () => {
  const job = aJob({ backoffLimit: 0 });
  const { status } = deriveJobStatus(job, [podIn("Failed")], 0);
  assert.ok(isOver(job, [podIn("Failed")]));
  assert.match(JSON.stringify(status.conditions), /BackoffLimitExceeded/);
});

test("a job of two billion pods gets them in steps, as far as there is room", () => {
  const job = aJob({ parallelism: 2 ** 31 - 1, completions: 2 ** 31 - 1 });
  const elapsedMs = cpuClock();
  let pods: readonly KubeObject[] = [];
  const steps: number[] = [];
  for (let step = 0; step < 4; step++) {
    const { pods: missing } = missingPods(job, pods, { maxPods: 1200, nowMs: 0 });
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
    missingPods(job, [...pods, ...more], { ...room, nowMs: 60_000 }).pods.map(({ metadata }) => metadata.name);
  const [second, fourth] = names([]);
  assert.match(second ?? "", /^cleanup-2-/);
  assert.match(fourth ?? "", /^cleanup-4-/);
  assert.notEqual(names([pod(2, "Failed")])[0], second);
  assert.deepEqual(names([pod(2, "Running")]), [fourth]);
  assert.equal(deriveJobStatus(job, pods, 0).status.completedIndexes, "0,1,3,5,6");
  assert.equal(deriveJobStatus(job, [...pods, pod(4, "Succeeded")], 0).status.completedIndexes, "0,1,3-6");
});

test("without a number of completions the first success ends the job, once the others have ended", () => {
  const job = aJob({ parallelism: 2 });
  const running = podIn("Running");
  assert.ok(!isOver(job, [podIn("Succeeded"), running]));
  assert.deepEqual(missingPods(job, [podIn("Succeeded")], room), { pods: [] });
  assert.ok(isOver(job, [podIn("Succeeded"), podIn("Succeeded")]));
});

/** Containers that do what `script` says, of a Job that says `spec`. */
const working = (script: string, spec: JsonObject = {}): KubeObject =>
  aJob({
    template: {
      spec: { restartPolicy: "Never", containers: [{ name: "main", image: "image:1", command: ["sh", "-c", script] }] },
    },
    ...spec,
  });
const indexed = { completionMode: "Indexed", completions: 3, parallelism: 3 };
const inIndex = (index: number, phase: string, exitCode = 1): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    namespace: "demo",
    name: `p${index}`,
    annotations: { "batch.kubernetes.io/job-completion-index": String(index) },
  },
  status: { phase, containerStatuses: [{ name: "main", state: { terminated: { exitCode } } }] },
});
/** The reasons that stand in its conditions, and what it counted. */
const judged = (spec: JsonObject, pods: readonly KubeObject[]) => {
  const { status } = deriveJobStatus(aJob(spec), pods, 0);
  const conditions = listOf(status, "conditions").filter(isObject);
  return {
    said: conditions.map(({ type, reason }) => `${type} ${reason}`),
    failed: status.failed ?? 0,
    ...(status.failedIndexes === undefined ? {} : { failedIndexes: status.failedIndexes }),
  };
};
const rule = (action: string, more: JsonObject = { onExitCodes: { operator: "In", values: [1] } }): JsonObject => ({
  podFailurePolicy: { rules: [{ action, ...more }] },
});
const reasons = (end: string, reason: string): string[] =>
  end === "Complete"
    ? [`SuccessCriteriaMet ${reason}`, `Complete ${reason}`]
    : [`FailureTarget ${reason}`, `Failed ${reason}`];

const verdicts: readonly (readonly [what: string, spec: JsonObject, pods: readonly KubeObject[], JsonObject])[] = [
  [
    "a failure that its policy takes for the end is the end",
    rule("FailJob"),
    [inIndex(0, "Failed")],
    { said: reasons("Failed", "PodFailurePolicy"), failed: 1 },
  ],
  [
    "a failure that its policy ignores is not counted",
    { backoffLimit: 0, ...rule("Ignore") },
    [inIndex(0, "Failed")],
    { said: [], failed: 0 },
  ],
  [
    "an exit code that the policy doesn't name is",
    { backoffLimit: 0, ...rule("Ignore") },
    [inIndex(0, "Failed", 2)],
    { said: reasons("Failed", "BackoffLimitExceeded"), failed: 1 },
  ],
  [
    "a policy for another container doesn't count for this one",
    rule("FailJob", { onExitCodes: { containerName: "other", operator: "In", values: [1] } }),
    [inIndex(0, "Failed")],
    { said: [], failed: 1 },
  ],
  [
    "a policy for conditions, whose state is True unless it says",
    rule("FailJob", { onPodConditions: [{ type: "DisruptionTarget" }] }),
    [
      {
        ...inIndex(0, "Failed"),
        status: { phase: "Failed", conditions: [{ type: "DisruptionTarget", status: "True" }] },
      },
    ],
    { said: reasons("Failed", "PodFailurePolicy"), failed: 1 },
  ],
  [
    "an index that its policy gives up is not tried again",
    { ...indexed, backoffLimitPerIndex: 5, ...rule("FailIndex") },
    [inIndex(1, "Failed")],
    { said: [], failed: 1, failedIndexes: "1" },
  ],
  [
    "an index over its limit is given up; the others go on",
    { ...indexed, backoffLimitPerIndex: 0 },
    [inIndex(1, "Failed"), inIndex(0, "Succeeded", 0)],
    { said: [], failed: 1, failedIndexes: "1" },
  ],
  [
    "when all are done or given up the job has failed",
    { ...indexed, backoffLimitPerIndex: 0 },
    [inIndex(1, "Failed"), inIndex(0, "Succeeded", 0), inIndex(2, "Succeeded", 0)],
    { said: reasons("Failed", "FailedIndexes"), failed: 1, failedIndexes: "1" },
  ],
  [
    "more are given up than may be",
    { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 0 },
    [inIndex(2, "Failed")],
    { said: reasons("Failed", "MaxFailedIndexesExceeded"), failed: 1, failedIndexes: "2" },
  ],
  [
    "enough indexes of a rule succeed",
    {
      ...indexed,
      successPolicy: { rules: [{ succeededIndexes: "2" }, { succeededIndexes: "0-1", succeededCount: 1 }] },
    },
    [inIndex(1, "Succeeded", 0)],
    { said: reasons("Complete", "SuccessPolicy"), failed: 0 },
  ],
  [
    "enough indexes succeed, whichever",
    { ...indexed, successPolicy: { rules: [{ succeededCount: 2 }] } },
    [inIndex(1, "Succeeded", 0), inIndex(2, "Succeeded", 0)],
    { said: reasons("Complete", "SuccessPolicy"), failed: 0 },
  ],
  [
    "not enough indexes succeed",
    { ...indexed, successPolicy: { rules: [{ succeededIndexes: "0,1" }] } },
    [inIndex(1, "Succeeded", 0)],
    { said: [], failed: 0 },
  ],
  [
    "whoever still runs when a job fails is stopped before it has, and has failed as well",
    { parallelism: 2, backoffLimit: 0 },
    [inIndex(0, "Failed"), inIndex(1, "Running")],
    { said: ["FailureTarget BackoffLimitExceeded"], failed: 2 },
  ],
];
for (const [what, spec, pods, expected] of verdicts) {
  test(`verdict: ${what}`, () => assert.deepEqual(judged(spec, pods), expected));
}

test("a job whose pods fail tries again after 10 s, then 20 s, and gives up at its limit", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, working("exit 3", { backoffLimit: 2 }));
  await settle();
  const failures = async () => (await statusOf(host))?.failed;
  assert.equal(await failures(), 1);
  await host.clock.advance(9_000);
  assert.equal(await failures(), 1);
  await host.clock.advance(1_000);
  assert.equal(await failures(), 2);
  await host.clock.advance(20_000);
  assert.equal(await failures(), 3);
  assert.equal((await conditionOf(host, "Failed"))?.reason, "BackoffLimitExceeded");
  const { items } = await host.client.list(podType);
  assert.deepEqual(
    items.map((pod) => objectOf(pod, "status")?.phase),
    ["Failed", "Failed", "Failed"],
  );
});

test("an index that fails is tried as often as its limit says, and its pods say how often before", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, working("exit 1", { ...indexed, completions: 1, backoffLimitPerIndex: 1 }));
  await settle();
  await host.clock.advance(10_000);
  const status = await statusOf(host);
  assert.deepEqual([status?.failed, status?.failedIndexes, status?.completedIndexes], [2, "0", ""]);
  assert.equal((await conditionOf(host, "Failed"))?.reason, "FailedIndexes");
  const { items } = await host.client.list(podType);
  const counts = items.map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"]);
  assert.deepEqual(counts.sort(), ["0", "1"]);
});

test("a job that takes longer than it may is stopped", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, working("sleep 100", { activeDeadlineSeconds: 5, parallelism: 2 }));
  await settle();
  assert.deepEqual([(await statusOf(host))?.active, (await statusOf(host))?.ready], [2, 2]);
  await host.clock.advance(5_000);
  assert.equal((await conditionOf(host, "Failed"))?.reason, "DeadlineExceeded");
  assert.deepEqual(await host.names(podType), []);
  const status = await statusOf(host);
  assert.deepEqual([status?.active, status?.ready, status?.terminating, status?.failed], [undefined, 0, 0, 2]);
});

test("a job's pods work as long as their program says, and are stopped when there are too many", async () => {
  await using host = await FakeHost.start();
  await host.client.create(jobType, working("sleep 30", { completions: 4, parallelism: 3 }));
  await settle();
  assert.equal((await statusOf(host))?.active, 3);
  await host.client.patch(ref, { type: "merge", body: { spec: { parallelism: 1 } } });
  await settle();
  assert.equal((await statusOf(host))?.active, 1);
  await host.clock.advance(30_000);
  assert.equal((await statusOf(host))?.succeeded, 1);
});

test("with a replacement policy of Failed a pod is replaced when it has ended", () => {
  const stopping = { ...podIn("Running"), metadata: { name: "p", deletionTimestamp: "2026-01-01T00:00:00Z" } };
  assert.equal(missingPods(aJob(), [stopping], room).pods.length, 1);
  assert.equal(missingPods(aJob({ podReplacementPolicy: "Failed" }), [stopping], room).pods.length, 0);
  assert.equal(deriveJobStatus(aJob(), [stopping], 0).status.terminating, 1);
});

test("what a job has done stays done when its pod is deleted", () => {
  const status = { completedIndexes: "0,2", failedIndexes: "1", succeeded: 2, failed: 1 };
  const job = { ...aJob({ ...indexed, completions: 4, backoffLimitPerIndex: 0 }), status };
  assert.match(
    missingPods(job, [], room)
      .pods.map(({ metadata }) => metadata.name)
      .join(" "),
    /^cleanup-3-\w+$/,
  );
  const next = deriveJobStatus(job, [], 0).status;
  assert.deepEqual([next.completedIndexes, next.failedIndexes, next.succeeded, next.failed], ["0,2", "1", 2, 1]);
});

// The status is anybody's who may write it, and so are the policies.
test("two billion indexes in a few characters cost no more than are kept track of", () => {
  const all = "0-2147483646";
  const spec = { ...indexed, completions: 2 ** 31 - 1, successPolicy: { rules: [{ succeededIndexes: all }] } };
  const job = { ...aJob({ ...spec, backoffLimitPerIndex: 1 }), status: { completedIndexes: all, failedIndexes: all } };
  const elapsedMs = cpuClock();
  deriveJobStatus(job, [inIndex(1, "Succeeded", 0)], 0);
  missingPods(job, [], room);
  assert.ok(elapsedMs() < 5_000, String(elapsedMs()));
});

test("ranges that do not ascend are no indexes, and none is walked twice", () => {
  assert.deepEqual([...indexesOf("1,3-5", 10)], [1, 3, 4, 5]);
  for (const text of ["3,1", "1-3,3", "0-9,0-9"]) assert.equal(indexesOf(text, 10).size, 0, text);
  const elapsedMs = cpuClock();
  assert.equal(indexesOf(Array(20_000).fill("0-9999").join(), 10_000).size, 0);
  assert.ok(elapsedMs() < 500, String(elapsedMs()));
});

test("a pod without an owner is taken back by its job, one without the job's labels is let go", async () => {
  await using host = await FakeHost.start();
  const created = await host.client.create(jobType, working("sleep 100", { suspend: true }));
  const { uid = "" } = created.metadata;
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  await host.client.patch(ref, { type: "merge", body: { spec: { selector, suspend: false } } });
  await settle();
  const [name = ""] = await host.names(podType);
  const pod = { type: podType, name, namespace: "demo" };
  const owners = async () => (await host.client.get(pod)).metadata.ownerReferences?.map((owner) => owner.uid) ?? [];
  assert.deepEqual(await owners(), [uid]);
  await host.client.patch(pod, { type: "merge", body: { metadata: { ownerReferences: null } } });
  await settle();
  assert.deepEqual(await owners(), [uid]);
  await host.client.patch(pod, { type: "merge", body: { metadata: { labels: null } } });
  await settle();
  assert.deepEqual(await owners(), []);
  assert.equal((await host.names(podType)).length, 2, "another one does its work");
});
