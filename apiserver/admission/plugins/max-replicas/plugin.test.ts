import assert from "node:assert/strict";
import { test } from "node:test";
import { attributesOf } from "../../../../test/support/admission.ts";
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { StatusError } from "../../../errors/status-error.ts";
import { MaxReplicas } from "./plugin.ts";

const huge = 2 ** 31 - 1;
const compute = "compute.functionmesh.io";

type Case = {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly spec: JsonObject;
  readonly old?: JsonObject;
  /** Paths that are refused. */
  readonly fields: readonly string[];
};

const cases: { readonly [what: string]: Case } = {
  "as many as are allowed": { group: compute, resource: "functions", spec: { replicas: 100 }, fields: [] },
  "one more": { group: compute, resource: "sinks", spec: { replicas: 101 }, fields: ["spec.replicas"] },
  "numbers of an autoscaler": {
    group: compute,
    resource: "sources",
    spec: { minReplicas: huge, maxReplicas: huge },
    fields: ["spec.minReplicas", "spec.maxReplicas"],
  },
  "what is stored already": {
    group: compute,
    resource: "functions",
    spec: { replicas: huge, minReplicas: 1 },
    old: { replicas: huge },
    fields: [],
  },
  "what was stored, changed for worse": {
    group: compute,
    resource: "functions",
    spec: { replicas: huge },
    old: { replicas: 101 },
    fields: ["spec.replicas"],
  },
  "a set": { group: "apps", resource: "statefulsets", spec: { replicas: huge }, fields: ["spec.replicas"] },
  "a job": {
    group: "batch",
    resource: "jobs",
    spec: { parallelism: huge, completions: huge },
    fields: ["spec.parallelism", "spec.completions"],
  },
  "an autoscaler": {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    spec: { maxReplicas: huge },
    fields: ["spec.maxReplicas"],
  },
  "a scale": {
    group: "apps",
    resource: "statefulsets",
    subresource: "scale",
    spec: { replicas: huge },
    old: { replicas: 1 },
    fields: ["spec.replicas"],
  },
  "members of a mesh": {
    group: compute,
    resource: "functionmeshes",
    spec: {
      functions: [
        { name: "a", replicas: 1 },
        { name: "b", replicas: huge },
      ],
      sinks: [{ name: "c", maxReplicas: huge }],
    },
    fields: ["spec.functions[1].replicas", "spec.sinks[0].maxReplicas"],
  },
  "a member that was so before, moved": {
    group: compute,
    resource: "functionmeshes",
    spec: { functions: [{ name: "new" }, { name: "b", replicas: huge }] },
    old: { functions: [{ name: "b", replicas: huge }] },
    fields: [],
  },
  "more members than a mesh has": {
    group: compute,
    resource: "functionmeshes",
    spec: { functions: Array.from({ length: 1001 }, (_, i) => ({ name: `f${i}` })) },
    fields: ["spec.functions"],
  },
  "kinds that count no pods": { group: "", resource: "configmaps", spec: { replicas: huge }, fields: [] },
  "a status": { group: "apps", resource: "statefulsets", subresource: "status", spec: { replicas: huge }, fields: [] },
};

for (const [what, { group, resource, subresource = "", spec, old, fields }] of Object.entries(cases)) {
  test(`${what}: ${fields.length === 0 ? "let through" : "refused"}`, async () => {
    const object = (content: JsonObject) => ({
      apiVersion: "v1",
      kind: "Kind",
      metadata: { name: "a" },
      spec: content,
    });
    const found: unknown = await new MaxReplicas(100)
      .validate(
        attributesOf({
          operation: old === undefined ? "CREATE" : "UPDATE",
          kind: { group, version: "v1", kind: "Kind" },
          resource: { group, version: "v1", resource },
          subresource,
          object: object(spec),
          oldObject: old === undefined ? undefined : object(old),
        }),
      )
      .catch((error: unknown) => error);
    const status = found instanceof StatusError ? found.status : undefined;
    assert.deepEqual(
      (status?.details?.causes ?? []).map(({ field }) => field),
      fields,
    );
    if (fields.length > 0) assert.equal(status?.code, 422);
  });
}
