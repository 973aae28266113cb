/** One way for every write: core kinds and ours, whole objects and subresources, over HTTPS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "writes");
const functions = pathOf("writes", "functions");
const secrets = "/api/v1/namespaces/writes/secrets";
const claims = "/api/v1/namespaces/writes/persistentvolumeclaims";
const sets = "/apis/apps/v1/namespaces/writes/statefulsets";

for (const [what, data, message] of [
  ["a text that is not base64", "not base64!", /illegal base64 data at input byte 3$/],
  ["base64 without its padding", "eA", /illegal base64 data at input byte 0$/],
  ["base64 cut off", "eHh4e", /illegal base64 data at input byte 4$/],
] as const) {
  test(`a Secret with ${what} is 400, as of every typed kind`, async () => {
    const secret = { metadata: { name: "s" }, data: { key: data } };
    assertFailure(await admin.post(secrets, secret), { code: 400, reason: "BadRequest", message });
  });
}

test("base64 with line breaks is base64, and is stored without them", async () => {
  const reply = ok(await admin.post(secrets, { metadata: { name: "wrapped" }, data: { key: "aGVs\nbG8=\n" } }), 201);
  assert.equal(reply.at("data", "key"), "aGVsbG8=");
  const bad = await admin.patch(`${secrets}/wrapped`, "merge", '{"data":{"key":"?"}}');
  assertFailure(bad, { code: 422, message: /^ "" is invalid: patch: .*illegal base64 data at input byte 0/ });
});

test("a patch of a built-in kind's status takes labels and annotations along (API M-10)", async () => {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const claim = { metadata: { name: "c", labels: { a: "b" } }, spec };
  ok(await admin.post(claims, claim), 201);
  const patch = { metadata: { labels: { e2e: "yes" }, annotations: { seen: "1" } }, status: { phase: "Bound" } };
  const reply = ok(await admin.patch(`${claims}/c/status`, "merge", JSON.stringify(patch)));
  assert.deepEqual(reply.at("metadata", "labels"), { a: "b", e2e: "yes" });
  assert.deepEqual(reply.at("metadata", "annotations"), { seen: "1" });
  assert.equal(reply.at("status", "phase"), "Bound");
});

test("a patch of our kinds' status changes nothing but the status", async () => {
  ok(await admin.post(functions, aFunction("plain", { metadata: { labels: { a: "b" } } })), 201);
  const patch = { metadata: { labels: { e2e: "yes" } }, status: { conditions: {}, replicas: 1, selector: "a=b" } };
  const reply = ok(await admin.patch(`${functions}/plain/status`, "merge", JSON.stringify(patch)));
  assert.deepEqual(reply.at("metadata", "labels"), { a: "b" });
});

test("what a PUT says of itself is refused before anything stored is looked at", async () => {
  assertFailure(await admin.put(`${functions}/missing`, aFunction("other")), {
    code: 400,
    message: "the name of the object (other) does not match the name on the URL (missing)",
  });
  assertFailure(await admin.put(`${functions}/missing`, aFunction("missing")), { code: 404, reason: "NotFound" });
});

for (const path of [`${functions}/plain`, `${functions}/plain/status`, `${functions}/plain/scale`, `${claims}/c`]) {
  test(`PATCH ${path} of a type it does not take lists those that it does`, async () => {
    const reply = await admin.send("PATCH", path, { body: "{}", headers: { "content-type": "application/json" } });
    assertFailure(reply, { code: 415, reason: "UnsupportedMediaType", message: /application\/merge-patch\+json/ });
  });
}

test("a strategic merge patch takes one owner away, of exactly the object that it names (API P-38, KC-08)", async () => {
  const owners = ["1", "2"].map((uid) => ({ apiVersion: "v1", kind: "ConfigMap", name: `o${uid}`, uid }));
  const owned = ok(await admin.post(functions, aFunction("owned", { metadata: { ownerReferences: owners } })), 201);
  const path = `${functions}/owned`;
  const patch = (uid: unknown) =>
    JSON.stringify({ metadata: { ownerReferences: [{ $patch: "delete", uid: "1" }], uid } });
  assertFailure(await admin.patch(path, "strategic-merge", patch("other")), { code: 422, message: /metadata\.uid/ });
  const reply = ok(await admin.patch(path, "strategic-merge", patch(owned.at("metadata", "uid"))));
  assert.deepEqual(reply.at("metadata", "ownerReferences"), owners.slice(1));
});

test("a strategic merge patch merges lists of named things, in our kinds and in Kubernetes' own", async () => {
  const env = (value: string) => ({ spec: { pod: { sidecars: [{ name: "s", image: value }] } } });
  ok(await admin.post(functions, aFunction("listed", env("i:1"))), 201);
  const changed = ok(await admin.patch(`${functions}/listed`, "strategic-merge", JSON.stringify(env("i:2"))));
  assert.deepEqual(changed.at("spec", "pod", "sidecars"), [{ name: "s", image: "i:2" }]);
  const scaled = ok(await admin.patch(`${functions}/listed`, "strategic-merge", '{"spec":{"replicas":3}}'));
  assert.deepEqual([scaled.at("spec", "replicas"), scaled.at("spec", "pod", "sidecars", 0, "image")], [3, "i:2"]);

  const labels = { app: "w" };
  const containers = [
    { name: "a", image: "i:1", env: [{ name: "X", value: "1" }] },
    { name: "b", image: "i:1" },
  ];
  const set = {
    metadata: { name: "w" },
    spec: {
      replicas: 0,
      serviceName: "w",
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
  ok(await admin.post(sets, set), 201);
  const patch = { spec: { template: { spec: { containers: [{ name: "b", image: "i:2", $patch: "merge" }] } } } };
  assertFailure(await admin.patch(`${sets}/w`, "strategic-merge", JSON.stringify(patch)), {
    code: 400,
    message: "merging lists cannot yet be specified in the patch",
  });
  const image = '{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"i:2"}]}}}}';
  const next = ok(await admin.patch(`${sets}/w`, "strategic-merge", image));
  assert.equal(next.at("spec", "template", "spec", "containers", 1, "image"), "i:2");
  assert.deepEqual(next.at("spec", "template", "spec", "containers", 0, "env"), [{ name: "X", value: "1" }]);
});
