import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import { coreDefinitions } from "../../../test/support/core-resources.ts";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { aContext } from "../../../test/support/widgets.ts";
import { AdmissionChain } from "../../admission/chain.ts";
import { createEndpoints } from "../generic/endpoint.ts";

import { computeResources } from "./resources.ts";

const schemas = loadSchemas();

// API KB-35
test("computeResources: what users call the five kinds", () => {
  assert.deepEqual(
    computeResources.map(({ kind, resource, singular, shortNames }) => [kind, resource, singular, ...shortNames]),
    [
      ["Function", "functions", "function", "fn"],
      ["Source", "sources", "source", "fnsource"],
      ["Sink", "sinks", "sink", "fnsink"],
      ["FunctionMesh", "functionmeshes", "functionmesh", "fnmesh"],
      ["BackendConfig", "backendconfigs", "backendconfig", "fnbc"],
    ],
  );
});

for (const row of computeResources) {
  const { kind, strategy } = row;

  test(`${kind}: is namespaced, in both categories, has a status and a schema`, () => {
    assert.deepEqual([row.group, row.version], ["compute.functionmesh.io", "v1alpha1"]);
    assert.equal(row.namespaced, true);
    assert.deepEqual(row.categories, ["all", "fnall"]);
    assert.ok(row.subresources.some(({ name }) => name === "status"));
    assert.equal(row.listKind, `${kind}List`);
    for (const [name, of] of [
      [row.schemaName, kind],
      [`${row.schemaName}List`, row.listKind],
    ] as const) {
      const { group, version } = row;
      assert.deepEqual(schemas.get(name)?.["x-kubernetes-group-version-kind"], [{ group, version, kind: of }]);
    }
    assert.equal(row.acceptsProtobuf, false);
  });

  test(`${kind}: a PUT must say which version it replaces`, () =>
    assert.notEqual(strategy.allowUnconditionalUpdate, true));
}

test("a category names no kind: kubectl delete functionmesh --all must not take the Functions along", () => {
  const served = [...computeResources, ...coreDefinitions];
  const names = new Set(served.flatMap(({ resource, singular, shortNames }) => [resource, singular, ...shortNames]));
  const categories = new Set(served.flatMap((row) => row.categories));
  assert.deepEqual(
    [...categories].filter((category) => names.has(category)),
    [],
  );
});

test("scale: workloads have replicas, a BackendConfig declares what it refuses, a mesh has none", async (t) => {
  const ending = new AbortController();
  t.after(() => ending.abort());
  const answers = computeResources.map(async (row) => {
    const backend = new MemoryBackend();
    const object = { apiVersion: `${row.group}/v1alpha1`, kind: row.kind, metadata: { name: "a", namespace: "demo" } };
    const stored = { ...object, spec: { replicas: 3 }, status: { replicas: 2, selector: "a=b" } };
    await backend.create(`/registry/${row.group}/${row.resource}/demo/a`, Buffer.from(JSON.stringify(stored)));
    const admission = new AdmissionChain([]);
    const [endpoint] = createEndpoints(row, { backend, schemas, admission, signal: ending.signal });
    const scale = endpoint?.subresources.find(({ name }) => name === "scale");
    if (scale?.storage.get === undefined) return undefined;
    try {
      const { object: shown } = await scale.storage.get(aContext(), "a", { resourceVersion: "" });
      return [shown.spec, shown.status];
    } catch (error) {
      return String(error);
    }
  });
  const scaled = [{ replicas: 3 }, { replicas: 2, selector: "a=b" }];
  const refusal = "StatusError: a BackendConfig is settings: it runs nothing that could be scaled";
  assert.deepEqual(await Promise.all(answers), [scaled, scaled, scaled, undefined, refusal]);
});
