import assert from "node:assert/strict";
import { test } from "node:test";
import { headerText } from "./header-text.ts";

const asSent = (bytes: string | readonly number[]): string => Buffer.from(bytes).toString("latin1");

for (const text of ["", "plain, ASCII; q=1", "jürgen", "山田", "équipe", "👩‍💻", "\ufeffbom", "\ufffd"]) {
  test(`${JSON.stringify(text)} arrives as it was sent`, () => assert.equal(headerText(asSent(text)), text));
}

for (const [what, bytes] of [
  ["latin-1", [0x6a, 0xfc, 0x72]],
  ["a sequence that ends early", [0x6a, 0xe5, 0xb1]],
  ["an overlong form", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
] as const) {
  test(`${what} is marked`, () => assert.match(headerText(asSent(bytes)), /\ufffd/));
}
