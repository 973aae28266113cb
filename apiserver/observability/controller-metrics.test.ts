import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@prometheus-io/client";
import { limits } from "../limits.ts";
import {
  controllerMetrics,
  type ObjectState,
  registerCertificateExpiry,
  registerLeadership,
  registerObjectStates,
} from "./controller-metrics.ts";

const linesOf = async (registry: Registry, name: string): Promise<readonly string[]> =>
  (await registry.metrics()).split("\n").filter((line) => line.startsWith(name));

test("queues and reconciles are told under the field's names", async () => {
  const registry = new Registry();
  const { queue, reconciled } = controllerMetrics(registry)("function");
  queue.add();
  queue.depth(3);
  queue.retry();
  queue.queueDurationMs(20);
  queue.workDurationMs(2000);
  reconciled("success", 40);
  reconciled("error", 1);
  assert.deepEqual(await linesOf(registry, "workqueue_depth{"), ['workqueue_depth{name="function"} 3']);
  assert.deepEqual(await linesOf(registry, "workqueue_adds_total{"), ['workqueue_adds_total{name="function"} 1']);
  assert.deepEqual(await linesOf(registry, "workqueue_retries_total{"), ['workqueue_retries_total{name="function"} 1']);
  assert.deepEqual(await linesOf(registry, "workqueue_work_duration_seconds_sum"), [
    'workqueue_work_duration_seconds_sum{name="function"} 2',
  ]);
  assert.deepEqual(await linesOf(registry, "controller_runtime_reconcile_total{"), [
    'controller_runtime_reconcile_total{controller="function",result="success"} 1',
    'controller_runtime_reconcile_total{controller="function",result="error"} 1',
  ]);
});

test("leadership and the certificate's end are read when somebody looks", async () => {
  const registry = new Registry();
  let leads = false;
  registerLeadership(registry, "lease", () => leads);
  registerCertificateExpiry(registry, () => 1_800_000_000_000);
  assert.deepEqual(await linesOf(registry, "leader_election_master_status{"), [
    'leader_election_master_status{name="lease"} 0',
  ]);
  leads = true;
  assert.deepEqual(await linesOf(registry, "leader_election_master_status{"), [
    'leader_election_master_status{name="lease"} 1',
  ]);
  assert.deepEqual(await linesOf(registry, "functionmesh_serving_certificate"), [
    "functionmesh_serving_certificate_expiration_timestamp_seconds 1800000000",
  ]);
});

test("objects are counted by state; whatever stands in a status makes no label of its own (API MT-23)", async () => {
  const registry = new Registry();
  let states: readonly ObjectState[] = [
    { kind: "Function", phase: "Ready", reason: "Ready" },
    { kind: "Function", phase: "Ready", reason: "Ready" },
    { kind: "Function", phase: 'x"} 1\nevil', reason: "not a reason" },
  ];
  registerObjectStates(registry, () => states);
  assert.deepEqual(await linesOf(registry, "functionmesh_objects{"), [
    'functionmesh_objects{kind="Function",phase="Ready",reason="Ready"} 2',
    'functionmesh_objects{kind="Function",phase="",reason=""} 1',
  ]);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const names = [...letters].flatMap((a) => [...letters].map((b) => `${a}${b}`));
  states = names.map((reason) => ({ kind: "Function", phase: "Failed", reason }));
  assert.equal((await linesOf(registry, "functionmesh_objects{")).length, limits.maxObjectSeries.value + 1);
});
