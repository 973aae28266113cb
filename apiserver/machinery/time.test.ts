import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalTime, formatMicroTime, formatTime, parseTime } from "./time.ts";

const second = Date.UTC(2026, 6, 23, 18, 32, 12);

test("times print in UTC with whole seconds, or with microseconds", () => {
  assert.equal(formatTime(second + 999), "2026-07-23T18:32:12Z");
  assert.equal(formatMicroTime(second, 67), "2026-07-23T18:32:12.000067Z");
});

const canonical: Record<string, string | undefined> = {
  "2026-07-23T18:32:12Z": "2026-07-23T18:32:12Z",
  "2026-07-23T18:32:12.999Z": "2026-07-23T18:32:12Z",
  "2026-07-23T20:32:12+02:00": "2026-07-23T18:32:12Z",
  "2026-13-23T18:32:12Z": undefined,
  "2026-07-23": undefined,
  "2026-07-23 18:32:12Z": undefined,
  yesterday: undefined,
  "": undefined,
};
for (const [text, expected] of Object.entries(canonical)) {
  test(`the time ${JSON.stringify(text)}`, () => {
    assert.equal(canonicalTime(text), expected);
    assert.equal(parseTime(text) === undefined, expected === undefined);
  });
}
