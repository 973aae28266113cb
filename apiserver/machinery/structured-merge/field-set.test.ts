import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  describePath,
  difference,
  equalSets,
  type FieldPath,
  fieldSet,
  has,
  intersection,
  pathsOf,
  union,
  without,
} from "./field-set.ts";
import { FieldsV1Error, fromFieldsV1, mayHold, toFieldsV1 } from "./fields-v1.ts";
import { compareElements, describeElement, PathElementError, parsePathElement } from "./path-element.ts";
import { maxDepth } from "./types.ts";

const elements = ["f:a", "f:b", 'k:{"name":"x"}', 'k:{"port":80,"protocol":"TCP"}', 'v:"x"', "v:1", "v:true", "i:0"];
const anyPath = fc.array(fc.constantFrom(...elements), { minLength: 1, maxLength: 4 });
const anyPaths = fc.array(anyPath, { maxLength: 12 });
const keysOf = (paths: Iterable<FieldPath>): Set<string> => new Set([...paths].map((path) => JSON.stringify(path)));
const membersOf = (set: ReturnType<typeof fieldSet>): Set<string> => keysOf(pathsOf(set));

test("sets hold the paths that they are made of, and say so", () => {
  fc.assert(
    fc.property(anyPaths, anyPath, (paths, other) => {
      const set = fieldSet(...paths);
      assert.deepEqual(membersOf(set), keysOf(paths));
      assert.equal(has(set, other), keysOf(paths).has(JSON.stringify(other)));
      assert.equal(has(set, []), false);
    }),
  );
});

test("union, intersection and difference are those of their members, and share what they can", () => {
  fc.assert(
    fc.property(anyPaths, anyPaths, (left, right) => {
      const [a, b] = [fieldSet(...left), fieldSet(...right)];
      const [inA, inB] = [keysOf(left), keysOf(right)];
      assert.deepEqual(membersOf(union(a, b)), inA.union(inB));
      assert.deepEqual(membersOf(intersection(a, b)), inA.intersection(inB));
      assert.deepEqual(membersOf(difference(a, b)), inA.difference(inB));
      assert.equal(union(a, intersection(a, b)), a, "nothing new is the same set");
      assert.equal(difference(a, difference(b, a)), a, "nothing taken is the same set");
      assert.ok(equalSets(union(difference(a, b), intersection(a, b)), a));
      assert.equal(equalSets(a, b), inA.symmetricDifference(inB).size === 0);
    }),
  );
});

test("without takes all that is below a member too", () => {
  fc.assert(
    fc.property(anyPaths, anyPaths, (left, right) => {
      const isBelow = (path: FieldPath) =>
        right.some((other) => other.length <= path.length && other.every((element, at) => element === path[at]));
      assert.deepEqual(
        membersOf(without(fieldSet(...left), fieldSet(...right))),
        keysOf(left.filter((path) => !isBelow(path))),
      );
    }),
  );
});

test("fieldsV1 and sets are each other's image", () => {
  fc.assert(
    fc.property(anyPaths, (paths) => {
      const set = fieldSet(...paths);
      const json = toFieldsV1(set);
      assert.ok(equalSets(fromFieldsV1(JSON.parse(JSON.stringify(json))), set));
      const reversed = JSON.parse(JSON.stringify(toFieldsV1(fieldSet(...paths.toReversed()))));
      assert.equal(JSON.stringify(reversed), JSON.stringify(json), "one order, however it was collected");
    }),
  );
});

test("the text is canonical: the node itself, members, items by key, by value, by position (API S-11)", () => {
  const set = fieldSet(
    ["i:10"],
    ["i:2"],
    ['v:"b"'],
    ["v:true"],
    ["v:10"],
    ["v:9"],
    ['k:{"port":80}', "f:port"],
    ['k:{"port":80}'],
    ['k:{"port":9}'],
    ['k:{"name":"a"}'],
    ["f:b"],
    ["f:a"],
  );
  assert.equal(
    JSON.stringify(toFieldsV1(set)),
    '{"f:a":{},"f:b":{},"k:{\\"name\\":\\"a\\"}":{},"k:{\\"port\\":9}":{},"k:{\\"port\\":80}":{".":{},"f:port":{}},' +
      '"v:9":{},"v:10":{},"v:\\"b\\"":{},"v:true":{},"i:2":{},"i:10":{}}',
  );
});

const readCases: Record<string, { json: unknown; members: string[] }> = {
  "a leaf is a member": { json: { "f:a": {} }, members: [".a"] },
  "a parent is none unless it says so": { json: { "f:a": { "f:b": {} } }, members: [".a.b"] },
  "a parent that says so": { json: { "f:a": { ".": {}, "f:b": {} } }, members: [".a", ".a.b"] },
  "keys come in any order": { json: { 'k:{"b":1, "a":2.0}': {} }, members: ["[a=2,b=1]"] },
  "what a later version wrote is left out": { json: { "f:a": {}, "x:y": { "f:z": {} } }, members: [".a"] },
  "the object itself is nobody's": { json: { ".": {} }, members: [] },
  "null is a leaf": { json: { "f:a": null }, members: [".a"] },
  "names are data": { json: { "f:__proto__": { "f:constructor": {} } }, members: [".__proto__.constructor"] },
};
for (const [name, { json, members }] of Object.entries(readCases)) {
  test(`fieldsV1: ${name}`, () => {
    assert.deepEqual([...pathsOf(fromFieldsV1(JSON.parse(JSON.stringify(json))))].map(describePath), members);
  });
}

const refused: Record<string, string> = {
  "an element without a colon": '{"bad":{}}',
  "one letter": '{"f":{}}',
  "a key that is no JSON": '{"k:{":{}}',
  "a key that is no object": '{"k:[]":{}}',
  "a value that is no JSON": '{"v:":{}}',
  "a value with something behind it": '{"v:1 2":{}}',
  "an index that is no number": '{"i:x":{}}',
  "a leaf that is no object": '{"f:a":1}',
  "a list": '{"f:a":[]}',
};
for (const [name, json] of Object.entries(refused)) {
  test(`fieldsV1 refuses ${name}`, () => {
    assert.throws(
      () => fromFieldsV1(JSON.parse(json)),
      (error) => error instanceof FieldsV1Error || error instanceof PathElementError,
    );
  });
}

test("fieldsV1 may nest as deep as objects are told apart, and no deeper", () => {
  const nested = (depth: number) => JSON.parse(`${'{"f:a":'.repeat(depth)}{}${"}".repeat(depth)}`);
  assert.equal([...pathsOf(fromFieldsV1(nested(maxDepth)))].length, 1);
  assert.throws(() => fromFieldsV1(nested(maxDepth + 1)), /must not nest deeper than/);
  assert.throws(() => fromFieldsV1(nested(5000)), /must not nest deeper than/);
});

test("any JSON is read or refused, nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      try {
        fromFieldsV1(JSON.parse(JSON.stringify(json)));
      } catch (error) {
        assert.ok(error instanceof FieldsV1Error || error instanceof PathElementError, String(error));
      }
    }),
  );
});

test("elements are named as conflicts name them (API S-27)", () => {
  assert.equal(describeElement("f:a.b/c"), ".a.b/c");
  assert.equal(describeElement('k:{"port":80,"protocol":"TCP"}'), '[port=80,protocol="TCP"]');
  assert.equal(describeElement('v:"a\\u003cb"'), '[="a<b"]');
  assert.equal(describeElement("i:3"), "[3]");
});

test("equal elements have one text", () => {
  assert.equal(parsePathElement("v:1.0"), "v:1");
  assert.equal(parsePathElement('v:"a<b"'), 'v:"a\\u003cb"');
  assert.equal(parsePathElement("i:+007"), "i:7");
  assert.equal(parsePathElement("v:12345678901234567890"), "v:12345678901234567890");
});

test("the order of elements is total", () => {
  const texts = [...elements, "f:\u{10000}", "f:\uffff", "v:null", 'k:{"name":"x","z":1}', "k:{}", "v:[]"];
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.constantFrom(...texts), fc.constantFrom(...texts), (a, b, c) => {
      assert.equal(Math.sign(compareElements(a, b)), -Math.sign(compareElements(b, a)) + 0);
      assert.equal(compareElements(a, b) === 0, a === b);
      if (compareElements(a, b) <= 0 && compareElements(b, c) <= 0) assert.ok(compareElements(a, c) <= 0);
    }),
  );
  assert.ok(compareElements("f:\uffff", "f:\u{10000}") < 0, "by code point, not by UTF-16 unit");
});

test("whether a set may hold fields is told from its JSON, by the names of members alone", () => {
  const json = { "f:a": { "f:b": {}, 'k:{"n":1}': {} }, "f:c": { ".": {} } };
  const cases: readonly (readonly [paths: readonly (readonly string[])[], may: boolean])[] = [
    [[["f:a", "f:b"]], true],
    [[["f:c"]], true],
    [[["f:a"]], true], // on the way to what it holds, which a reader tells from holding it
    [[["f:a", "f:x"]], false],
    [[["f:x"], ["f:c", "f:d"]], false],
    [[["f:a", 'k:{"n":2}']], true], // keys can be written in several ways
    [[], false],
  ];
  for (const [paths, may] of cases) assert.equal(mayHold(json, fieldSet(...paths)), may, JSON.stringify(paths));
});
