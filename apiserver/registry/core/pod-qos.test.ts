import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apis/meta/v1.ts";
import { qosClassOf } from "./pod-qos.ts";

const all = { cpu: "1", memory: "1Gi" };
const cases: Record<string, { resources: JsonObject[]; qos: string; reason: string }> = {
  none: { resources: [{}], qos: "BestEffort", reason: "nothing is asked for" },
  "zero requests": { resources: [{ requests: { cpu: "0" } }], qos: "BestEffort", reason: "0 is nothing" },
  "equal amounts": {
    resources: [{ requests: { cpu: "1000m", memory: "1024Mi" }, limits: all }],
    qos: "Guaranteed",
    reason: "amounts are compared, not texts",
  },
  "limits alone": { resources: [{ limits: all }], qos: "Guaranteed", reason: "requests default to limits" },
  "lower requests": { resources: [{ requests: { cpu: "1m" }, limits: all }], qos: "Burstable", reason: "cpu may grow" },
  "no memory": { resources: [{ limits: { cpu: "1" } }], qos: "Burstable", reason: "both must be limited" },
  "one of two": { resources: [{ limits: all }, {}], qos: "Burstable", reason: "every container must be limited" },
  "another resource": {
    resources: [{ requests: { "ephemeral-storage": "1" } }],
    qos: "BestEffort",
    reason: "only cpu and memory count",
  },
};
for (const [name, { resources, qos, reason }] of Object.entries(cases)) {
  test(`qosClass: ${name}`, () => {
    assert.equal(qosClassOf({ containers: resources.map((one) => ({ resources: one })) }), qos, reason);
  });
}

test("qosClass: init containers count", () => {
  assert.equal(qosClassOf({ containers: [{ resources: { limits: all } }], initContainers: [{}] }), "Burstable");
});
