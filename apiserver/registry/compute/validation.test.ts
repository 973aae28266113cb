import assert from "node:assert/strict";
import { test } from "node:test";
import { aMesh, aSpec, aWorkload, type WorkloadKind } from "../../../test/support/workloads.ts";
import type { JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { defaultWorkload } from "./defaults.ts";
import { validateMesh, validateWorkload } from "./validation.ts";

type Changes = { readonly [field: string]: JsonValue | undefined };
/** What a user sent, what of it is told to be wrong; kind Function unless said. */
type Case = { readonly kind?: WorkloadKind; readonly spec: Changes; readonly errors: readonly string[] };

const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, body }) => `${field}: ${body}`);
const problems = (kind: WorkloadKind, object: KubeObject): string[] =>
  texts(validateWorkload(kind)(defaultWorkload(kind)(object)));

const location =
  "must be an http:// or https:// URL, or a package such as function://tenant/namespace/name@version (also source:// and sink://)";
const topicName =
  "must be a topic name: `topic`, `tenant/namespace/topic`, or the latter behind `persistent://` or `non-persistent://`";
const configMap = "name of the ConfigMap with webServiceURL and brokerServiceURL";
const positive = "must be greater than 0";
const notNegative = "must be greater than or equal to 0";

const runtimeCases: Record<string, Case> = {
  "no runtime": {
    spec: { java: undefined },
    errors: ["spec: Required value: one runtime is needed: java, python, golang, genericRuntime"],
  },
  "two runtimes": {
    spec: { python: { py: "a.py" }, golang: { go: "a" } },
    errors: [
      "spec.python: Forbidden: only one runtime may be set, and java is",
      "spec.golang: Forbidden: only one runtime may be set, and java is",
    ],
  },
  "a connector without Java": {
    kind: "Source",
    spec: { java: undefined, python: { py: "a.py" } },
    errors: ["spec.java: Required value: connectors run on Java"],
  },
  "other runtimes of a connector have no effect": { kind: "Sink", spec: { python: {} }, errors: [] },
  "Java without class and file": {
    spec: { className: "", java: {} },
    errors: [
      "spec.className: Required value: the java runtime needs the class to run",
      "spec.java.jar: Required value: path of the file to run",
    ],
  },
  "Python without class": {
    spec: { className: undefined, java: undefined, python: { py: "a.py" } },
    errors: ["spec.className: Required value: the python runtime needs the class to run"],
  },
  "Go needs no class": { spec: { className: undefined, java: undefined, golang: { go: "a" } }, errors: [] },
  "a generic runtime fetches from anywhere": {
    spec: {
      className: undefined,
      java: undefined,
      genericRuntime: { functionFile: "a", language: "wasm", functionFileLocation: "s3:x" },
    },
    errors: [],
  },
  "a generic runtime without file": {
    spec: { java: undefined, genericRuntime: { language: "nodejs" } },
    errors: ["spec.genericRuntime.functionFile: Required value: path of the file to run"],
  },
  "a location that is neither URL nor package": {
    spec: { java: { jar: "/a.jar", jarLocation: "public/default/a" } },
    errors: [`spec.java.jarLocation: Invalid value: "public/default/a": ${location}`],
  },
  "a package that isn't one": {
    spec: { java: undefined, golang: { go: "a", goLocation: "function://a/b@1" } },
    errors: [`spec.golang.goLocation: Invalid value: "function://a/b@1": ${location}`],
  },
  "a Source without configuration": {
    kind: "Source",
    spec: { sourceConfig: undefined },
    errors: ["spec.sourceConfig: Required value: configuration of the connector; {} if it needs none"],
  },
  "a Sink without configuration": {
    kind: "Sink",
    spec: { sinkConfig: undefined },
    errors: ["spec.sinkConfig: Required value: configuration of the connector; {} if it needs none"],
  },
};

const scalingCases: Record<string, Case> = {
  "negative replicas": { spec: { replicas: -1 }, errors: [`spec.replicas: Invalid value: -1: ${notNegative}`] },
  "no replicas switch a workload off": { spec: { replicas: 0 }, errors: [] },
  "no replicas switch a workload off under an autoscaler, too": {
    spec: { replicas: 0, maxReplicas: 3 },
    errors: [],
  },
  "no least replicas": {
    spec: { minReplicas: 0, replicas: 1 },
    errors: [`spec.minReplicas: Invalid value: 0: ${positive}`],
  },
  "fewer at most than now": {
    spec: { replicas: 4, maxReplicas: 3 },
    errors: ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to replicas (4)"],
  },
  "more at least than at most": {
    spec: { replicas: 1, minReplicas: 4, maxReplicas: 3 },
    errors: [
      "spec.minReplicas: Invalid value: 4: must be less than or equal to replicas (1)",
      "spec.minReplicas: Invalid value: 4: must be less than or equal to maxReplicas (3)",
    ],
  },
  "more at least than now": {
    spec: { replicas: 1, minReplicas: 2 },
    errors: ["spec.minReplicas: Invalid value: 2: must be less than or equal to replicas (1)"],
  },
  "both autoscalers": {
    spec: { maxReplicas: 3, pod: { vpa: {} } },
    errors: [
      "spec.pod.vpa: Forbidden: a vertical autoscaler cannot be combined with maxReplicas, which turns on a horizontal one",
    ],
  },
  "a container policy for nobody": {
    spec: { pod: { vpa: { resourcePolicy: { containerPolicies: [{ containerName: "*" }, {}] } } } },
    errors: [
      "spec.pod.vpa.resourcePolicy.containerPolicies[1].containerName: Required value: name of a container, or *",
    ],
  },
  "autoscaler rules that don't exist or don't go together": {
    spec: {
      pod: {
        builtinAutoscaler: [
          "AverageUtilizationCPUPercent80",
          "AverageUtilizationCPUPercent50",
          "AverageUtilizationMemoryPercent20",
          "Fast",
        ],
      },
    },
    errors: [
      "spec.pod.builtinAutoscaler[1]: Forbidden: cannot be combined with AverageUtilizationCPUPercent80",
      'spec.pod.builtinAutoscaler[3]: Unsupported value: "Fast": supported values: "AverageUtilizationCPUPercent80", "AverageUtilizationCPUPercent50", "AverageUtilizationCPUPercent20", "AverageUtilizationMemoryPercent80", "AverageUtilizationMemoryPercent50", "AverageUtilizationMemoryPercent20"',
    ],
  },
  "negative resources": {
    spec: { resources: { requests: { cpu: "-1", memory: "0" }, limits: { memory: "1G", storage: "-1Gi" } } },
    errors: [
      `spec.resources.requests.cpu: Invalid value: "-1": ${notNegative}`,
      `spec.resources.requests.memory: Invalid value: "0": ${positive}`,
      `spec.resources.limits.storage: Invalid value: "-1Gi": ${notNegative}`,
    ],
  },
  "requests above limits, by value": {
    spec: { resources: { requests: { cpu: "1100m", memory: "1025Mi" }, limits: { cpu: 1, memory: "1Gi" } } },
    errors: [
      'spec.resources.requests.cpu: Invalid value: "1100m": must be less than or equal to the cpu limit (1)',
      'spec.resources.requests.memory: Invalid value: "1025Mi": must be less than or equal to the memory limit (1Gi)',
    ],
  },
  "a CPU limit of 0 is none": { spec: { resources: { requests: { cpu: "1" }, limits: { cpu: "0" } } }, errors: [] },
};

const messagingCases: Record<string, Case> = {
  "a negative timeout": { spec: { timeout: -1 }, errors: [`spec.timeout: Invalid value: -1: ${notNegative}`] },
  "effectively once with a timeout, retries and key ordering": {
    spec: { processingGuarantee: "effectively_once", timeout: 5, maxMessageRetry: 1, retainKeyOrdering: true },
    errors: [
      "spec.timeout: Forbidden: an acknowledgement timeout cannot be combined with effectively_once",
      "spec.maxMessageRetry: Forbidden: retries cannot be combined with effectively_once",
      "spec.retainKeyOrdering: Forbidden: cannot be combined with effectively_once",
    ],
  },
  "both orderings": {
    spec: { retainKeyOrdering: true, retainOrdering: true },
    errors: ["spec.retainKeyOrdering: Forbidden: cannot be combined with retainOrdering"],
  },
  "dead letters without retries": {
    kind: "Sink",
    spec: { deadLetterTopic: "dead" },
    errors: [
      "spec.maxMessageRetry: Required value: a dead letter topic is reached after a number of retries greater than 0",
    ],
  },
  "delivery does not concern a Source": { kind: "Source", spec: { timeout: -1 }, errors: [] },
  "no input": {
    kind: "Sink",
    spec: { input: {} },
    errors: ["spec.input: Required value: at least one input topic, for example in topics or topicPattern"],
  },
  "a source connector replaces the input": { spec: { input: undefined, sourceConfig: {} }, errors: [] },
  "bad topics, wherever they are": {
    spec: {
      input: {
        topics: ["ok", "a/b"],
        topicPattern: "a/b/",
        customSerdeSources: { "persistent://a b/c/d": "x" },
        sourceSpecs: { "": {} },
      },
      output: { topic: "a/b/c/d" },
      logTopic: "a/b",
    },
    errors: [
      `spec.input.topics[1]: Invalid value: "a/b": ${topicName}`,
      `spec.input.topicPattern: Invalid value: "a/b/": ${topicName}`,
      `spec.input.customSerdeSources[persistent://a b/c/d]: Invalid value: "persistent://a b/c/d": ${topicName}`,
      `spec.input.sourceSpecs[]: Invalid value: "": ${topicName}`,
      `spec.output.topic: Invalid value: "a/b/c/d": ${topicName}`,
      `spec.logTopic: Invalid value: "a/b": ${topicName}`,
    ],
  },
  "a bad dead letter topic": {
    spec: { deadLetterTopic: "a/b", maxMessageRetry: 1 },
    errors: [`spec.deadLetterTopic: Invalid value: "a/b": ${topicName}`],
  },
  "a negative queue, and encryption without a key reader": {
    spec: { input: { sourceSpecs: { in: { receiverQueueSize: -1, cryptoConfig: {} } } } },
    errors: [
      `spec.input.sourceSpecs[in].receiverQueueSize: Invalid value: -1: ${notNegative}`,
      "spec.input.sourceSpecs[in].cryptoConfig.cryptoKeyReaderClassName: Required value: class that reads the keys",
    ],
  },
  "writing what is read": {
    spec: { output: { topic: "in" } },
    errors: [
      'spec.output.topic: Invalid value: "in": must not be one of the input topics: the function would read what it writes',
    ],
  },
  "a sink connector replaces the output": { spec: { output: { topic: "a/b" }, sinkConfig: {} }, errors: [] },
  "encrypting without class and keys": {
    kind: "Source",
    spec: { output: { topic: "out", producerConf: { cryptoConfig: {} } } },
    errors: [
      "spec.output.producerConf.cryptoConfig.cryptoKeyReaderClassName: Required value: class that reads the keys",
      "spec.output.producerConf.cryptoConfig.encryptionKeys: Required value: name of at least one key to encrypt with",
    ],
  },
  "no Pulsar": {
    spec: { pulsar: undefined },
    errors: ["spec.pulsar: Required value: connection to the Pulsar cluster"],
  },
  "Pulsar and package service without address": {
    kind: "Sink",
    spec: { pulsar: {}, pulsarPackageService: {} },
    errors: [
      `spec.pulsar.pulsarConfig: Required value: ${configMap}`,
      `spec.pulsarPackageService.pulsarConfig: Required value: ${configMap}`,
    ],
  },
  "state without address, and in Go": {
    spec: { java: undefined, golang: { go: "a" }, statefulConfig: { pulsar: {} } },
    errors: [
      "spec.statefulConfig: Forbidden: Go functions cannot keep state",
      "spec.statefulConfig.pulsar.serviceUrl: Required value: address of the state store",
    ],
  },
};

const windowCases: Record<string, Case> = {
  "a window of no length": {
    spec: { windowConfig: {} },
    errors: ["spec.windowConfig: Required value: windowLengthCount or windowLengthDurationMs"],
  },
  "a window by count and by time": {
    spec: { windowConfig: { windowLengthCount: 1, windowLengthDurationMs: 1 } },
    errors: ["spec.windowConfig.windowLengthDurationMs: Forbidden: cannot be combined with windowLengthCount"],
  },
  "lengths of nothing": {
    spec: { windowConfig: { windowLengthCount: 0, slidingIntervalCount: -1 } },
    errors: [
      `spec.windowConfig.windowLengthCount: Invalid value: 0: ${positive}`,
      `spec.windowConfig.slidingIntervalCount: Invalid value: -1: ${positive}`,
    ],
  },
  "lag counts with event time": {
    spec: {
      windowConfig: {
        windowLengthDurationMs: 5,
        maxLagMs: 0,
        timestampExtractorClassName: "x",
        watermarkEmitIntervalMs: 0,
      },
    },
    errors: [
      `spec.windowConfig.maxLagMs: Invalid value: 0: ${positive}`,
      `spec.windowConfig.watermarkEmitIntervalMs: Invalid value: 0: ${positive}`,
    ],
  },
  "lag without event time means nothing": { spec: { windowConfig: { windowLengthCount: 5, maxLagMs: 0 } }, errors: [] },
};

const groups = { runtime: runtimeCases, scaling: scalingCases, messaging: messagingCases, window: windowCases };
for (const [group, cases] of Object.entries(groups)) {
  for (const [name, { kind = "Function", spec, errors }] of Object.entries(cases)) {
    test(`validate ${group}: ${name}`, () =>
      assert.deepEqual(problems(kind, aWorkload(kind, aSpec(kind, spec))), errors));
  }
}

for (const kind of ["Function", "Source", "Sink"] as const) {
  test(`validate: the smallest ${kind} is valid`, () =>
    assert.deepEqual(problems(kind, aWorkload(kind, aSpec(kind))), []));
}

test("validate: a name is short enough for the labels of its pods, one that was generated may be longer", () => {
  const name = "a".repeat(44);
  const long = `metadata.name: Invalid value: "${name}": must be no more than 43 characters, so that the names of its pods fit into labels`;
  const spec = aSpec("Function");
  assert.deepEqual(problems("Function", aWorkload("Function", spec, { name })), [long]);
  assert.deepEqual(problems("Function", aWorkload("Function", spec, { name: name.slice(1) })), []);
  assert.deepEqual(problems("Function", aWorkload("Function", spec, { name, generateName: "a".repeat(39) })), []);
  assert.deepEqual(problems("Function", aWorkload("Function", spec, { name, generateName: "a" })), [long]);
});

test("validateMesh: every component by the rules of its kind, at its place", () => {
  const mesh = aMesh({
    functions: [aSpec("Function", { name: "a" }), aSpec("Function", { name: "b", replicas: -1 })],
    sources: [aSpec("Source", { name: "a", sourceConfig: undefined })],
    sinks: [aSpec("Sink", { name: "a", input: undefined })],
  });
  assert.deepEqual(texts(validateMesh(mesh)), [
    `spec.functions[1].replicas: Invalid value: -1: ${notNegative}`,
    "spec.sources[0].sourceConfig: Required value: configuration of the connector; {} if it needs none",
    "spec.sinks[0].input: Required value: at least one input topic, for example in topics or topicPattern",
  ]);
});

test("validateMesh: components have names, of their own within a list, and short enough for a member", () => {
  const name = "c".repeat(40);
  const mesh = aMesh({
    functions: [
      aSpec("Function", { name: "a" }),
      aSpec("Function", { name: "a" }),
      aSpec("Function"),
      aSpec("Function", { name }),
    ],
    sinks: [aSpec("Sink", { name: "a" })],
  });
  assert.deepEqual(texts(validateMesh(mesh)), [
    'spec.functions[1].name: Duplicate value: "a"',
    "spec.functions[2].name: Required value: names the component inside the mesh",
    `spec.functions[3].name: Invalid value: "${name}": makes a Function named mesh-${name}, which has more than 43 characters`,
  ]);
});

test("validateMesh: a mesh of nothing is valid", () => assert.deepEqual(validateMesh(aMesh({})), []));

test("validate: bounds may be moved past the replicas that an autoscaler has reached (kubernetes pull 21149)", () => {
  const spec = (changes: Changes) => aSpec("Function", { name: "a", replicas: 6, minReplicas: 1, ...changes });
  const before = spec({ maxReplicas: 10 });
  const lowered = spec({ maxReplicas: 4 });
  const raised = spec({ minReplicas: 7, maxReplicas: 10 });
  for (const after of [lowered, raised]) {
    assert.deepEqual(validateWorkload("Function")(aWorkload("Function", after), aWorkload("Function", before)), []);
    assert.notDeepEqual(validateWorkload("Function")(aWorkload("Function", after)), [], "refused on create");
    assert.deepEqual(validateMesh(aMesh({ functions: [after] }), aMesh({ functions: [before] })), []);
  }
  const another = { ...lowered, name: "b" };
  assert.deepEqual(texts(validateMesh(aMesh({ functions: [before, another] }), aMesh({ functions: [before] }))), [
    "spec.functions[1].maxReplicas: Invalid value: 4: must be greater than or equal to replicas (6)",
  ]);
});
