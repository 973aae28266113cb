import assert from "node:assert/strict";
import { test } from "node:test";
import { aMesh, aSpec, aWorkload } from "../../../test/support/workloads.ts";
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
