import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "../apis/meta/v1.ts";
import { decodeObjectMeta } from "./decode-object-meta.ts";
import { parseJson } from "./json.ts";

const whole = {
  name: "a",
  generateName: "b-",
  namespace: "c",
  uid: "d",
  resourceVersion: "7",
  generation: 1,
  creationTimestamp: "2026-01-02T03:04:05Z",
  deletionTimestamp: "2026-01-02T03:04:05Z",
  deletionGracePeriodSeconds: 0,
  labels: { a: "b" },
  annotations: { c: "d" },
  ownerReferences: [{ apiVersion: "v1", kind: "K", name: "n", uid: "u", controller: true, blockOwnerDeletion: false }],
  finalizers: ["x/y"],
  managedFields: [{ manager: "m", operation: "Apply", fieldsType: "FieldsV1", fieldsV1: { "f:spec": {} } }],
};

test("metadata comes out as it went in", () => {
  assert.deepEqual(decodeObjectMeta(whole), { metadata: whole, unknownFields: [], malformed: undefined });
});

// API M-05, M-12, M-27, N-14
test("nulls are absent, times canonical, unknown members left out and reported, selfLink forgotten", () => {
  const decoded = decodeObjectMeta({
    name: "a",
    creationTimestamp: null,
    deletionTimestamp: "2026-01-02T03:04:05.6+02:00",
    labels: { a: null },
    annotations: null,
    selfLink: "/x",
    clusterName: "c",
    ownerReferences: [{ apiVersion: "v1", kind: "K", name: "n", uid: "u", oops: 1 }],
  });
  assert.deepEqual(decoded.metadata, {
    name: "a",
    deletionTimestamp: "2026-01-02T01:04:05Z",
    labels: { a: "" },
    ownerReferences: [{ apiVersion: "v1", kind: "K", name: "n", uid: "u" }],
  });
  assert.deepEqual(decoded.unknownFields, ["metadata.clusterName", "metadata.ownerReferences[0].oops"]);
  assert.deepEqual(decodeObjectMeta(null).metadata, {});
  assert.deepEqual(decodeObjectMeta(undefined).metadata, {});
});

test("label keys that mean something to JavaScript are kept", () => {
  const { metadata } = decodeObjectMeta(parseJson('{"labels":{"__proto__":"x","constructor":"y"}}'));
  assert.equal(JSON.stringify(metadata), '{"labels":{"__proto__":"x","constructor":"y"}}');
});

const malformed: [value: JsonValue, message: string][] = [
  ["x", "json: cannot unmarshal string into Go struct field metadata of type object"],
  [["x"], "json: cannot unmarshal array into Go struct field metadata of type object"],
  [{ name: 5 }, "json: cannot unmarshal number into Go struct field metadata.name of type string"],
  [{ labels: ["x"] }, "json: cannot unmarshal array into Go struct field metadata.labels of type map[string]string"],
  [{ labels: { a: 1 } }, "json: cannot unmarshal number into Go struct field metadata.labels of type string"],
  [
    { annotations: { a: true } },
    "json: cannot unmarshal bool into Go struct field metadata.annotations of type string",
  ],
  [{ finalizers: "f" }, "json: cannot unmarshal string into Go struct field metadata.finalizers of type []string"],
  [{ creationTimestamp: "yesterday" }, 'parsing time "yesterday" of metadata.creationTimestamp: not in RFC 3339'],
  [{ generation: "one" }, "json: cannot unmarshal string into Go struct field metadata.generation of type int64"],
  [{ generation: 1.5 }, "json: cannot unmarshal number into Go struct field metadata.generation of type int64"],
  [
    { ownerReferences: {} },
    "json: cannot unmarshal object into Go struct field metadata.ownerReferences of type []v1.OwnerReference",
  ],
];
for (const [value, message] of malformed) {
  test(`metadata cannot be ${JSON.stringify(value)}`, () => assert.equal(decodeObjectMeta(value).malformed, message));
}
