import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue, KubeObject } from "../../../apis/meta/v1.ts";
import { autoscalerV1Conversion } from "./autoscaler-v1.ts";
import { eventConversion } from "./event.ts";

const cpu = (averageUtilization: number): JsonObject => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

function autoscaler(spec: JsonObject, rest: { [field: string]: JsonValue } = {}): KubeObject {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "a" };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "a", namespace: "demo", annotations: { own: "1" } },
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 3, ...spec },
    ...rest,
  };
}

const selector = { matchLabels: { a: "b" } };
const metrics: Record<string, { second: JsonObject; first: JsonObject }> = {
  memory: {
    second: { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
    first: { type: "Resource", resource: { name: "memory", targetAverageValue: "1Gi" } },
  },
  "one container": {
    second: {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "c", target: { type: "Utilization", averageUtilization: 5 } },
    },
    first: {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "c", targetAverageUtilization: 5 },
    },
  },
  pods: {
    second: {
      type: "Pods",
      pods: { metric: { name: "m", selector }, target: { type: "AverageValue", averageValue: "5" } },
    },
    first: { type: "Pods", pods: { metricName: "m", selector, targetAverageValue: "5" } },
  },
  "another object": {
    second: {
      type: "Object",
      object: {
        describedObject: { kind: "Service", name: "s" },
        metric: { name: "m" },
        target: { type: "Value", value: "5" },
      },
    },
    first: { type: "Object", object: { target: { kind: "Service", name: "s" }, metricName: "m", targetValue: "5" } },
  },
  "something outside": {
    second: { type: "External", external: { metric: { name: "m", selector }, target: { type: "Value", value: "5" } } },
    first: { type: "External", external: { metricName: "m", metricSelector: selector, targetValue: "5" } },
  },
};

test("autoscaling/v1 has a field for a target of cpu", () => {
  const { spec, metadata } = autoscalerV1Conversion.fromStored(autoscaler({ metrics: [cpu(50)] }));
  assert.deepEqual(spec, {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "a" },
    minReplicas: 1,
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 50,
  });
  assert.deepEqual(metadata.annotations, { own: "1" });
});

for (const [name, { second, first }] of Object.entries(metrics)) {
  test(`autoscaling/v1 keeps a metric of ${name} in an annotation, in its own words`, () => {
    const stored = autoscaler({ metrics: [cpu(50), second], behavior: { scaleUp: { selectPolicy: "Max" } } });
    const served = autoscalerV1Conversion.fromStored(stored);
    const kept = served.metadata.annotations ?? {};
    assert.deepEqual(JSON.parse(kept["autoscaling.alpha.kubernetes.io/metrics"] ?? ""), [first]);
    assert.deepEqual(autoscalerV1Conversion.toStored(served), stored);
  });
}

test("autoscaling/v1 keeps what the status says", () => {
  const status = {
    currentReplicas: 1,
    conditions: [{ type: "AbleToScale", status: "True" }],
    currentMetrics: [cpu(3)],
  };
  const stored = autoscaler({ metrics: [cpu(50)] }, { status });
  const served = autoscalerV1Conversion.fromStored(stored);
  assert.deepEqual(served.status, { currentReplicas: 1 });
  assert.deepEqual(autoscalerV1Conversion.toStored(served), stored);
});

test("autoscaling/v1: annotations that hold something else are nobody's metrics", () => {
  for (const text of ["", "x", "{}", "[1]", "null"]) {
    const served = {
      ...autoscaler({}),
      metadata: { annotations: { "autoscaling.alpha.kubernetes.io/metrics": text } },
    };
    assert.deepEqual(autoscalerV1Conversion.toStored(served), { ...autoscaler({}), metadata: {} });
  }
});

test("events.k8s.io/v1 has other names for the same", () => {
  const stored: KubeObject = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Pod" },
    message: "m",
    reason: "R",
    source: { component: "c" },
    firstTimestamp: "t",
    lastTimestamp: "t",
    count: 2,
    reportingComponent: "c",
    reportingInstance: "i",
    series: { count: 2 },
  };
  const served = eventConversion.fromStored(stored);
  assert.deepEqual(served, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    regarding: { kind: "Pod" },
    note: "m",
    reason: "R",
    deprecatedSource: { component: "c" },
    deprecatedFirstTimestamp: "t",
    deprecatedLastTimestamp: "t",
    deprecatedCount: 2,
    reportingController: "c",
    reportingInstance: "i",
    series: { count: 2 },
  });
  assert.deepEqual(eventConversion.toStored(served), stored);
});

test("property: an autoscaler comes back as it was, the target of cpu first", () => {
  const known = fc.constantFrom(...Object.values(metrics).map(({ second }) => second));
  fc.assert(
    fc.property(fc.array(known, { maxLength: 4 }), fc.boolean(), (others, withCpu) => {
      const all = [...(withCpu ? [cpu(1)] : []), ...others];
      const stored = autoscaler(all.length === 0 ? {} : { metrics: all });
      assert.deepEqual(autoscalerV1Conversion.toStored(autoscalerV1Conversion.fromStored(stored)), stored);
    }),
  );
});
