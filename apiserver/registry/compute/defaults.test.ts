import assert from "node:assert/strict";
import { test } from "node:test";
import { aMesh, aSpec, aWorkload, type WorkloadKind } from "../../../test/support/workloads.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { defaultSpec, defaultWorkload, meshComponents } from "./defaults.ts";

/** Members of a defaulted spec, of those given. */
function defaulted(
  kind: WorkloadKind,
  given: JsonObject,
  ...fields: readonly string[]
): readonly (JsonValue | undefined)[] {
  const spec: JsonObject = defaultSpec(kind, given, "w");
  return fields.map((field) => spec[field]);
}

const bytes = { typeClassName: "[B" };
const producerConf = {
  maxPendingMessages: 1000,
  maxPendingMessagesAcrossPartitions: 1000,
  useThreadLocalProducers: true,
};
const resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } };
const common = {
  minReplicas: 1,
  replicas: 1,
  name: "w",
  processingGuarantee: "atleast_once",
  clusterName: "kubernetes",
  tenant: "public",
  namespace: "default",
  resources,
};
const empty: readonly (readonly [kind: WorkloadKind, spec: JsonObject])[] = [
  [
    "Function",
    {
      ...common,
      autoAck: true,
      maxPendingAsyncRequests: 1000,
      forwardSourceMessageProperty: true,
      input: bytes,
      output: bytes,
    },
  ],
  ["Source", { ...common, forwardSourceMessageProperty: true, output: { ...bytes, producerConf } }],
  ["Sink", { ...common, autoAck: true, input: bytes }],
];
for (const [kind, spec] of empty) {
  test(`defaults: a ${kind} of nothing`, () => assert.deepEqual(defaultWorkload(kind)(aWorkload(kind, {})).spec, spec));
}

test("defaults: what was given stays, falsehoods and zeros included", () => {
  const given: JsonObject = {
    ...aSpec("Function"),
    name: "other",
    replicas: 0,
    minReplicas: 2,
    autoAck: false,
    forwardSourceMessageProperty: false,
    maxPendingAsyncRequests: 0,
    tenant: "t",
    resources: { requests: { cpu: "0", memory: "1G" }, limits: { cpu: "2", memory: "2G" } },
  };
  const fields = Object.keys(given).filter((field) => field !== "input" && field !== "output");
  assert.deepEqual(
    defaulted("Function", given, ...fields),
    fields.map((field) => given[field]),
  );
});

test("defaults: an empty text is none", () => {
  assert.deepEqual(
    defaulted("Sink", { tenant: "", name: "", processingGuarantee: "" }, "tenant", "name", "processingGuarantee"),
    ["public", "w", "atleast_once"],
  );
});

test("defaults: replicas follow the least number", () => {
  assert.deepEqual(defaulted("Function", { minReplicas: 3 }, "replicas", "minReplicas"), [3, 3]);
});

test("defaults: the type of messages only where none is named", () => {
  const given = { input: { topics: ["a"], typeClassName: "X" }, output: { topic: "b", typeClassName: "" } };
  assert.deepEqual(defaulted("Function", given, "input", "output"), [given.input, { topic: "b", typeClassName: "[B" }]);
});

test("defaults: a Source's producer is replaced whole or not at all", () => {
  const output = { topic: "a", typeClassName: "X", producerConf: { maxPendingMessages: 1 } };
  assert.deepEqual(defaulted("Source", { output }, "output"), [output]);
});

const logAgents: readonly (readonly [kind: WorkloadKind, given: JsonObject, agent: string | undefined])[] = [
  ["Function", { logTopic: "l" }, "runtime"],
  ["Source", { logTopic: "l" }, "sidecar"],
  ["Sink", { logTopic: "l", logTopicAgent: "runtime" }, "runtime"],
  ["Function", {}, undefined],
];
for (const [kind, given, agent] of logAgents) {
  test(`defaults: ${kind} with ${JSON.stringify(given)} ships its log by ${agent}`, () =>
    assert.deepEqual(defaulted(kind, given, "logTopicAgent"), [agent]));
}

const resourceCases: readonly (readonly [name: string, given: JsonObject, complete: JsonObject])[] = [
  [
    "requests follow limits",
    { limits: { cpu: "2", memory: "3Gi" } },
    { requests: { cpu: "2", memory: "3Gi" }, limits: { cpu: "2", memory: "3Gi" } },
  ],
  [
    "the memory limit follows the request, a CPU limit is nobody's wish",
    { requests: { cpu: "2", memory: "3Gi" } },
    { requests: { cpu: "2", memory: "3Gi" }, limits: { memory: "3Gi" } },
  ],
  ["nothing at all is asked for", {}, resources],
  [
    "nothing is made up for CPU where memory alone is asked for (issue 586)",
    { requests: { memory: "512Mi" }, limits: { memory: "512Mi" } },
    { requests: { memory: "512Mi" }, limits: { memory: "512Mi" } },
  ],
  [
    "a request of CPU alone",
    { requests: { cpu: "250m" } },
    { requests: { cpu: "250m", memory: "1Gi" }, limits: { memory: "1Gi" } },
  ],
  [
    "storage has a limit when it is requested",
    { requests: { cpu: "2", memory: "3Gi", storage: "1Gi" } },
    { requests: { cpu: "2", memory: "3Gi", storage: "1Gi" }, limits: { memory: "3Gi", storage: "1Gi" } },
  ],
];
for (const [name, given, complete] of resourceCases) {
  test(`defaults: ${name}`, () => assert.deepEqual(defaulted("Sink", { resources: given }, "resources"), [complete]));
}

test("defaults: windows tumble unless told to slide", () => {
  const window = (windowConfig: JsonObject) => defaulted("Function", { windowConfig }, "windowConfig")[0];
  assert.deepEqual(window({ windowLengthCount: 5 }), { windowLengthCount: 5, slidingIntervalCount: 5 });
  assert.deepEqual(window({ windowLengthDurationMs: 5, slidingIntervalDurationMs: 2 }), {
    windowLengthDurationMs: 5,
    slidingIntervalDurationMs: 2,
  });
  assert.deepEqual(window({}), {});
});

test("defaults: nothing that was given is changed, and doing it again changes nothing", () => {
  const object = aWorkload("Function", aSpec("Function", { windowConfig: { windowLengthCount: 1 } }));
  const before = JSON.stringify(object);
  const once = defaultWorkload("Function")(object);
  assert.equal(JSON.stringify(object), before);
  assert.deepEqual(defaultWorkload("Function")(once), once);
});

test("meshComponents: every component with its place and kind", () => {
  const mesh = aMesh({ functions: [{ name: "a" }, { name: "b" }], sinks: [{ name: "c" }] });
  assert.deepEqual(
    meshComponents(mesh).map(({ field, index, kind, spec }) => [field, index, kind, spec.name]),
    [
      ["functions", 0, "Function", "a"],
      ["functions", 1, "Function", "b"],
      ["sinks", 0, "Sink", "c"],
    ],
  );
});
