import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import { newConflict, newForbidden } from "../../apiserver/errors/status-error.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { ComponentHealth } from "./component-health.ts";
import { Controller, type ReconcileOutcome } from "./controller.ts";
import { SharedInformers } from "./informers.ts";
import type { ControllerOptions, Trigger } from "./interface.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { Manager } from "./manager.ts";
import { formatKey, type ObjectKey } from "./object-key.ts";
import { done, type ReconcileContext, type Result, requeueAfter, TerminalError } from "./reconciler.ts";
import { mapped, ownedBy, ownKind } from "./triggers.ts";
import { noMetrics } from "./work-queue.ts";

const jobs: ResourceType = { group: "batch", version: "v1", kind: "Job", resource: "jobs", namespaced: true };
const pods: ResourceType = { group: "", version: "v1", kind: "Pod", resource: "pods", namespaced: true };

const aJob = (name: string): KubeObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "demo" },
});
const aPod = (metadata: ObjectMeta): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "demo", ...metadata },
});

/** A reconciler that has nothing to do but to remember whom it was asked about. */
const recordIn =
  (seen: string[]): Reconcile =>
  async (key) => {
    seen.push(formatKey(key));
    return done;
  };

type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<Result>;

class Setup {
  readonly clock = new FakeClock();
  readonly client = new FakeClient(this.clock);
  readonly informers: SharedInformers;
  readonly outcomes: ReconcileOutcome[] = [];
  readonly logged: string[] = [];
  readonly abort = new AbortController();
  readonly health = new ComponentHealth(this.clock);
  running: Promise<void> = Promise.resolve();
  readonly #log: Logger;

  constructor() {
    const log: Logger = {
      ...silentLogger,
      error: (_, message) => this.logged.push(`error: ${message}`),
      debug: (_, message) => this.logged.push(`debug: ${message}`),
      child: () => log,
    };
    this.#log = log;
    this.informers = new SharedInformers({ client: this.client, clock: this.clock, log });
  }

  async start(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Promise<void> {
    const triggers: readonly Trigger[] = [ownKind(this.informers.informer(jobs))];
    const controller = new Controller(
      { name: "job", reconciler: { reconcile }, triggers, ...options },
      {
        clock: this.clock,
        log: this.#log,
        metrics: () => ({ queue: noMetrics, reconciled: (outcome) => this.outcomes.push(outcome) }),
      },
    );
    const manager = new Manager({
      informers: [this.informers],
      controllers: [controller],
      health: this.health,
      clock: this.clock,
      log: this.#log,
    });
    this.running = manager.run(this.abort.signal);
    await settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort.abort();
    await this.running;
  }
}

test("every present object once, then whatever changes", async () => {
  await using setup = new Setup();
  const seen: string[] = [];
  await setup.client.create(jobs, aJob("a"));
  await setup.start(recordIn(seen));
  await setup.client.create(jobs, aJob("b"));
  await settle();
  await setup.client.delete({ type: jobs, name: "a", namespace: "demo" });
  await settle();
  assert.deepEqual(seen, ["demo/a", "demo/b", "demo/a"]);
});

test("owned and mapped objects bring their key, before and after a change; uninteresting updates none", async () => {
  await using setup = new Setup();
  const seen: string[] = [];
  const reference = (name: string) => [{ apiVersion: "batch/v1", kind: "Job", name, uid: name, controller: true }];
  const podInformer = setup.informers.informer(pods);
  await setup.start(recordIn(seen), {
    workers: 1,
    triggers: [
      ownedBy(jobs, podInformer),
      mapped(podInformer, ({ metadata }) =>
        metadata.labels?.job === undefined ? [] : [{ namespace: "demo", name: metadata.labels.job }],
      ),
      ownKind(setup.informers.informer(jobs), () => false),
    ],
  });
  const heard = async (change: Promise<unknown>) => {
    await change;
    await settle();
    return seen.splice(0).sort();
  };
  const ref = { type: pods, name: "p", namespace: "demo" };
  const patch = (metadata: ObjectMeta) => setup.client.patch(ref, { type: "merge", body: { metadata } });
  assert.deepEqual(await heard(setup.client.create(pods, aPod({ ownerReferences: reference("a") }))), ["demo/a"]);
  assert.deepEqual(await heard(patch({ ownerReferences: reference("b") })), ["demo/a", "demo/b"]);
  assert.deepEqual(await heard(patch({ ownerReferences: [], labels: { job: "c" } })), ["demo/b", "demo/c"]);
  assert.deepEqual(await heard(setup.client.delete(ref)), ["demo/c"]);
  assert.deepEqual(await heard(setup.client.create(jobs, aJob("d"))), ["demo/d"]);
  const label = { type: "merge", body: { metadata: { labels: { a: "b" } } } } as const;
  assert.deepEqual(await heard(setup.client.patch({ type: jobs, name: "d", namespace: "demo" }, label)), []);
});

const verdicts: Record<string, { run: Reconcile; outcome: ReconcileOutcome; runs: number; log: string[] }> = {
  done: { run: async () => done, outcome: "success", runs: 1, log: [] },
  "requeue after 60 s": { run: async () => requeueAfter(60_000), outcome: "requeue_after", runs: 2, log: [] },
  "a failure": {
    run: () => Promise.reject(new Error("boom")),
    outcome: "error",
    runs: 14,
    log: ["error: reconcile failed, trying again"],
  },
  "a panic": {
    run: () => {
      throw new RangeError("boom");
    },
    outcome: "error",
    runs: 14,
    log: ["error: reconcile failed, trying again"],
  },
  "a lost race": {
    run: () => Promise.reject(newConflict(jobs, "a", "changed")),
    outcome: "error",
    runs: 14,
    log: ["debug: reconcile lost a race, trying again"],
  },
  "a namespace that is going away": {
    run: () =>
      Promise.reject(
        newForbidden({ group: "batch", resource: "jobs" }, "a", "it is being terminated", [
          { reason: "NamespaceTerminating", field: "metadata.namespace" },
        ]),
      ),
    outcome: "success",
    runs: 1,
    log: [],
  },
  "a failure for good": {
    run: () => Promise.reject(new TerminalError("never")),
    outcome: "terminal_error",
    runs: 1,
    log: ["error: reconcile failed for good, waiting for a change"],
  },
};
for (const [name, { run, outcome, runs, log }] of Object.entries(verdicts)) {
  test(`verdict: ${name}`, async () => {
    await using setup = new Setup();
    await setup.client.create(jobs, aJob("a"));
    await setup.start(run);
    await setup.clock.advance(80_000);
    assert.deepEqual([...new Set(setup.outcomes)], [outcome]);
    assert.equal(setup.outcomes.length, runs);
    assert.deepEqual(
      [...new Set(setup.logged)].filter((line) => line.includes("reconcile")),
      log,
    );
  });
}

test("what fails for one object does not hold up another, and success resets the back-off", async () => {
  await using setup = new Setup();
  const runs: Record<string, number> = {};
  for (const name of ["bad", "good"]) await setup.client.create(jobs, aJob(name));
  await setup.start(async ({ name }) => {
    runs[name] = (runs[name] ?? 0) + 1;
    if (name === "bad" && runs[name] <= 3) throw new Error("not yet");
    return done;
  });
  await setup.clock.advance(1_000);
  assert.deepEqual(runs, { bad: 4, good: 1 });
});

test("as many at once as there are workers, never two for one key", async () => {
  await using setup = new Setup();
  const gate = Promise.withResolvers<void>();
  const running = new Set<string>();
  let most = 0;
  for (let number = 0; number < 10; number++) await setup.client.create(jobs, aJob(`j${number}`));
  await setup.start(
    async ({ name }) => {
      assert.ok(!running.has(name));
      running.add(name);
      most = Math.max(most, running.size);
      await gate.promise;
      running.delete(name);
      return done;
    },
    { workers: 3 },
  );
  const body = { metadata: { labels: { a: "b" } } };
  await setup.client.patch({ type: jobs, name: "j0", namespace: "demo" }, { type: "merge", body });
  await settle();
  gate.resolve();
  await settle();
  assert.equal(most, 3);
  assert.equal(setup.outcomes.length, 11, "j0 once more, after its first run");
});

test("a run that takes too long is aborted", async () => {
  await using setup = new Setup();
  await setup.client.create(jobs, aJob("a"));
  const hang: Reconcile = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  await setup.start(hang, { deadlineMs: 1_000 });
  await setup.clock.advance(1_000);
  assert.deepEqual(setup.outcomes, ["error"]);
});

test("nothing runs before every cache that is read is complete", async () => {
  await using setup = new Setup();
  setup.client.fail(({ verb, resource }) => verb === "watch" && resource === "pods", new Error("down"), 1);
  await setup.client.create(jobs, aJob("a"));
  await setup.start(async () => done, { reads: [setup.informers.informer(pods)] });
  assert.deepEqual(setup.outcomes, []);
  await setup.clock.advance(1_000);
  assert.deepEqual(setup.outcomes, ["success"]);
});

test("stopping waits for what is running and starts nothing more", async () => {
  await using setup = new Setup();
  for (const name of ["a", "b"]) await setup.client.create(jobs, aJob(name));
  let stopped = false;
  const gate = Promise.withResolvers<Result>();
  await setup.start(() => gate.promise, { workers: 1 });
  setup.abort.abort();
  const ended = setup.running.then(() => (stopped = true));
  await settle();
  assert.equal(stopped, false);
  gate.resolve(done);
  await ended;
  assert.equal(setup.outcomes.length, 1);
});
