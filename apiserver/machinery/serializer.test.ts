import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyMediaTypes, decodeBody, excerptOf, UndecodableBody } from "./serializer.ts";

const json = (text: string) => ({ bytes: Buffer.from(text), mediaType: "" });

test("what a body cannot be decoded as is told with its beginning", () => {
  assert.throws(
    () => decodeBody(json('{"a": '), false),
    (error) => error instanceof UndecodableBody && error.excerpt === '({"a": )',
  );
  assert.equal(excerptOf(Buffer.alloc(100, "x")), `(${"x".repeat(30)})`);
  assert.equal(excerptOf(Buffer.alloc(0)), "(<empty>)");
  assert.equal(excerptOf(Buffer.from([0xff])), "(\ufffd)");
});

test("protobuf is read where the endpoint says so, and JSON where nobody says anything", () => {
  const protobuf = "application/vnd.kubernetes.protobuf";
  assert.ok(!bodyMediaTypes({ acceptsProtobuf: false }).includes(protobuf));
  assert.ok(bodyMediaTypes({ acceptsProtobuf: true }).includes(protobuf));
  assert.throws(() => decodeBody({ bytes: Buffer.from("{}"), mediaType: protobuf }, false), UndecodableBody);
  assert.deepEqual(decodeBody(json('{"a":1,"a":2}'), true).problems, ['duplicate field "a"']);
  assert.deepEqual(decodeBody(json('{"a":1,"a":2}'), false).problems, []);
});
