/** Bodies that are too large, no text, no object, or not what they say they are (API 7.2, V-17…V-24, N-40). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFailure, type Failure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "bodies");
const functions = pathOf("bodies", "functions");

const limit = 3 * 1024 * 1024;
const tooLarge: Failure = {
  code: 413,
  reason: "RequestEntityTooLarge",
  message: `Request entity too large: limit is ${limit}`,
};

/** The text of a Function of exactly `bytes` bytes: white space after a value is no part of it. */
const padded = (name: string, bytes: number): string => JSON.stringify(aFunction(name)).padEnd(bytes);

// API P-08, N-40, E-22
test("a body of exactly 3 MiB is read, one byte more is 413", async () => {
  ok(await admin.post(functions, padded("full", limit)), 201);
  assertFailure(await admin.post(functions, padded("over", limit + 1)), tooLarge);
  assertFailure(await admin.get(`${functions}/over`), { code: 404, reason: "NotFound" });
});

test("a chunked body that grows over the limit is 413, and its connection serves the next request", async () => {
  const socket = await admin.connect();
  socket.write(
    `POST ${functions} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  const chunk = Buffer.alloc(256 * 1024, " ");
  for (let sent = 0; sent <= limit; sent += chunk.length) {
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    socket.write("\r\n");
  }
  socket.write("0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let received = "";
  for await (const part of socket) received += part;
  assert.match(received, /^HTTP\/1\.1 413 [\s\S]*RequestEntityTooLarge[\s\S]*HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nok$/);
});

for (const [what, method, path, type] of [
  ["update", "PUT", `${functions}/full`, "application/json"],
  ["merge patch", "PATCH", `${functions}/full`, "application/merge-patch+json"],
  ["JSON patch", "PATCH", `${functions}/full`, "application/json-patch+json"],
  ["delete options", "DELETE", `${functions}/full`, "application/json"],
] as const) {
  test(`the limit holds for ${what} too`, async () => {
    const reply = await admin.send(method, path, {
      body: Buffer.alloc(limit + 1, " "),
      headers: { "content-type": type },
    });
    assertFailure(reply, tooLarge);
  });
}

const depth = 100_000;
const unrecognized = /^the object provided is unrecognized \(must be of type Function\): /;
const undecodable: readonly (Failure & { readonly what: string; readonly body: string | Buffer; type?: string })[] = [
  { what: "no body", body: "", code: 400, message: /unrecognized .*\(<empty>\)$/ },
  { what: "half a document", body: '{"kind":"Function"', code: 400, message: unrecognized },
  { what: "a list", body: "[]", code: 400, message: unrecognized },
  { what: "null", body: "null", code: 400, message: unrecognized },
  { what: "an empty object", body: "{}", code: 400, message: /Object 'Kind' is missing/ },
  { what: "data after the value", body: `${JSON.stringify(aFunction("x"))} {}`, code: 400, message: unrecognized },
  { what: "a number that is none", body: '{"spec":{"replicas":01}}', code: 400, message: unrecognized },
  { what: "a depth bomb", body: "[".repeat(depth) + "]".repeat(depth), code: 400, message: /exceeded max depth/ },
  {
    what: "a depth bomb of objects",
    body: `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
    code: 400,
    message: /exceeded max depth/,
  },
  { what: "a YAML depth bomb", body: "[".repeat(depth), type: "application/yaml", code: 400, message: unrecognized },
  {
    what: "a YAML depth bomb by indentation",
    body: Array.from({ length: 1500 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    type: "application/yaml",
    code: 400,
  },
  {
    what: "YAML aliases that multiply",
    body: `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join("\n")}`,
    type: "application/yaml",
    code: 400,
    message: unrecognized,
  },
  { what: "broken YAML", body: "a: [", type: "application/yaml", code: 400, message: unrecognized },
  {
    what: "invalid UTF-8",
    body: Buffer.concat([
      Buffer.from('{"kind":"Function","metadata":{"name":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}}'),
    ]),
    code: 400,
    message: unrecognized,
  },
  {
    what: "invalid UTF-8 in YAML",
    body: Buffer.concat([Buffer.from("kind: "), Buffer.from([0xc3, 0x28])]),
    type: "application/yaml",
    code: 400,
    message: unrecognized,
  },
];

for (const { what, body, type = "application/json", ...failure } of undecodable) {
  // API V-24, N-16, N-17, N-18
  test(`${what} is refused`, async () => {
    const started = performance.now();
    assertFailure(await admin.post(functions, body, { "content-type": type }), { reason: "BadRequest", ...failure });
    assert.ok(performance.now() - started < 10_000, "refusing takes no long work");
  });
}

const refusedPatches: readonly (Failure & { what: string; type: "json" | "merge"; body: string })[] = [
  { what: "no JSON", type: "merge", body: "a: b", code: 400, message: /^invalid JSON patch/ },
  { what: "a list", type: "merge", body: "[]", code: 400, message: /^invalid JSON patch/ },
  { what: "a scalar", type: "merge", body: "1", code: 400, message: /^invalid JSON patch/ },
  { what: "nothing", type: "merge", body: "", code: 400, message: /^invalid JSON patch/ },
  { what: "a depth bomb", type: "merge", body: '{"a":'.repeat(depth), code: 400, message: /^invalid JSON patch/ },
  { what: "an object", type: "json", body: "{}", code: 400, message: /^invalid JSON patch/ },
  { what: "operations that are none", type: "json", body: "[1]", code: 400 },
  { what: "an unknown operation", type: "json", body: '[{"op":"shout","path":"/a"}]', code: 422 },
  { what: "a missing path", type: "json", body: '[{"op":"remove","path":"/spec/nothing/here"}]', code: 422 },
  { what: "a test that fails", type: "json", body: '[{"op":"test","path":"/kind","value":"Sink"}]', code: 422 },
  {
    what: "more operations than anyone writes",
    type: "json",
    body: JSON.stringify(Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "Function" }))),
    code: 413,
    reason: "RequestEntityTooLarge",
    message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
  },
  {
    what: "a kind made something else",
    type: "merge",
    body: '{"kind":"Sink"}',
    code: 422,
    message: /^ "" is invalid: patch: Invalid value/,
  },
  {
    what: "another name",
    type: "merge",
    body: '{"metadata":{"name":"b"}}',
    code: 400,
    message: /does not match the name/,
  },
  { what: "another namespace", type: "merge", body: '{"metadata":{"namespace":"b"}}', code: 400, message: /namespace/ },
  { what: "another uid", type: "merge", body: '{"metadata":{"uid":"b"}}', code: 422, fields: ["metadata.uid"] },
];

for (const { what, type, body, ...failure } of refusedPatches) {
  // API P-08, P-11, P-12, P-13, P-20
  test(`a ${type} patch with ${what} is refused and changes nothing`, async () => {
    const before = ok(await admin.get(`${functions}/full`)).text;
    assertFailure(await admin.patch(`${functions}/full`, type, body), failure);
    assert.equal(ok(await admin.get(`${functions}/full`)).text, before);
  });
}

const json = JSON.stringify(aFunction("twice"));
const twice = json.replace('"replicas":1', '"replicas":1,"nothing":true,"replicas":2');
const twiceYaml = `apiVersion: compute.functionmesh.io/v1alpha1
kind: Function
metadata: {name: twice-yaml}
spec:
  replicas: 1
  replicas: 2
  className: a
  java: {jar: a}
  input: {topics: [a]}
  pulsar: {pulsarConfig: p}
`;

test("fields given twice and unknown fields: an error under Strict", async () => {
  assertFailure(await admin.post(`${functions}?fieldValidation=Strict`, twice), {
    code: 400,
    reason: "BadRequest",
    message:
      'Function in version "v1alpha1" cannot be handled as a Function: strict decoding error: duplicate field "spec.replicas", unknown field "spec.nothing"',
  });
  assertFailure(
    await admin.post(`${functions}?fieldValidation=Strict`, twiceYaml, { "content-type": "application/yaml" }),
    { code: 400, message: /strict decoding error: .*line 6: key "replicas" already set in map/ },
  );
});

// API V-18, V-20, N-15, KB-40
test("fields given twice and unknown fields: a warning each by default, the last one wins", async () => {
  const reply = ok(await admin.post(`${functions}?dryRun=All`, twice), 201);
  assert.deepEqual(reply.warnings, [
    '299 - "duplicate field \\"spec.replicas\\""',
    '299 - "unknown field \\"spec.nothing\\""',
  ]);
  assert.equal(reply.at("spec", "replicas"), 2);
  assert.equal(reply.at("spec", "nothing"), undefined);
  const yaml = ok(await admin.post(`${functions}?dryRun=All`, twiceYaml, { "content-type": "application/yaml" }), 201);
  assert.deepEqual(yaml.warnings, ['299 - "line 6: key \\"replicas\\" already set in map"']);
});

// API V-19
test("fields given twice and unknown fields: no word under Ignore", async () => {
  const reply = ok(await admin.post(`${functions}?dryRun=All&fieldValidation=Ignore`, twice), 201);
  assert.deepEqual(reply.warnings, []);
  assert.equal(reply.at("spec", "replicas"), 2);
});

// API P-13, P-21
test("fields given twice in patches are told as the patch type tells them", async () => {
  const merge = await admin.patch(
    `${functions}/full?fieldValidation=Strict`,
    "merge",
    '{"spec":{"replicas":1,"replicas":2}}',
  );
  assertFailure(merge, { code: 422, message: /duplicate field \\?"spec\.replicas/ });
  const operations = '[{"op":"test","op":"test","path":"/kind","value":"Function","note":1}]';
  const warned = ok(await admin.patch(`${functions}/full`, "json", operations));
  assert.deepEqual(warned.warnings, [
    '299 - "json patch duplicate field \\"[0].op\\""',
    '299 - "json patch unknown field \\"[0].note\\""',
  ]);
});

for (const type of ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/cbor", "json"]) {
  // API N-10, E-23
  test(`a body of type ${type} is 415 and not read`, async () => {
    const reply = await admin.post(functions, json, { "content-type": type });
    assertFailure(reply, {
      code: 415,
      reason: "UnsupportedMediaType",
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml",
    });
  });
}

for (const type of ["application/json", "application/apply-patch+cbor", "text/plain"]) {
  // API P-01
  test(`a patch of type ${type} is 415`, async () => {
    const reply = await admin.send("PATCH", `${functions}/full`, { body: "{}", headers: { "content-type": type } });
    assertFailure(reply, { code: 415, reason: "UnsupportedMediaType", message: /application\/json-patch\+json/ });
  });
}

test("content types are compared without parameters and case", async () => {
  for (const type of ["application/json; charset=utf-8", "Application/JSON"]) {
    ok(await admin.post(`${functions}?dryRun=All`, json, { "content-type": type }), 201);
  }
});
