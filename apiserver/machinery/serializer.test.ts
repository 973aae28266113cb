import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyMediaTypes, decodeInSteps, excerptOf, UndecodableBody } from "./serializer.ts";
import { runAtOnce } from "./turns.ts";

const decodeBody = (...given: Parameters<typeof decodeInSteps>) => runAtOnce(decodeInSteps(...given));

const json = (text: string) => ({ bytes: Buffer.from(text), mediaType: "" });

// API V-24
test("what a body cannot be decoded as is told with its beginning", () => {
  for (const text of ['{"a": ', '{"a', "", " ", "["]) {
    assert.throws(
      () => decodeBody(json(text), false),
      (error) =>
        error instanceof UndecodableBody &&
        error.excerpt === excerptOf(Buffer.from(text)) &&
        error.message === "couldn't get version/kind; json parse error: unexpected end of JSON input",
      text,
    );
  }
  const excerpts: Record<string, string> = {
    "": "(<empty>)",
    '{"a": ': '({"a": )',
    [`{${"x".repeat(29)}`]: `({${"x".repeat(29)})`,
    [`{${"x".repeat(99)}`]: `({${"x".repeat(29)} ...)`,
    "[]": "(5b5d)",
    ["a".repeat(31)]: `(${"61".repeat(30)} ...)`,
  };
  for (const [text, excerpt] of Object.entries(excerpts)) assert.equal(excerptOf(Buffer.from(text)), excerpt);
  assert.equal(excerptOf(Buffer.from([0x7b, 0xff])), "({\ufffd)");
});

test("protobuf is read where the endpoint says so, and JSON where nobody says anything", () => {
  const protobuf = "application/vnd.kubernetes.protobuf";
  assert.ok(!bodyMediaTypes({ acceptsProtobuf: false }).includes(protobuf));
  assert.ok(bodyMediaTypes({ acceptsProtobuf: true }).includes(protobuf));
  assert.throws(() => decodeBody({ bytes: Buffer.from("{}"), mediaType: protobuf }, false), UndecodableBody);
  assert.deepEqual(decodeBody(json('{"a":1,"a":2}'), true).problems, ['duplicate field "a"']);
  assert.deepEqual(decodeBody(json('{"a":1,"a":2}'), false).problems, []);
});
