import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, lastTimeMs, parseTime } from "./time.ts";

const second = Date.UTC(2026, 6, 23, 18, 32, 12);

test("times print in UTC with whole seconds, or with microseconds", () => {
  assert.equal(formatTime(second + 999), "2026-07-23T18:32:12Z");
  assert.equal(formatMicroTime(second, 67), "2026-07-23T18:32:12.000067Z");
});

test("nothing later than the year 9999 is printed", () => {
  assert.equal(formatTime(Number.MAX_SAFE_INTEGER), "9999-12-31T23:59:59Z");
  assert.equal(formatTime(lastTimeMs), "9999-12-31T23:59:59Z");
});

for (const [text, expected] of Object.entries({
  "2026-07-23T18:32:12Z": "2026-07-23T18:32:12.000000Z",
  "2026-07-23T18:32:12.5Z": "2026-07-23T18:32:12.500000Z",
  "2026-07-23T20:32:12.123456789+02:00": "2026-07-23T18:32:12.123456Z",
  "1969-12-31T23:59:59.25Z": "1969-12-31T23:59:59.250000Z",
  "2026-02-30T00:00:00.000000Z": undefined,
})) {
  test(`the time ${text} to the microsecond`, () => assert.equal(canonicalMicroTime(text), expected));
}

const canonical: Record<string, string | undefined> = {
  "2026-07-23T18:32:12Z": "2026-07-23T18:32:12Z",
  "2026-07-23T18:32:12.999Z": "2026-07-23T18:32:12Z",
  "2026-07-23T20:32:12+02:00": "2026-07-23T18:32:12Z",
  "2026-13-23T18:32:12Z": undefined,
  "2026-07-23": undefined,
  "2026-07-23 18:32:12Z": undefined,
  "2026-07-23T18:32:12,5Z": undefined,
  "2026-07-23t18:32:12z": undefined,
  "2026-02-29T00:00:00Z": undefined,
  "2024-02-29T00:00:00Z": "2024-02-29T00:00:00Z",
  "2026-02-30T00:00:00Z": undefined,
  "2026-04-31T00:00:00+02:00": undefined,
  "2026-07-23T24:00:00Z": undefined,
  "2026-07-23T18:60:00Z": undefined,
  "2026-07-23T18:32:60Z": undefined,
  "2026-07-23T18:32:12+25:00": undefined,
  "9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z",
  "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59Z",
  "9999-12-31T23:59:59-00:01": undefined,
  "10000-01-01T00:00:00Z": undefined,
  "+010000-01-01T00:00:00Z": undefined,
  "0000-01-01T00:00:00+00:01": undefined,
  "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
  yesterday: undefined,
  "": undefined,
};
for (const [text, expected] of Object.entries(canonical)) {
  test(`the time ${JSON.stringify(text)}`, () => {
    assert.equal(canonicalTime(text), expected);
    assert.equal(parseTime(text) === undefined, expected === undefined);
  });
}
