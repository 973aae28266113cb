import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { abridged, quoteValue } from "./abridge.ts";
import { invalid, path } from "./field-error.ts";
import { newForbidden, newInvalid, newNotFound, statusError } from "./status-error.ts";

const maxBytes = limits.maxStatusBytes.value;
const configMap = { group: "", kind: "ConfigMap" };
const large = "x".repeat(1_000_000);
const sizeOf = (error: { status: object }): number => Buffer.byteLength(JSON.stringify(error.status, null, 2));

test("a value that fits is printed whole", () => {
  const values: readonly JsonValue[] = ["a", 1, true, null, [1, "b", { c: [] }], { d: { e: JSON.rawJSON("1.0") } }];
  for (const value of values) assert.equal(quoteValue(value), JSON.stringify(value));
  assert.equal(quoteValue(undefined), "null");
});

test("of a large value the beginning is printed, whatever it is made of", () => {
  const values: readonly JsonValue[] = [
    large,
    Array(100_000).fill(0),
    { [large]: large },
    { a: [{ b: large }] },
    [[large]],
  ];
  for (const value of values) {
    const text = quoteValue(value);
    assert.ok(text.length <= limits.maxErrorValueLength.value && text.endsWith("…"), text);
  }
});

test("nothing is cut in the middle of a character", () => {
  assert.ok(abridged("😀".repeat(1000)).isWellFormed());
});

test("of many errors the first are told, and how many there are besides (API E-10)", () => {
  const errors = Array.from({ length: 5000 }, (_, i) => invalid(path("data", i), i, "must not be"));
  const error = newInvalid(configMap, "a", errors);
  assert.equal(error.status.details?.causes?.length, limits.maxCauses.value);
  assert.match(error.message, /^ConfigMap "a" is invalid: \[data\[0\]: .*; 4900 more errors are left out$/);
});

const hostile: { readonly [what: string]: () => { status: object } } = {
  "large values": () => newInvalid(configMap, "a", Array(1000).fill(invalid("data", large, large))),
  "a large name": () => newNotFound({ group: large, resource: large }, large),
  "long paths": () => newInvalid(configMap, large, Array(1000).fill(invalid(path("data", { key: large }), 1, "no"))),
  "control characters": () =>
    newInvalid(
      configMap,
      "\u0000".repeat(1000),
      Array(200).fill(invalid("\u0001".repeat(600), "\u0002".repeat(600), "")),
    ),
  "foreign causes": () =>
    newForbidden({ group: "", resource: "a" }, "b", large, Array(1000).fill({ reason: large, message: large })),
  "a message alone": () => statusError(400, "BadRequest", "\u{1F600}".repeat(500_000)),
};
for (const [what, make] of Object.entries(hostile)) {
  test(`a Status stays below ${maxBytes} bytes with ${what}`, () => assert.ok(sizeOf(make()) < maxBytes));
}

// API E-15, V-15: what doesn't print is escaped as Go's %q escapes it.
test("a text in a message holds nothing that doesn't print", () => {
  const quoted: Record<string, string> = {
    'a"b\\c': '"a\\"b\\\\c"',
    "x\0": '"x\\x00"',
    "\x07\b\f\n\r\t\v": '"\\a\\b\\f\\n\\r\\t\\v"',
    "\x7f": '"\\x7f"',
    "\u200bz": '"\\u200bz"',
    "\u{e0001}": '"\\U000e0001"',
    "ü 😀": '"ü 😀"',
  };
  for (const [text, expected] of Object.entries(quoted)) assert.equal(quoteValue(text), expected);
});
