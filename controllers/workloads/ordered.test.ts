import assert from "node:assert/strict";
import { test } from "node:test";
import { ordered } from "./ordered.ts";

test("members come in the order of their names, at every level", () => {
  const value = { b: [{ d: 1, c: [{ f: 1, e: 2 }] }, 3], a: { y: null, x: undefined } };
  assert.equal(JSON.stringify(ordered(value)), '{"a":{"y":null},"b":[{"c":[{"e":2,"f":1}],"d":1},3]}');
  assert.deepEqual(Object.keys(value), ["b", "a"], "the value itself is unchanged");
});

test("what is in order already is not copied", () => {
  const value = { a: [1, { b: JSON.rawJSON("1.0"), c: [] }], d: "x" };
  assert.equal(ordered(value), value);
});
