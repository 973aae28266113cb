import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject, maxDepth, parseJson, stringifyJson } from "./json.ts";
import { applyMergePatch } from "./merge-patch.ts";

const cases: [target: string, patch: string, result: string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"a":1}', '{"a":{"b":{"c":null}}}', '{"a":{"b":{}}}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["{}", '{"n":9007199254740993,"f":1.0}', '{"n":9007199254740993,"f":1.0}'],
  ['{"__proto__":{"x":1}}', '{"__proto__":{"w":3},"constructor":null}', '{"__proto__":{"x":1,"w":3}}'],
  ["{}", '{"__proto__":{"w":3}}', '{"__proto__":{"w":3}}'],
  ["[1]", '{"a":1}', '{"a":1}'],
];
for (const [target, patch, expected] of cases) {
  // API P-20
  test(`merge patch ${patch} of ${target}`, () => {
    const before = parseJson(target);
    assert.equal(stringifyJson(applyMergePatch(before, parseJson(patch))), expected);
    assert.equal(stringifyJson(before), target, "the target is unchanged");
  });
}

test("a merge patch must be an object", () => {
  for (const patch of [null, [], 1, "x"]) assert.throws(() => applyMergePatch({}, patch), /must be a JSON object/);
});

/** The rule of RFC 7386 section 2, said by what the result must contain. */
function assertMerged(target: JsonValue | undefined, patch: JsonObject, result: JsonValue | undefined): void {
  assert.ok(isObject(result));
  const base = isObject(target) ? target : {};
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) assert.ok(!Object.hasOwn(result, name));
    else if (isObject(change)) assertMerged(base[name], change, result[name]);
    else assert.deepEqual(result[name], change);
  }
  for (const name of Object.keys(base)) if (!Object.hasOwn(patch, name)) assert.deepEqual(result[name], base[name]);
  for (const name of Object.keys(result)) assert.ok(Object.hasOwn(base, name) || Object.hasOwn(patch, name));
}

test("property: a merge patch does what the RFC says", () => {
  const name = fc.constantFrom("a", "b", "c");
  const { object } = fc.letrec<{ object: JsonObject; value: JsonValue }>((tie) => ({
    object: fc.dictionary(name, tie("value"), { noNullPrototype: true }),
    value: fc.oneof({ depthSize: "medium" }, fc.constant(null), fc.nat(3), fc.array(fc.nat(3)), tie("object")),
  }));
  fc.assert(
    fc.property(object, object, (target, patch) => assertMerged(target, patch, applyMergePatch(target, patch))),
  );
});

test("the result may nest as deep as a body, and not deeper (API N-17)", () => {
  const deep = (levels: number) => parseJson(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
  const target = parseJson(`${'{"a":'.repeat(4000)}{"b":1}${"}".repeat(4000)}`);
  const merged = stringifyJson(applyMergePatch(target, deep(maxDepth)));
  assert.equal(merged.length, stringifyJson(deep(maxDepth)).length + '"b":1,'.length);
  const beyond: JsonObject = { a: deep(maxDepth) };
  assert.throws(() => applyMergePatch({}, beyond), { message: "exceeded max depth" });
});
