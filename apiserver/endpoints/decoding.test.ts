/** From bytes to an object of the endpoint's kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, widgetKind } from "../../test/support/objects.ts";
import { aRequest } from "../../test/support/requests.ts";
import { refused } from "../../test/support/widgets.ts";
import type { JsonObject } from "../apis/meta/v1.ts";
import { bodyDecoder, contentType, excerptOf, UndecodableBody } from "./body.ts";
import { checkName, decodeObject, inNamespace } from "./object-decoder.ts";

const expected = { ...widgetKind, namespaced: true };

test("the content type is what stands before its parameters, in lower case", () => {
  const typeOf = (value: string) => contentType(aRequest({ headers: { "content-type": value } }));
  assert.equal(typeOf(" Application/YAML ; charset=utf-8"), "application/yaml");
  assert.equal(contentType(aRequest()), "");
  assert.equal(typeOf(";"), ";");
});

test("what a body cannot be decoded as is told with its beginning", () => {
  const decode = bodyDecoder(aRequest(), false);
  assert.throws(
    () => decode(Buffer.from('{"a": '), false),
    (error) => error instanceof UndecodableBody && error.excerpt === '({"a": )',
  );
  assert.equal(excerptOf(Buffer.alloc(100, "x")), `(${"x".repeat(30)})`);
  assert.equal(excerptOf(Buffer.alloc(0)), "(<empty>)");
  assert.equal(excerptOf(Buffer.from([0xff])), "(\ufffd)");
});

test("protobuf is read where the endpoint says so, and JSON where nobody says anything", () => {
  const request = aRequest({ headers: { "content-type": "application/vnd.kubernetes.protobuf" } });
  assert.throws(() => bodyDecoder(request, false), refused(415, /application\/json, application\/yaml$/));
  assert.throws(() => bodyDecoder(request, true)(Buffer.from("{}"), false), UndecodableBody);
  assert.deepEqual(bodyDecoder(aRequest(), true)(Buffer.from('{"a":1,"a":2}'), true).problems, ['duplicate field "a"']);
  assert.deepEqual(bodyDecoder(aRequest(), true)(Buffer.from('{"a":1,"a":2}'), false).problems, []);
});

test("an object without kind and version gets those of the endpoint; nulls are as good as nothing", () => {
  const object = decodeObject(
    { kind: null, apiVersion: "", metadata: { name: "a", labels: { x: null }, finalizers: null }, spec: null },
    expected,
  );
  assert.deepEqual(object, {
    apiVersion: "test.example/v1",
    kind: "Widget",
    metadata: { name: "a", labels: { x: "" } },
    spec: null,
  });
  assert.deepEqual(decodeObject({ metadata: null }, expected).metadata, {});
});

const misfits: readonly (readonly [what: string, given: JsonObject, message: RegExp])[] = [
  ["another kind", { kind: "Gadget" }, /^Gadget in version "v1" cannot be handled as a Widget: /],
  ["a kind that is no text", { kind: { a: 1 } }, /^\{"a":1\} in version "v1" cannot be handled/],
  ["another version", { apiVersion: "test.example/v2" }, /^the API version in the data \(test\.example\/v2\) does not/],
  ["metadata that is a list", { metadata: [] }, /cannot be handled as a Widget: /],
  [
    "an owner that is a text",
    { metadata: { ownerReferences: ["x"] } },
    /cannot be handled as a Widget: .*ownerReferences/,
  ],
  ["a generation that is a text", { metadata: { generation: "1" } }, /cannot be handled as a Widget: .*generation/],
];
for (const [what, given, message] of misfits) {
  test(`an object with ${what} is refused`, () => {
    assert.throws(() => decodeObject(given, expected), refused(400, message));
  });
}

test("the namespace of the URL is filled in, another one refused, and cluster-scoped objects have none", () => {
  const { namespace: _namespace, ...metadata } = aWidget("a").metadata;
  const bare = { ...aWidget("a"), metadata };
  assert.equal(inNamespace(bare, "demo", true).metadata.namespace, "demo");
  assert.throws(() => inNamespace(aWidget("a"), "other", true), refused(400, /does not match the namespace sent/));
  assert.equal(inNamespace(aWidget("a"), "", false).metadata.namespace, undefined);
  assert.equal(inNamespace(aWidget("a"), "demo", true).metadata.namespace, "demo");
});

test("the name of the URL is kept", () => {
  assert.doesNotThrow(() => checkName(aWidget("a"), "a"));
  assert.throws(() => checkName(aWidget("b"), "a"), refused(400, /\(b\) does not match the name on the URL \(a\)/));
  assert.throws(() => checkName({ ...aWidget("a"), metadata: {} }, "a"), refused(400, /undeterminable/));
});
