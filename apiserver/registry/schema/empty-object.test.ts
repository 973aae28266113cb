import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import { emptyObjectOf } from "./empty-object.ts";

const schemas = loadSchemas();

test("a StatefulSet has the members that Go's type cannot leave out", () => {
  assert.deepEqual(emptyObjectOf(schemas, "io.k8s.api.apps.v1.StatefulSet"), {
    spec: {
      serviceName: "",
      selector: null,
      template: { metadata: {}, spec: { containers: null } },
      updateStrategy: {},
    },
    status: { replicas: 0, availableReplicas: 0 },
  });
});

test("nothing is in a ConfigMap, or in a kind of ours, before somebody says it", () => {
  assert.deepEqual(emptyObjectOf(schemas, "io.k8s.api.core.v1.ConfigMap"), {});
  assert.deepEqual(emptyObjectOf(schemas, "io.functionmesh.compute.v1alpha1.Function"), {});
});
