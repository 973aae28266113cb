import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, bytesOf } from "../../test/support/requests.ts";
import { laterWidgets, WidgetServer } from "../../test/support/widgets.ts";
import { compareVersions, discoveryHandlers, groupsOf, verbsOf } from "./discovery.ts";

// API D-04, KB-02
test("versions are ordered as Kubernetes orders them", () => {
  const ordered = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
  assert.deepEqual(ordered.toReversed().sort(compareVersions), ordered);
});

// API D-42
test("groups as listed, their versions in order, resources by name", (t) => {
  const { endpoint } = new WidgetServer(t);
  const at = (group: string, version: string, resource: string) => ({ ...endpoint, group, version, resource });
  const groups = groupsOf([at("b", "v1beta1", "y"), at("a", "v1", "x"), at("b", "v1", "z"), at("b", "v1", "y")]);
  assert.deepEqual(
    groups.map(({ group, versions }) => [group, versions.map((v) => [v.version, v.resources.map((r) => r.resource)])]),
    [
      [
        "b",
        [
          ["v1", ["y", "z"]],
          ["v1beta1", ["y"]],
        ],
      ],
      ["a", [["v1", ["x"]]]],
    ],
  );
});

test("verbs are those a storage has", (t) => {
  const { storage } = new WidgetServer(t).endpoint;
  const { list, watch, update, patch } = storage;
  assert.deepEqual(verbsOf({}), []);
  const some = { ...(list && { list }), ...(watch && { watch }), ...(update && { update }) };
  assert.deepEqual(verbsOf(some), ["list", "update", "watch"]);
  assert.deepEqual(verbsOf({ ...some, ...(patch && { patch }) }), ["list", "patch", "update", "watch"]);
});

test("the hash of what is stored is the same for every served version (API D-15)", async (t) => {
  const { endpoints } = new WidgetServer(t, { definition: { otherVersions: [laterWidgets] } });
  const handlers = discoveryHandlers(endpoints);
  const hashes = await Promise.all(
    ["v1", "v2"].map(async (version) => {
      const path = `/apis/test.example/${version}`;
      const response = await handlers.get(path)?.(aRequest({ url: path }));
      assert.ok(response !== undefined);
      return JSON.parse((await bytesOf(response)).toString()).resources[0].storageVersionHash;
    }),
  );
  assert.equal(typeof hashes[0], "string");
  assert.equal(hashes[0], hashes[1]);
});

// API D-20
test("a server without core resources has no /api", (t) => {
  const { endpoint } = new WidgetServer(t);
  assert.deepEqual([...discoveryHandlers([endpoint]).keys()], ["/apis", "/apis/test.example", "/apis/test.example/v1"]);
  assert.ok(discoveryHandlers([{ ...endpoint, group: "" }]).has("/api/v1"));
});
