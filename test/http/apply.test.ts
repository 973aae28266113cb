/** Server-side apply over HTTPS: what the query says, who may, what is answered, and what controllers leave to others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { eventually } from "../support/processes.ts";
import { valueAt } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, groupVersion, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile(["--controllers=*"]);
await createNamespace(admin, "applies");
const functions = pathOf("applies", "functions");
const services = "/api/v1/namespaces/applies/services";
const configMaps = "/api/v1/namespaces/applies/configmaps";

const applyTo = (path: string, body: string | JsonObject, query: string, headers: Record<string, string> = {}) =>
  admin.send("PATCH", `${path}?${query}`, {
    body,
    headers: { "content-type": "application/apply-patch+yaml", ...headers },
  });
const configMap = (data: JsonObject, name = "c"): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

test("apply needs a fieldManager and takes force; other patches take no force (API S-01, P-07)", async () => {
  const path = `${configMaps}/c`;
  const required = /PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch$/;
  assertFailure(await applyTo(path, configMap({ a: "1" }), "force=true"), { code: 422, message: required });
  const long = `fieldManager=${"x".repeat(129)}`;
  assertFailure(await applyTo(path, configMap({}), long), {
    code: 422,
    message: /Too long: may not be more than 128 bytes/,
  });
  ok(await applyTo(path, configMap({ a: "1" }), "fieldManager=m"), 201);
  assertFailure(await applyTo(path, configMap({ a: "2" }), "fieldManager=n&force=false"), {
    code: 409,
    reason: "Conflict",
  });
  assert.equal(ok(await applyTo(path, configMap({ a: "2" }), "fieldManager=n&force")).at("data", "a"), "2");
  assertFailure(await admin.patch(`${path}?force=true`, "merge", {}), {
    code: 422,
    message: /may not be specified for non-apply patch/,
  });
});

test("an apply to the status of nothing creates nothing, and one that means a Service by its uid is a conflict (API S-04, S-38)", async () => {
  const apply = (collection: string, kind: string, apiVersion: string, metadata: JsonObject) =>
    applyTo(
      `${collection}/none/status`,
      { apiVersion, kind, metadata: { name: "none", ...metadata }, status: {} },
      "fieldManager=m",
    );
  const missing = { code: 404, reason: "NotFound" };
  assertFailure(await apply(functions, "Function", groupVersion, {}), missing);
  assertFailure(await apply(functions, "Function", groupVersion, { uid: "u" }), missing);
  assertFailure(await apply(services, "Service", "v1", { uid: "u" }), {
    code: 409,
    reason: "Conflict",
    message: /uid mismatch: the provided object specified uid u, and no existing object was found/,
  });
  assert.equal((await admin.get(`${functions}/none`)).status, 404);
});

test("core kinds have their keys: ports of a Service with the protocol that is meant (API S-31)", async () => {
  const service = (manager: string, ports: JsonObject[], query = "") =>
    applyTo(
      `${services}/s`,
      { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { ports } },
      `fieldManager=${manager}${query}`,
    );
  ok(await service("m1", [{ port: 80, name: "a", targetPort: 8080 }]), 201);
  const message = 'Apply failed with 1 conflict: conflict with "m1": .spec.ports[port=80,protocol="TCP"].targetPort';
  assertFailure(await service("m2", [{ port: 80, protocol: "TCP", targetPort: 9 }]), { code: 409, message });
  ok(await service("m2", [{ port: 80, protocol: "UDP", name: "u" }]));
  const ports = ok(await service("m1", [{ port: 81, name: "b" }])).at("spec", "ports");
  assert.ok(Array.isArray(ports) && ports.length === 2);
});

test("Table and PartialObjectMetadata of an applied object are what they are of others", async () => {
  const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const partial = ok(await applyTo(`${configMaps}/p`, configMap({ a: "1" }, "p"), "fieldManager=m", { accept }), 201);
  assert.equal(partial.at("kind"), "PartialObjectMetadata");
  assert.ok(Array.isArray(partial.at("metadata", "managedFields")));
  const table = ok(await admin.get(`${configMaps}/p`, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" }));
  assert.deepEqual(table.at("kind"), "Table");
});

test("an undeclared field of a built-in kind is named", async () => {
  const body = { ...configMap({}, "u"), foo: 1, metadata: { name: "u", namespace: "applies" } };
  assertFailure(await applyTo(`${configMaps}/u`, body, "fieldManager=m"), {
    code: 400,
    message: "failed to create typed patch object (applies/u; /v1, Kind=ConfigMap): .foo: field not declared in schema",
  });
});

test("controllers own what they apply and leave the rest: a field that is given up goes, another's stays", async () => {
  const fn = aFunction("owned", { spec: { logTopic: "persistent://public/default/l" } });
  ok(
    await applyTo(`${functions}/owned`, { ...fn, apiVersion: groupVersion, kind: "Function" }, "fieldManager=gitops"),
    201,
  );
  const set = "/apis/apps/v1/namespaces/applies/statefulsets/owned-function";
  await eventually(async () => void ok(await admin.get(set)));
  const labels = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "owned-function", labels: { team: "x" } },
  };
  ok(await applyTo(set, labels, "fieldManager=people"));
  const withAnnotations = { spec: { pod: { annotations: { mine: "1" } } } };
  ok(await admin.patch(`${functions}/owned`, "merge", withAnnotations));
  const annotations = ["spec", "template", "metadata", "annotations", "mine"] as const;
  await eventually(async () => assert.equal(ok(await admin.get(set)).at(...annotations), "1"));
  ok(await admin.patch(`${functions}/owned`, "merge", { spec: { pod: null } }));
  await eventually(async () => assert.equal(ok(await admin.get(set)).at(...annotations), undefined));
  const after = ok(await admin.get(set));
  assert.equal(after.at("metadata", "labels", "team"), "x");
  const managers = after.at("metadata", "managedFields");
  assert.ok(Array.isArray(managers));
  const ours = managers.filter((entry) => valueAt(entry, "manager") === "function-mesh");
  assert.deepEqual(
    ours.map((entry) => valueAt(entry, "operation")),
    ["Apply"],
  );
});

test("a loop of applies while controllers write status and replicas: no drift, no growth", async () => {
  const fn: JsonObject = { ...aFunction("loop"), apiVersion: groupVersion, kind: "Function" };
  const apply = () => applyTo(`${functions}/loop`, fn, "fieldManager=gitops&force=true");
  ok(await apply(), 201);
  const version = async () => ok(await apply()).at("metadata", "resourceVersion");
  await eventually(async () => {
    const before = await version();
    for (let round = 0; round < 20; round++) assert.equal(await version(), before, "settled");
  });
  const [before, size] = [await version(), ok(await admin.get(`${functions}/loop`)).bytes.length];
  for (let round = 0; round < 100; round++) assert.equal(await version(), before);
  assert.equal(ok(await admin.get(`${functions}/loop`)).bytes.length, size);
});
