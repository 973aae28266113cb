import assert from "node:assert/strict";
import { test } from "node:test";
import { ref, type Schema } from "../../../openapi/schema.ts";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import type { JsonValue } from "../../apis/meta/v1.ts";
import { describePath, pathsOf } from "../../machinery/structured-merge/field-set.ts";
import { fieldsOf } from "../../machinery/structured-merge/fields-of.ts";
import { typeProblems } from "../../machinery/structured-merge/validate.ts";
import { fieldTypeOf } from "./field-types.ts";

const schemas = await loadSchemas();
const fieldNames = (kind: string, value: JsonValue): string[] =>
  [...pathsOf(fieldsOf(fieldTypeOf(schemas, kind), value))].map(describePath).toSorted();

const cases: Record<string, { kind: string; value: JsonValue; fields: string[] }> = {
  "a Function: maps by entry, lists as marked, free-form values by member (API S-11)": {
    kind: "io.functionmesh.compute.v1alpha1.Function",
    value: {
      spec: {
        replicas: 1,
        pod: { labels: { "app.k8s.io/x": "1" }, env: [{ name: "A" }], nodeSelector: {} },
        funcConfig: { a: { b: [1] } },
        resources: { claims: [{ name: "c" }], limits: { cpu: "1" } },
      },
    },
    fields: [
      ".spec.funcConfig.a",
      ".spec.funcConfig.a.b",
      ".spec.pod.env",
      ".spec.pod.labels.app.k8s.io/x",
      ".spec.pod.nodeSelector",
      ".spec.replicas",
      '.spec.resources.claims[name="c"]',
      '.spec.resources.claims[name="c"].name',
      ".spec.resources.limits.cpu",
    ],
  },
  "atomic maps that are referred to": {
    kind: "io.functionmesh.compute.v1alpha1.Function",
    value: {
      spec: {
        pod: {
          affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
        },
      },
    },
    fields: [".spec.pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"],
  },
  "owners by uid, each as a whole; finalizers one by one": {
    kind: "io.k8s.api.core.v1.ConfigMap",
    value: { metadata: { finalizers: ["a/b"], ownerReferences: [{ uid: "u", name: "n" }] }, data: { k: "v" } },
    fields: [".data.k", '.metadata.finalizers[="a/b"]', '.metadata.ownerReferences[uid="u"]'],
  },
  "ports of a Service, with the protocol that is meant (API S-31)": {
    kind: "io.k8s.api.core.v1.Service",
    value: { spec: { ports: [{ port: 80, targetPort: "http" }] } },
    fields: [
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].port',
      '.spec.ports[port=80,protocol="TCP"].targetPort',
    ],
  },
};
for (const [name, { kind, value, fields }] of Object.entries(cases)) {
  // API O-50
  test(`field types of ${name}`, () => assert.deepEqual(fieldNames(kind, value), fields.toSorted()));
}

test("every kind has a type", () => {
  for (const name of schemas.keys()) assert.doesNotThrow(() => fieldTypeOf(schemas, name), name);
});

// API O-45, O-46, O-51
test("types come from the schema alone: references, their overrides, lists of older types, types within themselves", () => {
  const text: Schema = { type: "string" };
  const set = new Map<string, Schema>([
    [
      "Tree",
      {
        type: "object",
        properties: {
          name: text,
          trees: {
            type: "array",
            items: ref("Tree"),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
          },
        },
      },
    ],
    ["Map", { type: "object", additionalProperties: text }],
    [
      "Root",
      {
        type: "object",
        properties: {
          tree: ref("Tree"),
          whole: ref("Map", { "x-kubernetes-map-type": "atomic" }),
          parts: ref("Map"),
          merged: {
            type: "array",
            items: ref("Tree"),
            "x-kubernetes-patch-strategy": "merge,retainKeys",
            "x-kubernetes-patch-merge-key": "name",
          },
          members: { type: "array", items: text, "x-kubernetes-patch-strategy": "merge" },
          plain: { type: "array", items: text },
          port: { "x-kubernetes-int-or-string": true },
          when: { type: "string", format: "date-time" },
        },
      },
    ],
  ]);
  const type = fieldTypeOf(set, "Root");
  const value: JsonValue = {
    tree: { trees: [{ name: "a", trees: [{ name: "b" }] }] },
    whole: { a: "1" },
    parts: { a: "1" },
    merged: [{ name: "x" }],
    members: ["m"],
    plain: ["p"],
    port: 80,
    when: 5,
  };
  assert.deepEqual(typeProblems(type, value), []);
  assert.deepEqual(
    [...pathsOf(fieldsOf(type, value))].map(describePath).toSorted(),
    [
      '.tree.trees[name="a"]',
      '.tree.trees[name="a"].name',
      '.tree.trees[name="a"].trees[name="b"]',
      '.tree.trees[name="a"].trees[name="b"].name',
      ".whole",
      ".parts.a",
      '.merged[name="x"]',
      '.merged[name="x"].name',
      '.members[="m"]',
      ".plain",
      ".port",
      ".when",
    ].toSorted(),
  );
  assert.deepEqual(typeProblems(type, { port: {}, none: 1 }), [
    ".port: expected any scalar, got map",
    ".none: field not declared in schema",
  ]);
  assert.throws(() => fieldTypeOf(set, "None"), /no schema for None/);
});
