/** From JSON to an object of the endpoint's kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, widgetKind } from "../../../test/support/objects.ts";
import { refused } from "../../../test/support/widgets.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { compileSchema } from "../schema/structural.ts";
import { ObjectDecoder, silently, VirtualDecoder } from "./object-decoder.ts";

const schema = compileSchema(
  new Map([
    ["Widget", { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" } } } } }],
  ]),
  "Widget",
);
const decoder = new ObjectDecoder(widgetKind, schema, false);
const cluster = { namespace: undefined, name: undefined };
const decode = (value: JsonObject | KubeObject, place = cluster) => decoder.decode(value, place, silently).object;

test("an object without kind and version gets those of the endpoint; nulls are as good as nothing", () => {
  const object = decode({
    kind: null,
    apiVersion: "",
    metadata: { name: "a", labels: { x: null }, finalizers: null },
    spec: null,
  });
  assert.deepEqual(object, {
    apiVersion: "test.example/v1",
    kind: "Widget",
    metadata: { name: "a", labels: { x: "" } },
  });
  assert.deepEqual(decode({ metadata: null }).metadata, {});
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
    assert.throws(() => decode(given), refused(400, message));
  });
}

test("the namespace of the URL is kept, another one refused, and cluster-scoped objects have none to refuse", () => {
  const at = (namespace: string) => decoder.decode(aWidget("a"), { namespace, name: undefined }, silently).object;
  assert.equal(at("demo").metadata.namespace, "demo");
  assert.throws(() => at("other"), refused(400, /does not match the namespace sent/));
  assert.doesNotThrow(() => decode(aWidget("a")));
});

test("the name of the URL is kept, before anything stored is looked at", () => {
  const named = (value: JsonObject | KubeObject) => decoder.checkIdentity(value, { namespace: "demo", name: "a" });
  assert.doesNotThrow(() => named(aWidget("a")));
  assert.throws(() => named(aWidget("b")), refused(400, /\(b\) does not match the name on the URL \(a\)/));
  assert.throws(() => named({ ...aWidget("a"), metadata: {} }), refused(400, /undeterminable/));
  assert.throws(() => named({ ...aWidget("a"), kind: "Gadget" }), refused(400, /cannot be handled as a Widget/));
});

test("a wrong type is the schema's to tell, and of a kind that is never stored 400 (API N-13)", () => {
  const wrong = { spec: { size: "big" } };
  assert.deepEqual(
    decoder.decode(wrong, cluster, silently).errors.map(({ field }) => field),
    ["spec.size"],
  );
  assert.throws(
    () => new VirtualDecoder(widgetKind, schema).decode(wrong, cluster, silently),
    refused(400, /^Widget in version "v1" cannot be handled as a Widget: spec\.size: /),
  );
});
