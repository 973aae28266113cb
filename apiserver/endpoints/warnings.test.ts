import assert from "node:assert/strict";
import { test } from "node:test";
import { Warnings } from "./warnings.ts";

function sent(...texts: readonly string[]): readonly string[] {
  const warnings = new Warnings();
  for (const text of texts) warnings.add(text);
  return warnings.headers().warning ?? [];
}

// API N-62
test("each text is sent once, escaped as HTTP wants it", () => {
  assert.deepEqual(sent("a", 'b "c" \\d', "a"), ['299 - "a"', '299 - "b \\"c\\" \\\\d"']);
  assert.deepEqual(sent(), []);
});

test("text beyond ASCII travels as UTF-8", () => {
  const [header = ""] = sent("für 名");
  assert.equal(Buffer.from(header, "latin1").toString(), '299 - "für 名"');
});

test("text that would break a header is dropped", () => {
  assert.deepEqual(sent("a\r\nSet-Cookie: b", "a\u0000", "a\u007f", "a\ud800", "fine"), ['299 - "fine"']);
});

test("many warnings are cut, then dropped, so that headers stay small", () => {
  const headers = sent(...Array.from({ length: 50 }, (_, i) => `${i} ${"x".repeat(1000)}`));
  assert.ok(headers.every((header) => header.length <= 256 + '299 - ""'.length));
  assert.ok(headers.length >= 10 && headers.join("").length < 5000);
});
