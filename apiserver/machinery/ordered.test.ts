import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJson, stringifyJson } from "./json.ts";
import { ordered } from "./ordered.ts";

const cases: Record<string, readonly [text: string, inOrder: string]> = {
  "members come in the order of their names, at every depth": [
    '{"b":{"d":1,"c":[{"z":1,"y":2}]},"a":null}',
    '{"a":null,"b":{"c":[{"y":2,"z":1}],"d":1}}',
  ],
  "lists keep theirs": ["[3,1,[2,1],{}]", "[3,1,[2,1],{}]"],
  "numbers stay as they were written": [
    '{"b":12345678901234567890,"a":1.10e2}',
    '{"a":1.10e2,"b":12345678901234567890}',
  ],
};
for (const [name, [text, inOrder]] of Object.entries(cases)) {
  test(`ordered: ${name}`, () => assert.equal(stringifyJson(ordered(parseJson(text) ?? {})), inOrder));
}

test("ordered: what is in order is returned as it is", () => {
  const value = { a: [{ b: 1, c: [] }], d: {} };
  assert.equal(ordered(value), value);
});

test("ordered: the deepest configuration that can be stored", () => {
  const depth = 9_990;
  const text = `${'{"b":1,"a":'.repeat(depth)}1${"}".repeat(depth)}`;
  const result = stringifyJson(ordered(parseJson(text) ?? {}));
  assert.ok(result.startsWith('{"a":{"a":') && result.endsWith('"b":1}'));
});

test("ordered: equal values print alike, and nothing is lost", () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member)]),
    );
  };
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), (value) => {
      const plain: object = JSON.parse(JSON.stringify(value));
      const other = shuffled(plain);
      assert.ok(typeof other === "object" && other !== null);
      assert.equal(JSON.stringify(ordered(other)), JSON.stringify(ordered(plain)));
      assert.deepEqual(ordered(plain), plain);
    }),
  );
});
