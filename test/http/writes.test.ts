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
  const claim = { metadata: { name: "c", labels: { a: "b" } }, spec: { accessModes: ["ReadWriteOnce"] } };
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
