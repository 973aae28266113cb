import assert from "node:assert/strict";
import { test } from "node:test";
import { humanAge, humanDuration } from "./human-duration.ts";

const cases: readonly (readonly [seconds: number, text: string])[] = [
  [-5, "0s"],
  [0, "0s"],
  [119, "119s"],
  [120, "2m"],
  [192, "3m12s"],
  [3600, "60m"],
  [3 * 3600, "3h"],
  [3 * 3600 + 300, "3h5m"],
  [47 * 3600, "47h"],
  [5 * 86400 + 3 * 3600, "5d3h"],
  [400 * 86400, "400d"],
  [3 * 365 * 86400 + 86400, "3y1d"],
  [9 * 365 * 86400, "9y"],
];
for (const [seconds, text] of cases) {
  // API N-35
  test(`humanDuration: ${seconds} s is ${text}`, () => assert.equal(humanDuration(seconds * 1000), text));
}

test("humanAge: who began at no time has no age", () => {
  assert.equal(humanAge(Number.NaN, new Date(0)), "<unknown>");
  assert.equal(humanAge(0, new Date(65_000)), "65s");
});
