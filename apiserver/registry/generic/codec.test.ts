import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, widgetKind } from "../../../test/support/objects.ts";
import { setMember } from "../../machinery/json.ts";
import { KindCodec } from "./codec.ts";

const codec = new KindCodec(widgetKind);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

// API T-02
test("stored bytes have no resourceVersion; the wire form has it and is otherwise the same bytes", () => {
  const object = aWidget("a", { metadata: { resourceVersion: "7", labels: { ä: "😀" } } });
  const stored = codec.encode(object);
  assert.equal(
    text(stored),
    '{"apiVersion":"test.example/v1","kind":"Widget","metadata":{"name":"a","namespace":"demo","labels":{"ä":"😀"}},"spec":{"size":1}}',
  );
  const item = codec.decode(stored, 12);
  assert.equal(text(item.json), text(stored).replace('"metadata":{', '"metadata":{"resourceVersion":"12",'));
  assert.equal(text(item.addedFrame), `{"type":"ADDED","object":${text(item.json)}}\n`);
  assert.deepEqual(item.object, JSON.parse(text(item.json)));
  assert.deepEqual(codec.stored(object, stored, 12), item);
});

test("another revision: the same content with a number of another length", () => {
  const item = codec.decode(codec.encode(aWidget("a")), 9);
  const later = codec.atRevision(item, 12345);
  assert.equal(text(later.json), text(item.json).replace('"9"', '"12345"'));
  assert.deepEqual(later.object, JSON.parse(text(later.json)));
  assert.equal(later.revision, 12345);
});

test("members that look like numbers or like prototypes stay behind the head", () => {
  const object = { ...aWidget("a"), "10": 1, constructor: 2 };
  setMember(object, "__proto__", { x: 1 });
  const stored = codec.encode(object);
  assert.ok(text(stored).startsWith('{"apiVersion":"test.example/v1","kind":"Widget","metadata":{"name"'));
  assert.equal(
    Object.getOwnPropertyDescriptor(JSON.parse(text(codec.decode(stored, 3).json)), "__proto__")?.value.x,
    1,
  );
});

test("bytes that something else wrote are brought into our form", () => {
  const foreign = `{ "kind": "Widget", "metadata": {"resourceVersion":"1","name":"a"}, "apiVersion": "test.example/v1", "n": 12345678901234567890 }`;
  const item = codec.decode(Buffer.from(foreign), 5);
  assert.equal(
    text(item.json),
    '{"apiVersion":"test.example/v1","kind":"Widget","metadata":{"resourceVersion":"5","name":"a"},"n":12345678901234567890}',
  );
});

test("what is no object is refused", () => {
  for (const bad of ["", "null", "[]", '{"metadata":1}', "\xff"]) {
    assert.throws(() => codec.decode(Buffer.from(bad, "latin1"), 1), bad);
  }
});

test("a dry run keeps the version it has, or has none", () => {
  assert.equal(text(codec.unstored(aWidget("a")).json), text(codec.encode(aWidget("a"))));
  const object = aWidget("a", { metadata: { resourceVersion: "3" } });
  assert.match(text(codec.unstored(object).json), /"resourceVersion":"3"/);
});
