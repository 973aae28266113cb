import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf, rowOf } from "../../../test/support/columns.ts";
import { aMesh, aSpec, aWorkload } from "../../../test/support/workloads.ts";
import type { JsonObject } from "../../apis/meta/v1.ts";
import {
  backendConfigColumns,
  functionColumns,
  functionMeshColumns,
  inputOf,
  runtimeOf,
  shortTopics,
  sinkColumns,
  sourceColumns,
} from "./columns.ts";

const created = { creationTimestamp: "2026-01-01T00:00:00Z" };

// API N-31, KB-04, CR-06, CR-28
test("columns: what is shown without and with -o wide", () => {
  assert.deepEqual(namesOf(functionColumns, { wide: false }), [
    "Name",
    "Ready",
    "Status",
    "Runtime",
    "Input",
    "Output",
    "Age",
  ]);
  assert.deepEqual(namesOf(functionColumns, { wide: true }), [
    "Reason",
    "Topics",
    "Class",
    "Guarantee",
    "Scaling",
    "Image",
  ]);
  assert.deepEqual(namesOf(sourceColumns, { wide: false }), ["Name", "Ready", "Status", "Output", "Age"]);
  assert.deepEqual(namesOf(sinkColumns, { wide: false }), ["Name", "Ready", "Status", "Input", "Age"]);
  assert.deepEqual(namesOf(functionMeshColumns, { wide: false }), [
    "Name",
    "Status",
    "Ready",
    "Functions",
    "Sources",
    "Sinks",
    "Age",
  ]);
  assert.deepEqual(namesOf(backendConfigColumns, { wide: false }), ["Name", "Auto Update", "Env", "Age"]);
});

test("columns: a Function that runs", () => {
  const spec = aSpec("Function", {
    replicas: 3,
    maxReplicas: 5,
    minReplicas: 2,
    processingGuarantee: "manual",
    image: "i:1",
  });
  const object = {
    ...aWorkload("Function", spec, created),
    status: { readyReplicas: 2, phase: "Progressing", reason: "PodsNotReady" },
  };
  assert.deepEqual(rowOf(functionColumns, object), [
    "Name=w",
    "Ready=2/3",
    "Status=Progressing",
    "Runtime=java",
    "Input=in",
    "Output=out",
    "Age=5m",
    "Reason=PodsNotReady",
    "Topics=in -> out",
    "Class=org.example.Split",
    "Guarantee=manual",
    "Scaling=2-5",
    "Image=i:1",
  ]);
});

test("columns: a Function that was just stored, and one of nothing", () => {
  assert.deepEqual(rowOf(functionColumns, aWorkload("Function", { replicas: 1 })).slice(0, 2), ["Name=w", "Ready=0/1"]);
  assert.deepEqual(rowOf(functionColumns, { apiVersion: "a/v1", kind: "Function", metadata: {} }), [
    "Name=",
    "Ready=0/0",
    "Status=",
    "Runtime=",
    "Input=",
    "Output=",
    "Age=<unknown>",
    "Reason=",
    "Topics=",
    "Class=",
    "Guarantee=",
    "Scaling=fixed",
    "Image=",
  ]);
});

const runtimes: readonly (readonly [spec: JsonObject, name: string])[] = [
  [{ java: {} }, "java"],
  [{ python: {} }, "python"],
  [{ golang: {} }, "go"],
  [{ genericRuntime: { language: "nodejs" } }, "nodejs"],
  [{ genericRuntime: {} }, ""],
  [{}, ""],
];
for (const [spec, name] of runtimes) {
  test(`runtimeOf: ${JSON.stringify(spec)}`, () => assert.equal(runtimeOf(spec), name));
}

const inputs: readonly (readonly [spec: JsonObject, shown: string])[] = [
  [{ input: { topics: ["a", "b"], topicPattern: "c.*" } }, "a,b,c.*"],
  [{ input: { sourceSpecs: { a: {}, b: {} }, topics: ["a"] } }, "a,b"],
  [{ input: { customSerdeSources: { a: "X" }, customSchemaSources: { b: "Y" } } }, "a,b"],
  [{ sourceConfig: { sourceType: "kafka", className: "x.Y" } }, "kafka"],
  [{ sourceConfig: { className: "x.Y" } }, "x.Y"],
  [{ input: { topics: ["a"] }, sourceConfig: { sourceType: "kafka" } }, "a"],
];
for (const [spec, shown] of inputs) test(`inputOf: ${JSON.stringify(spec)}`, () => assert.equal(inputOf(spec), shown));

const topics: readonly (readonly [topics: string, shown: string])[] = [
  ["persistent://public/default/orders", "orders"],
  ["persistent://shop/eu/orders", "shop/eu/orders"],
  ["non-persistent://a/b/c", "…sistent://a/b/c"],
  ["a,b,c", "a,+2"],
  ["persistent://platform/namespace/orders-that-were-cancelled", "…-were-cancelled"],
];
for (const [given, shown] of topics) test(`shortTopics: ${given}`, () => assert.equal(shortTopics(given), shown));

test("columns: get fn fits 120 columns", () => {
  const topic = "persistent://tenant/namespace/a-topic-with-a-rather-long-name";
  const spec = aSpec("Function", { replicas: 10, input: { topics: [topic, topic] }, output: { topic } });
  const object = { ...aWorkload("Function", spec, { ...created, name: "n".repeat(40) }) };
  const shown = functionColumns.filter(({ priority }) => priority === 0);
  const cells = rowOf(shown, object).map((cell) => cell.slice(cell.indexOf("=") + 1));
  const width = cells.map((cell, index) => Math.max(cell.length, shown[index]?.name.length ?? 0) + 3);
  assert.ok(width.reduce((a, b) => a + b) - 3 <= 120);
});

test("columns: a mesh counts its ready members; what is on its way out is no member", () => {
  const spec = { functions: [{ name: "a" }, { name: "b" }], sinks: [{ name: "c" }] };
  const status = {
    phase: "Progressing",
    condition: { condition: "MeshReady", status: "False" },
    functionConditions: {
      a: { condition: "FunctionReady", status: "True" },
      b: { condition: "FunctionReady", status: "False" },
      old: { condition: "Orphaned", status: "True" },
    },
  };
  assert.deepEqual(rowOf(functionMeshColumns, { ...aMesh(spec, created), status }), [
    "Name=mesh",
    "Status=Progressing",
    "Ready=False",
    "Functions=1/2",
    "Sources=0/0",
    "Sinks=0/1",
    "Age=5m",
  ]);
  assert.equal(rowOf(functionMeshColumns, aMesh({}))[2], "Ready=Unknown");
});

test("columns: a BackendConfig", () => {
  const object = {
    ...aWorkload("Function", { env: { A: "1", B: "2" }, autoUpdate: true }, created),
    kind: "BackendConfig",
  };
  assert.deepEqual(rowOf(backendConfigColumns, object), ["Name=w", "Auto Update=true", "Env=2", "Age=5m"]);
  assert.deepEqual(rowOf(backendConfigColumns, aWorkload("Function", {}, created)).slice(1, 3), [
    "Auto Update=false",
    "Env=0",
  ]);
});
