import assert from "node:assert/strict";
import { test } from "node:test";
import { aMesh, aSpec, aWorkload } from "../../../test/support/workloads.ts";
import type { JsonValue } from "../../apis/meta/v1.ts";
import { meshWarnings, workloadWarnings } from "./warnings.ts";

test("warnings: a Source reads no topics", () => {
  const spec = aSpec("Source", { input: { topics: ["out"] } });
  assert.deepEqual(workloadWarnings("Source")(aWorkload("Source", spec)), []);
});

test("warnings: fewer replicas than the autoscaler allows, unless it is switched off", () => {
  const at = (replicas: number, maxReplicas?: number) =>
    workloadWarnings("Sink")(
      aWorkload(
        "Sink",
        aSpec("Sink", { replicas, minReplicas: 2, maxReplicas, resources: { requests: { cpu: "1" } } }),
      ),
    );
  const noAutoscaler = "without maxReplicas no autoscaler acts on it";
  assert.deepEqual(at(1), [`spec.replicas: is 1, less than minReplicas, 2: ${noAutoscaler}`]);
  assert.deepEqual(at(1, 3), ["spec.replicas: is 1, less than minReplicas, 2: the autoscaler will change it"]);
  assert.deepEqual(at(6, 4), ["spec.replicas: is 6, more than maxReplicas, 4: the autoscaler will change it"]);
  assert.deepEqual(at(0), []);
  assert.deepEqual(at(0, 3), []);
  assert.deepEqual(at(2), []);
});

test("warnings: configuration that no instance can be started with", () => {
  const first = (kind: "Function" | "Source" | "Sink", field: string, bytes: number): string | undefined =>
    workloadWarnings(kind)(aWorkload(kind, aSpec(kind, { [field]: { a: "x".repeat(bytes) } }))).find((text) =>
      text.includes("makes an argument of"),
    );
  assert.match(first("Function", "funcConfig", 130_000) ?? "", /^spec\.funcConfig: makes an argument of 130014 bytes/);
  assert.match(first("Source", "sourceConfig", 70_000) ?? "", /^spec\.sourceConfig: /);
  assert.match(first("Sink", "sinkConfig", 130_000) ?? "", /^spec\.sinkConfig: /);
  assert.equal(first("Function", "funcConfig", 100_000), undefined);
  assert.equal(first("Source", "sourceConfig", 50_000), undefined);
});

test("warnings: a generated name that is too long", () => {
  const metadata = { name: "a".repeat(44), generateName: "a".repeat(39) };
  assert.deepEqual(workloadWarnings("Function")(aWorkload("Function", aSpec("Function"), metadata)), [
    "metadata.name: must be no more than 43 characters, so that the names of its pods fit into labels",
  ]);
});

test("warnings: of a mesh's components, at their places", () => {
  const mesh = aMesh({
    functions: [aSpec("Function", { name: "a", logTopic: "in" })],
    sinks: [aSpec("Sink", { name: "b", replicas: 1, minReplicas: 3 })],
  });
  assert.deepEqual(meshWarnings(mesh), [
    "spec.functions[0].logTopic: is an input topic as well: a cycle of one",
    "spec.sinks[0].replicas: is 1, less than minReplicas, 3: without maxReplicas no autoscaler acts on it",
    "spec.sinks[0].input: no member of the mesh writes to its topics",
  ]);
});

/** A legal spec, and the beginning of what is told of it. */
const legal: readonly (readonly [
  "Function" | "Source" | "Sink",
  { [field: string]: JsonValue | undefined },
  string,
])[] = [
  ["Source", { output: undefined }, "spec.output.topic: is not set: what the source reads goes nowhere"],
  ["Function", { sinkConfig: { sinkType: "nosuch" } }, "spec.sinkConfig.sinkType: nosuch is none of the connectors"],
  ["Function", { input: { topicPattern: "persistent://a/b/[" } }, "spec.input.topicPattern: is no regular expression"],
  [
    "Function",
    { retainOrdering: true, maxMessageRetry: 3 },
    "spec.maxMessageRetry: has no effect: with retainOrdering",
  ],
  [
    "Sink",
    { pod: { sidecars: [{ name: "s", image: "s", securityContext: { privileged: true } }] } },
    "spec.pod.sidecars[0].securityContext.privileged: works where kube-apiserver runs with --allow-privileged",
  ],
  ["Function", { logTopic: "out" }, "spec.logTopic: is the output topic as well"],
  ["Sink", { pod: { env: [{ name: "POD_NAME", value: "x" }] } }, "spec.pod.env[0]: has no effect: POD_NAME"],
  [
    "Function",
    { pod: { volumes: [{ name: "v", emptyDir: {} }] }, volumeMounts: [{ name: "v", mountPath: "/pulsar/" }] },
    "spec.volumeMounts[0].mountPath: /pulsar/ hides what the image has there",
  ],
  [
    "Sink",
    { resources: { requests: { memory: "100m" } } },
    'spec.resources.requests[memory]: fractional byte value "100m"',
  ],
  [
    "Function",
    { output: { topic: "out", producerConf: { batchBuilder: "KEYS" } } },
    "spec.output.producerConf.batchBuilder: KEYS acts as DEFAULT",
  ],
  [
    "Function",
    { pulsar: { pulsarConfig: "pulsar", tlsConfig: { enabled: true, certSecretName: "ca" } } },
    "spec.pulsar.tlsConfig.certSecretName: has no effect: certSecretKey is not set",
  ],
  [
    "Source",
    {
      output: {
        topic: "out",
        producerConf: {
          cryptoConfig: { cryptoKeyReaderClassName: "R", encryptionKeys: ["k"], cryptoSecrets: [{ secretName: "s" }] },
        },
      },
    },
    "spec.output.producerConf.cryptoConfig.cryptoSecrets[0]: has no effect: without asVolume",
  ],
];
for (const [kind, changes, told] of legal) {
  test(`warnings: ${told}`, () => {
    const warnings = workloadWarnings(kind)(aWorkload(kind, aSpec(kind, changes)));
    assert.ok(
      warnings.some((text) => text.startsWith(told)),
      warnings.join("\n"),
    );
  });
}

test("warnings: a pattern that only Java reads is not judged", () => {
  for (const topicPattern of ["persistent://a/b/(?i)x.*", "persistent://a/b/\\Q[\\E", "persistent://a/b/x*+", "a.*"]) {
    assert.deepEqual(workloadWarnings("Sink")(aWorkload("Sink", aSpec("Sink", { input: { topicPattern } }))), []);
  }
});

const key = (name: string): string => `compute.functionmesh.io/${name}`;
const unread: readonly (readonly [of: "Function" | "mesh", key: string, value: string, told: RegExp | undefined])[] = [
  ["Function", key("pause-rollout"), "true", undefined],
  ["Function", key("pause-rollout"), "false", undefined],
  ["Function", key("pause-rollout"), "True", /: has no effect: only "true" has one, and this is "True"$/],
  ["Function", key("managed"), "no", /: has no effect: only "false" has one/],
  ["Function", key("need-cleanup"), "", /: has no effect: only "false" has one/],
  ["Function", key("roll-out"), "any text", undefined],
  ["Function", key("pause-roll-out"), "true", /: has no effect: the keys that are known are .*pause-rollout/],
  ["Function", "example.org/pause-roll-out", "true", undefined],
  ["Function", key("applied-digest"), "0123", undefined],
  ["mesh", key("managed"), "false", undefined],
  ["mesh", key("pause-rollout"), "true", /: has no effect: .*put it on the members$/],
  ["mesh", key("roll-out"), "now", /: has no effect: .*put it on the members$/],
];
for (const [of, annotation, value, told] of unread) {
  test(`warnings: annotation ${annotation}=${value} of a ${of}`, () => {
    const metadata = { annotations: { [annotation]: value } };
    const warnings =
      of === "mesh"
        ? meshWarnings(aMesh({ functions: [] }, metadata))
        : workloadWarnings("Function")(aWorkload("Function", aSpec("Function"), metadata));
    if (told === undefined) assert.deepEqual(warnings, []);
    else {
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", told);
      assert.ok(warnings[0]?.startsWith(`metadata.annotations[${annotation}]`));
    }
  });
}
