/**
 * Bodies of kinds that are answered or obeyed and never stored: decoded along their schema as any other, for what one of
 * them means is decided by its fields alone. A token whose audiences were mistyped must not be one for the API itself.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, anonymous } = await serverForFile();
await createNamespace(admin, "unstored");
const account = "/api/v1/namespaces/unstored/serviceaccounts";
ok(await admin.post(account, { metadata: { name: "a" } }), 201);
ok(await admin.post(pathOf("unstored", "functions"), aFunction("f")), 201);

const token = `${account}/a/token`;
const authorization = "/apis/authorization.k8s.io/v1";
const authentication = "/apis/authentication.k8s.io/v1";
const access = `${authorization}/subjectaccessreviews`;
const scale = pathOf("unstored", "functions", "f", "scale");
const podAttributes = { verb: "get", resource: "pods" };

type Row = {
  readonly what: string;
  readonly method?: "PUT" | "DELETE";
  readonly path: string;
  readonly body: JsonObject | string;
  /** Of the refusal; a body without is accepted. */
  readonly message?: RegExp;
  readonly code?: number;
};

const tokenRequest = (spec: JsonValue | string): string =>
  `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":${typeof spec === "string" ? spec : JSON.stringify(spec)}}`;

/** 400, for a Go type could not hold it. */
const wrongTypes: readonly Row[] = [
  { what: "one audience", path: token, body: tokenRequest({ audiences: "vault" }), message: /spec\.audiences/ },
  { what: "audiences in an object", path: token, body: tokenRequest({ audiences: { 0: "vault" } }) },
  { what: "an audience that is a number", path: token, body: tokenRequest({ audiences: [1] }) },
  { what: "a null audience", path: token, body: tokenRequest({ audiences: [null] }) },
  { what: "a lifetime in quotes", path: token, body: tokenRequest({ expirationSeconds: "600" }) },
  { what: "a lifetime in a list", path: token, body: tokenRequest({ expirationSeconds: [600] }) },
  { what: "a lifetime with decimals", path: token, body: tokenRequest('{"expirationSeconds":1500.0}') },
  { what: "a lifetime beyond int64", path: token, body: tokenRequest('{"expirationSeconds":9223372036854775808}') },
  { what: "a spec that is a list", path: token, body: tokenRequest([]) },
  { what: "a spec that is a text", path: token, body: tokenRequest('"x"') },
  { what: "a kind that objects inherit", path: token, body: tokenRequest({ boundObjectRef: { kind: "constructor" } }) },
  {
    what: "a prototype as a kind",
    path: token,
    body: tokenRequest('{"boundObjectRef":{"kind":"__proto__","name":"x"}}'),
  },
  { what: "another kind", path: token, body: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" } } },
  { what: "another account's name", path: token, body: { metadata: { name: "b" }, spec: {} } },
  { what: "groups as a text", path: access, body: { spec: { groups: "g", resourceAttributes: podAttributes } } },
  {
    what: "an extra that is no list",
    path: access,
    body: { spec: { user: "x", extra: { a: "b" }, resourceAttributes: podAttributes } },
    message: /spec\.extra\.a/,
  },
  { what: "attributes in a list", path: access, body: { spec: { user: "x", resourceAttributes: [podAttributes] } } },
  {
    what: "a verb that is a list",
    path: `${authorization}/selfsubjectaccessreviews`,
    body: { spec: { resourceAttributes: { verb: ["get"] } } },
  },
  { what: "a namespace that is none", path: `${authorization}/selfsubjectrulesreviews`, body: { spec: {} } },
  {
    what: "a namespace that is a number",
    path: `${authorization}/selfsubjectrulesreviews`,
    body: { spec: { namespace: 1 } },
  },
  { what: "a token that is a list", path: `${authentication}/tokenreviews`, body: { spec: { token: ["x"] } } },
  {
    what: "replicas in quotes",
    method: "PUT",
    path: scale,
    body: { metadata: { name: "f" }, spec: { replicas: "2" } },
  },
  {
    what: "replicas in a list",
    method: "PUT",
    path: scale,
    body: { metadata: { name: "f" }, spec: { replicas: [2] } },
  },
  {
    what: "replicas with decimals",
    method: "PUT",
    path: scale,
    body: '{"metadata":{"name":"f"},"spec":{"replicas":2.0}}',
  },
  {
    what: "replicas beyond int32",
    method: "PUT",
    path: scale,
    body: { metadata: { name: "f" }, spec: { replicas: 2 ** 31 } },
  },
  { what: "a spec that is a number", method: "PUT", path: scale, body: { metadata: { name: "f" }, spec: 2 } },
  { what: "metadata that is a list", method: "PUT", path: scale, body: { metadata: [], spec: { replicas: 2 } } },
  { what: "a grace period in a list", method: "DELETE", path: `${account}/a`, body: { gracePeriodSeconds: [0] } },
  {
    what: "a grace period with decimals",
    method: "DELETE",
    path: `${account}/a`,
    body: '{"gracePeriodSeconds":1500.0}',
  },
  { what: "preconditions in a list", method: "DELETE", path: `${account}/a`, body: { preconditions: [{ uid: "x" }] } },
  {
    what: "a policy that objects inherit",
    method: "DELETE",
    path: `${account}/a`,
    body: { propagationPolicy: "constructor" },
    code: 422,
  },
];
for (const { what, method = "POST", path, body, message = /./, code = 400 } of wrongTypes) {
  test(`${method} ${path} with ${what} is ${code}`, async () => {
    const reply = await admin.send(method, path, { body, headers: { "content-type": "application/json" } });
    assertFailure(reply, { code, message });
  });
}

const unknownFields: readonly Row[] = [
  { what: "spec.audience", path: token, body: tokenRequest({ audience: ["vault"] }) },
  { what: "spec.__proto__", path: token, body: tokenRequest('{"__proto__":{"audiences":["vault"]}}') },
  { what: "spec.constructor", path: token, body: tokenRequest({ constructor: 1 }) },
  { what: "spec.group", path: access, body: { spec: { user: "x", group: ["g"], resourceAttributes: podAttributes } } },
  {
    what: "spec.resourceAttributes.apiGroup",
    path: `${authorization}/selfsubjectaccessreviews`,
    body: { spec: { resourceAttributes: { ...podAttributes, apiGroup: "" } } },
  },
  { what: "spec.user", path: `${authentication}/selfsubjectreviews`, body: { spec: { user: "x" } }, message: /"spec"/ },
  {
    what: "spec.bogus",
    method: "PUT",
    path: scale,
    body: { metadata: { name: "f" }, spec: { replicas: 1, bogus: 1 } },
  },
  { what: "precondition", method: "DELETE", path: `${account}/gone`, body: { precondition: { uid: "x" } } },
];
for (const { what, method = "POST", path, body, message } of unknownFields) {
  test(`${method} ${path} with ${what}: told, refused when strict, silent when asked to be`, async () => {
    const send = (query: string) =>
      admin.send(method, `${path}?${query}`, { body, headers: { "content-type": "application/json" } });
    const told = message ?? new RegExp(`unknown field "${what.replaceAll(".", "\\.")}"`);
    assertFailure(await send("fieldValidation=Strict"), { code: 400, message: told });
    const warned = await send("");
    // What is deleted here does not exist, and a refusal carries no warnings.
    if (method === "DELETE") assertFailure(warned, { code: 404 });
    else assert.match(warned.warnings.join().replaceAll('\\"', '"'), told);
    assert.deepEqual((await send("fieldValidation=Ignore")).warnings, []);
  });
}

test("a field that is given twice is told of, or refused", async () => {
  const twice = tokenRequest('{"audiences":["vault"],"audiences":[]}');
  assertFailure(await admin.post(`${token}?fieldValidation=Strict`, twice), {
    code: 400,
    message: /duplicate field "spec\.audiences"/,
  });
  assert.match(ok(await admin.post(token, twice), 201).warnings.join(), /duplicate field \\"spec\.audiences\\"/);
});

test("a delete that is obeyed tells of fields that mean nothing", async () => {
  ok(await admin.post(account, { metadata: { name: "told" } }), 201);
  const { warnings } = ok(await admin.delete(`${account}/told`, { precondition: { uid: "x" } }));
  assert.deepEqual(warnings, ['299 - "unknown field \\"precondition\\""']);
});

test("a typed kind takes kind and apiVersion from its endpoint, and its spec may be absent", async () => {
  const reply = ok(await admin.post(`${authentication}/selfsubjectreviews`, {}), 201);
  assert.equal(reply.at("status", "userInfo", "username"), "functionmesh-admin");
  ok(await admin.post(token, tokenRequest("{}")), 201);
});

test("audiences that are meant are those of the token, which is then no key to this API", async () => {
  const reply = ok(await admin.post(token, tokenRequest({ audiences: ["vault"] })), 201);
  assert.deepEqual(reply.at("spec", "audiences"), ["vault"]);
  const bearer = { authorization: `Bearer ${reply.at("status", "token")}` };
  assertFailure(await anonymous.get("/apis", bearer), { code: 401 });
});
