import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import { coreResources } from "../core/resources.ts";
import { computeResources } from "./resources.ts";

const schemas = loadSchemas();

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
    assert.equal(row.status, true);
    assert.equal(row.listKind, `${kind}List`);
    assert.ok(schemas.has(row.schemaName));
    assert.equal(row.acceptsProtobuf, false);
  });

  test(`${kind}: a PUT must say which version it replaces`, () =>
    assert.notEqual(strategy.allowUnconditionalUpdate, true));
}

test("a category names no kind: kubectl delete functionmesh --all must not take the Functions along", () => {
  const served = [...computeResources, ...coreResources];
  const names = new Set(served.flatMap(({ resource, singular, shortNames }) => [resource, singular, ...shortNames]));
  const categories = new Set(served.flatMap((row) => row.categories));
  assert.deepEqual(
    [...categories].filter((category) => names.has(category)),
    [],
  );
});

test("scale: workloads have replicas, a BackendConfig declares what it refuses, a mesh has none", () => {
  const paths = {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    statusSelector: ["status", "selector"],
  };
  const refusal = "a BackendConfig is settings: it runs nothing that could be scaled";
  assert.deepEqual(
    computeResources.map(({ scale }) => scale),
    [paths, paths, paths, undefined, { refusal }],
  );
});
