import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import type { JsonValue } from "../../apis/meta/v1.ts";
import { applyStrategicMergePatch } from "../../machinery/strategic-merge-patch.ts";
import { patchSchema } from "./patch-schema.ts";

const schemas = loadSchemas();
const own = (kind: string) => `io.functionmesh.compute.v1alpha1.${kind}`;

const pod = (spec: JsonValue): JsonValue => ({ spec });
const cases: Record<string, { kind: string; target: JsonValue; patch: JsonValue; result: JsonValue; reason: string }> =
  {
    "containers and their variables": {
      reason: "keyed lists inside keyed lists",
      kind: "io.k8s.api.core.v1.Pod",
      target: pod({
        containers: [{ name: "a", image: "i:1", env: [{ name: "X", value: "1" }], args: ["p"] }, { name: "b" }],
      }),
      patch: pod({ containers: [{ name: "a", image: "i:2", env: [{ name: "Y", value: "2" }], args: ["q"] }] }),
      result: pod({
        containers: [
          {
            name: "a",
            image: "i:2",
            env: [
              { name: "Y", value: "2" },
              { name: "X", value: "1" },
            ],
            args: ["q"],
          },
          { name: "b" },
        ],
      }),
    },
    "volumes by retained keys": {
      reason: "a volume has one source, so another one replaces it",
      kind: "io.k8s.api.core.v1.Pod",
      target: pod({ volumes: [{ name: "v", emptyDir: {} }] }),
      patch: pod({ volumes: [{ $retainKeys: ["name", "secret"], name: "v", secret: { secretName: "s" } }] }),
      result: pod({ volumes: [{ name: "v", secret: { secretName: "s" } }] }),
    },
    tolerations: {
      reason: "an atomic list is replaced",
      kind: "io.k8s.api.core.v1.Pod",
      target: pod({ tolerations: [{ key: "a" }] }),
      patch: pod({ tolerations: [{ key: "b" }] }),
      result: pod({ tolerations: [{ key: "b" }] }),
    },
    "owners of any kind": {
      reason: "kube-controller-manager lets go of dependents so (API KC-08, P-38)",
      kind: own("Function"),
      target: { metadata: { ownerReferences: [{ uid: "1" }, { uid: "2" }], finalizers: ["a/b"] } },
      patch: { metadata: { ownerReferences: [{ $patch: "delete", uid: "1" }], finalizers: ["c/d"] } },
      result: { metadata: { ownerReferences: [{ uid: "2" }], finalizers: ["c/d", "a/b"] } },
    },
    "members of a mesh": {
      reason: "named things merge by name, which custom resources can't",
      kind: own("FunctionMesh"),
      target: { spec: { functions: [{ name: "a", replicas: 1 }, { name: "b" }] } },
      patch: { spec: { functions: [{ name: "a", replicas: 3 }] } },
      result: { spec: { functions: [{ name: "a", replicas: 3 }, { name: "b" }] } },
    },
    "a function's sidecars and variables": {
      reason: "pod policies merge as pods do",
      kind: own("Function"),
      target: { spec: { pod: { sidecars: [{ name: "a", image: "i:1" }], env: [{ name: "A", value: "1" }] } } },
      patch: { spec: { pod: { sidecars: [{ name: "a", image: "i:2" }], env: [{ name: "A", value: "2" }] } } },
      result: { spec: { pod: { sidecars: [{ name: "a", image: "i:2" }], env: [{ name: "A", value: "2" }] } } },
    },
    "free-form settings": {
      reason: "objects merge, lists are the program's own business",
      kind: own("Function"),
      target: { spec: { funcConfig: { a: { b: 1 }, list: [{ name: "x" }] } } },
      patch: { spec: { funcConfig: { a: { c: 2 }, list: [{ name: "y" }] } } },
      result: { spec: { funcConfig: { a: { b: 1, c: 2 }, list: [{ name: "y" }] } } },
    },
  };
for (const [name, { kind, target, patch, result, reason }] of Object.entries(cases)) {
  test(`strategic merge along a schema: ${name}`, () => {
    assert.deepEqual(applyStrategicMergePatch(target, patch, patchSchema(schemas, kind)), result, reason);
  });
}
