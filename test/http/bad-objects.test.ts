/** Objects that are not what they must be: of another kind or place, or wrong in their fields (API section 4, V-22…V-24). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { valueAt } from "./support/client.ts";
import { assertFailure, type Failure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "objects");
const functions = pathOf("objects", "functions");
const stored = ok(await admin.post(functions, aFunction("stored")), 201).body;
const metadata = objectOf(stored, "metadata") ?? {};

type Case = Failure & { readonly what: string; readonly body: JsonObject | string };

const misplaced: readonly Case[] = [
  {
    what: "of another kind",
    body: aFunction("a", { kind: "Sink" }),
    code: 400,
    reason: "BadRequest",
    message: /^Sink in version "v1alpha1" cannot be handled as a Function: /,
  },
  {
    what: "of another group",
    body: aFunction("a", { apiVersion: "apps/v1" }),
    code: 400,
    reason: "BadRequest",
    message:
      "the API version in the data (apps/v1) does not match the expected API version (compute.functionmesh.io/v1alpha1)",
  },
  {
    what: "of another version",
    body: aFunction("a", { apiVersion: "compute.functionmesh.io/v1" }),
    code: 400,
    message: /^the API version in the data \(compute\.functionmesh\.io\/v1\) does not match/,
  },
  { what: "whose kind is a number", body: { ...aFunction("a"), kind: 5 }, code: 400 },
  {
    what: "of another namespace",
    body: aFunction("a", { metadata: { namespace: "default" } }),
    code: 400,
    message: "the namespace of the provided object does not match the namespace sent on the request",
  },
  { what: "that has a version already", body: aFunction("a", { metadata: { resourceVersion: "1" } }), code: 400 },
  { what: "whose metadata is a text", body: { ...aFunction("a"), metadata: "a" }, code: 400 },
  { what: "whose name is a number", body: aFunction("a", { metadata: { name: 5 } }), code: 400 },
  { what: "whose labels are a list", body: aFunction("a", { metadata: { labels: ["a"] } }), code: 400 },
  { what: "with a label that is a number", body: aFunction("a", { metadata: { labels: { a: 1 } } }), code: 400 },
];

for (const { what, body, ...failure } of misplaced) {
  // API V-22, V-23, V-24, G-05, E-05
  test(`an object ${what} is not created`, async () => {
    assertFailure(await admin.post(functions, body), failure);
    assertFailure(await admin.get(`${functions}/a`), {
      code: 404,
      reason: "NotFound",
      message: 'functions.compute.functionmesh.io "a" not found',
    });
  });
}

const replacements: readonly Case[] = [
  {
    what: "another name",
    body: aFunction("other", { metadata: { ...metadata, name: "other" } }),
    code: 400,
    message: "the name of the object (other) does not match the name on the URL (stored)",
  },
  {
    what: "no name",
    body: aFunction("", { metadata: { ...metadata, name: "" } }),
    code: 400,
    message: "the name of the object (stored based on URL) was undeterminable: name must be provided",
  },
  { what: "another namespace", body: aFunction("stored", { metadata: { ...metadata, namespace: "x" } }), code: 400 },
  {
    what: "another uid",
    body: aFunction("stored", { metadata: { ...metadata, uid: "x" } }),
    code: 409,
    reason: "Conflict",
    message: /Precondition failed: UID in precondition: x, UID in object meta: /,
  },
  {
    what: "an older version",
    body: aFunction("stored", { metadata: { ...metadata, resourceVersion: "1" } }),
    code: 409,
    reason: "Conflict",
    message:
      'Operation cannot be fulfilled on functions.compute.functionmesh.io "stored": the object has been modified; please apply your changes to the latest version and try again',
  },
  {
    what: "no version",
    body: aFunction("stored"),
    code: 422,
    reason: "Invalid",
    fields: ["metadata.resourceVersion"],
  },
  {
    what: "a version that is no number",
    body: aFunction("stored", { metadata: { ...metadata, resourceVersion: "new" } }),
    code: 409,
  },
];

for (const { what, body, ...failure } of replacements) {
  // API U-03, U-05, U-06, E-11
  test(`a replacement with ${what} is refused and changes nothing`, async () => {
    assertFailure(await admin.send("PUT", `${functions}/stored`, { body }), failure);
    assert.deepEqual(ok(await admin.get(`${functions}/stored`)).body, stored);
  });
}

// API U-04
test("replacing what does not exist is 404", async () => {
  assertFailure(await admin.put(`${functions}/missing`, aFunction("missing")), { code: 404, reason: "NotFound" });
});

const badNames = ["", "Upper", "under_score", "-dash", "dash-", "a b", "a/b", "a%2fb", "..", "ü", "a".repeat(254)];
for (const name of badNames) {
  // API M-01
  test(`the name ${JSON.stringify(name.slice(0, 12))} is refused by its path`, async () => {
    const reply = await admin.post(functions, aFunction(name));
    assertFailure(reply, { code: 422, reason: "Invalid" });
    const causes = reply.at("details", "causes");
    assert.ok(Array.isArray(causes) && causes.length > 0);
    for (const cause of causes) assert.equal(valueAt(cause, "field"), "metadata.name", reply.text);
  });
}

// API M-03
test("a name to generate is judged like the name it begins", async () => {
  const { metadata: _metadata, ...rest } = aFunction("");
  const reply = await admin.post(functions, { ...rest, metadata: { generateName: "Not-Good-" } });
  assertFailure(reply, { code: 422, fields: ["metadata.generateName", "metadata.name"] });
});

for (const [what, given, fields] of [
  ["label keys and values", { labels: { "bad key": "x", good: "bad value!", "a/b/c": "" } }, 3],
  ["long labels", { labels: { ["k".repeat(64)]: "x", k: "v".repeat(64) } }, 2],
] as const) {
  // API M-20
  test(`${what} are refused, each of them`, async () => {
    const reply = await admin.post(functions, aFunction("a", { metadata: given }));
    assertFailure(reply, { code: 422, reason: "Invalid", fields: Array(fields).fill("metadata.labels") });
  });
}

// API C-11, M-15, M-17, M-18, M-21, E-10, E-16
test("every wrong field of metadata is named by its path", async () => {
  const reply = await admin.post(
    functions,
    aFunction("a", {
      metadata: {
        labels: { "bad key": "x" },
        annotations: { "also bad": "x", big: "x".repeat(256 * 1024) },
        finalizers: ["not a finalizer", "orphan", "foregroundDeletion"],
        ownerReferences: [
          { apiVersion: "", kind: "Function", name: "o", uid: "" },
          { apiVersion: "v1", kind: "Event", name: "o", uid: "u", controller: true },
          { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "v", controller: true },
        ],
      },
    }),
  );
  assertFailure(reply, {
    code: 422,
    reason: "Invalid",
    message: /^Function\.compute\.functionmesh\.io "a" is invalid: \[metadata\.labels: Invalid value: "bad key": /,
    fields: [
      "metadata.labels",
      "metadata.annotations",
      "metadata.annotations",
      "metadata.ownerReferences[0].apiVersion",
      "metadata.ownerReferences[0].uid",
      "metadata.ownerReferences[1]",
      "metadata.ownerReferences",
      "metadata.finalizers",
      "metadata.finalizers",
    ],
  });
  assert.deepEqual(
    [reply.at("details", "name"), reply.at("details", "group"), reply.at("details", "kind")],
    ["a", "compute.functionmesh.io", "Function"],
  );
});

// API E-14, E-15, CR-20
test("every wrong field of a spec is named by its path, with its kind of mistake", async () => {
  const reply = await admin.post(
    functions,
    aFunction("wrong", {
      spec: {
        replicas: -1,
        className: 5,
        processingGuarantee: "sometimes",
        autoAck: "yes",
        input: { topics: ["ok", 3], sourceSpecs: { t: { schemaType: [] } } },
        pod: { env: [{ value: "nameless" }], terminationGracePeriodSeconds: "soon" },
      },
    }),
  );
  assertFailure(reply, { code: 422, reason: "Invalid" });
  const causes = reply.at("details", "causes");
  assert.ok(Array.isArray(causes));
  const found = new Map(causes.map((cause) => [valueAt(cause, "field"), valueAt(cause, "reason")]));
  assert.deepEqual(Object.fromEntries([...found].map(([field, reason]) => [String(field), reason])), {
    "spec.replicas": "FieldValueInvalid",
    "spec.className": "FieldValueTypeInvalid",
    "spec.processingGuarantee": "FieldValueNotSupported",
    "spec.autoAck": "FieldValueTypeInvalid",
    "spec.input.topics[1]": "FieldValueTypeInvalid",
    "spec.input.sourceSpecs.t.schemaType": "FieldValueTypeInvalid",
    "spec.pod.env[0].name": "FieldValueRequired",
    "spec.pod.terminationGracePeriodSeconds": "FieldValueTypeInvalid",
  });
  assertFailure(await admin.get(`${functions}/wrong`), { code: 404 });
});

/** Numbers as text: what a client writes, not what it means. */
const badNumbers = ["2147483648", "9223372036854775808", "1e30", "1.5", "10000000000000000000", '"1"'];
for (const number of badNumbers) {
  test(`${number} for an int32 is refused by its path`, async () => {
    const body = JSON.stringify(aFunction("a")).replace('"replicas":1', `"replicas":${number}`);
    assertFailure(await admin.post(functions, body), { code: 422, reason: "Invalid", fields: ["spec.replicas"] });
    const patch = await admin.patch(`${functions}/stored`, "merge", `{"spec":{"replicas":${number}}}`);
    assertFailure(patch, { code: 422, reason: "Invalid", fields: ["spec.replicas"] });
  });
}

const graceOf = (number: string): string =>
  JSON.stringify(aFunction("grace", { spec: { pod: { terminationGracePeriodSeconds: 0 } } })).replace(
    '"terminationGracePeriodSeconds":0',
    `"terminationGracePeriodSeconds":${number}`,
  );

for (const number of ["9223372036854775808", "-9223372036854775809", "1e19", "0.1"]) {
  test(`${number} for an int64 is refused by its path`, async () => {
    const reply = await admin.post(functions, graceOf(number));
    assertFailure(reply, { code: 422, reason: "Invalid", fields: ["spec.pod.terminationGracePeriodSeconds"] });
  });
}

test("the greatest int64 is kept", async () => {
  const reply = ok(await admin.post(`${functions}?dryRun=All`, graceOf("9223372036854775807")), 201);
  assert.match(reply.text, /"terminationGracePeriodSeconds":9223372036854775807\b/);
});

test("members named like those of JavaScript's own objects are members like any other", async () => {
  const body = JSON.stringify(aFunction("proto", { spec: { funcConfig: {} } })).replace(
    '"funcConfig":{}',
    '"funcConfig":{"__proto__":{"polluted":true},"constructor":1,"toString":"x"},"__proto__":{"replicas":9}',
  );
  const reply = ok(await admin.post(functions, body), 201);
  assert.match(reply.text, /"funcConfig":\{"__proto__":\{"polluted":true\},"constructor":1,"toString":"x"\}/);
  assert.deepEqual(reply.warnings, ['299 - "unknown field \\"spec.__proto__\\""']);
  assert.equal(reply.at("spec", "replicas"), 1);
  assert.equal(Reflect.get({}, "polluted"), undefined);
  const patched = ok(
    await admin.patch(`${functions}/proto`, "merge", '{"spec":{"funcConfig":{"__proto__":{"polluted":2}}}}'),
  );
  assert.match(patched.text, /"__proto__":\{"polluted":2\}/);
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("scale refuses what no scale is", async () => {
  const scale = ok(await admin.get(`${functions}/stored/scale`)).body;
  const put = (changes: JsonObject) => admin.put(`${functions}/stored/scale`, { ...scale, ...changes });
  assertFailure(await put({ spec: { replicas: -1 } }), { code: 422, fields: ["spec.replicas"] });
  assertFailure(await put({ spec: { replicas: "3" } }), { code: 400 });
  assertFailure(await put({ kind: "Function" }), { code: 400 });
});
