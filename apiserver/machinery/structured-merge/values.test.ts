/** Values over their types: what is checked, merged, compared and taken out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cpuClock } from "../../../test/support/cpu-clock.ts";
import { atomic, map, numeric, text, thing } from "../../../test/support/field-types.ts";
import type { JsonValue } from "../../apis/meta/v1.ts";
import { compare, isSame } from "./compare.ts";
import { describePath, equalSets, type FieldSet, fieldSet, intersection, pathsOf, union } from "./field-set.ts";
import { fieldsOf } from "./fields-of.ts";
import { fromFieldsV1 } from "./fields-v1.ts";
import { merge } from "./merge.ts";
import { reconcile } from "./reconcile.ts";
import { extract, remove, withNamedFields } from "./remove.ts";
import { freeFormType, maxDepth } from "./types.ts";
import { joinProblems, typeProblems } from "./validate.ts";

const names = (fields: FieldSet): string[] => [...pathsOf(fields)].map(describePath);

const fieldCases: Record<string, { value: JsonValue; fields: string[] }> = {
  scalars: { value: { text: "a", number: 1 }, fields: [".number", ".text"] },
  "a struct is no field, what is in it is": { value: { struct: { text: "a" } }, fields: [".struct.text"] },
  "an empty map and null are fields": { value: { struct: {}, text: null }, fields: [".struct", ".text"] },
  "entries of a map besides what is in them": {
    value: { map: { k: { text: "a" } } },
    fields: [".map.k", ".map.k.text"],
  },
  "atomics as a whole": { value: { atomicMap: { a: 1 }, atomicList: [1, 2] }, fields: [".atomicList", ".atomicMap"] },
  "members of a set": { value: { set: ["b", "a"] }, fields: ['.set[="a"]', '.set[="b"]'] },
  "items by key, with the default of a key (API S-31)": {
    value: { ports: [{ port: 80, text: "x" }] },
    fields: [
      '.ports[port=80,protocol="TCP"]',
      '.ports[port=80,protocol="TCP"].port',
      '.ports[port=80,protocol="TCP"].text',
    ],
  },
  "keyed lists in keyed lists": {
    value: { nested: [{ name: "a", nested: [{ name: "b" }] }] },
    fields: [
      '.nested[name="a"]',
      '.nested[name="a"].name',
      '.nested[name="a"].nested[name="b"]',
      '.nested[name="a"].nested[name="b"].name',
    ],
  },
  "items that share a key are one field": {
    value: { nested: [{ name: "a" }, { name: "a" }] },
    fields: ['.nested[name="a"]'],
  },
  "an empty list that is told apart is none": { value: { set: [] }, fields: [] },
  "free-form values: members of maps, lists as a whole": {
    value: { free: { a: { b: [1, { c: 2 }] }, e: {} } },
    fields: [".free.a", ".free.e", ".free.a.b"],
  },
};
for (const [name, { value, fields }] of Object.entries(fieldCases)) {
  // API S-20
  test(`fields: ${name}`, () => {
    assert.deepEqual(names(fieldsOf(thing, value)).toSorted(), fields.toSorted());
  });
}

const problemCases: Record<string, { value: JsonValue; problems: string[] }> = {
  "a good value": {
    value: { text: "a", set: ["a"], ports: [{ port: 1 }, { port: 1, protocol: "UDP" }] },
    problems: [],
  },
  "a text for a number (API S-50)": {
    value: { number: "2" },
    problems: [".number: expected numeric (int or float), got string"],
  },
  "a number for a text": { value: { struct: { text: 2 } }, problems: [".struct.text: expected string, got number"] },
  "a list for a map": { value: { struct: [] }, problems: [".struct: expected map, got list"] },
  "a map for a list": { value: { set: {} }, problems: [".set: expected list, got map"] },
  "a map for a scalar": { value: { flag: {} }, problems: [".flag: expected boolean, got map"] },
  "members that nothing declares (API S-52)": {
    value: { foo: 1, struct: { bar: 1 } },
    problems: [".foo: field not declared in schema", ".struct.bar: field not declared in schema"],
  },
  "items in atomic lists, by position": {
    value: { atomicList: [1, "a"] },
    problems: [".atomicList[1]: expected numeric (int or float), got string"],
  },
  "items that share a key (API S-29)": {
    value: { nested: [{ name: "x" }, { name: "x" }] },
    problems: ['.nested: duplicate entries for key [name="x"]'],
  },
  "members that are there twice": {
    value: { set: ["a.b/c", "a.b/c"] },
    problems: ['.set: duplicate entries for key [="a.b/c"]'],
  },
  "items without their key (API S-30)": {
    value: { nested: [{}] },
    problems: [
      `.nested: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)`,
    ],
  },
  "null items": {
    value: { nested: [null] },
    problems: [".nested: element 0: associative list with keys may not have a null element"],
  },
  "scalars as keyed items": {
    value: { nested: ["a"] },
    problems: [".nested: element 0: associative list with keys may not have non-map elements"],
  },
  "maps in a set": {
    value: { set: [{}] },
    problems: [".set: element 0: associative list without keys has an element that's a map type"],
  },
  "lists in a set": {
    value: { set: [[]] },
    problems: [".set: element 0: not supported: associative list with lists as elements"],
  },
  "null in a set": {
    value: { set: [null] },
    problems: [".set: element 0: associative list without keys has an element that's an explicit null"],
  },
  "null anywhere else": { value: { text: null, struct: null, set: null, free: null }, problems: [] },
};
for (const [name, { value, problems }] of Object.entries(problemCases)) {
  // API O-52
  test(`problems: ${name}`, () => assert.deepEqual(typeProblems(thing, value), problems));
}

test("problems are joined as a list, and capped", () => {
  assert.equal(joinProblems([".a: x", ".b: y"]), "errors:\n  .a: x\n  .b: y");
  assert.equal(joinProblems([".a: x"]), ".a: x");
  const wrong = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, 1]));
  assert.equal(typeProblems(thing, wrong).length, 100);
});

const mergeCases: Record<string, { live: JsonValue; applied: JsonValue; merged: JsonValue }> = {
  "scalars win": { live: { text: "a", number: 1 }, applied: { text: "b" }, merged: { text: "b", number: 1 } },
  "maps are merged": {
    live: { map: { a: { text: "1" } } },
    applied: { map: { b: {} } },
    merged: { map: { a: { text: "1" }, b: {} } },
  },
  "atomics are replaced": {
    live: { atomicMap: { a: 1 }, atomicList: [1] },
    applied: { atomicMap: { b: 2 }, atomicList: [2] },
    merged: { atomicMap: { b: 2 }, atomicList: [2] },
  },
  "null for a struct changes nothing in it": {
    live: { struct: { text: "a" } },
    applied: { struct: null },
    merged: { struct: { text: "a" } },
  },
  "null for a scalar is a value": { live: { text: "a" }, applied: { text: null }, merged: { text: null } },
  "sets are joined": { live: { set: ["a", "b"] }, applied: { set: ["b", "c"] }, merged: { set: ["a", "b", "c"] } },
  "items by key": {
    live: { ports: [{ port: 80, text: "x", protocol: "TCP" }] },
    applied: {
      ports: [
        { port: 80, text: "y" },
        { port: 80, protocol: "UDP" },
      ],
    },
    merged: {
      ports: [
        { port: 80, text: "y", protocol: "TCP" },
        { port: 80, protocol: "UDP" },
      ],
    },
  },
  "items in items": {
    live: { nested: [{ name: "a", nested: [{ name: "x", text: "1" }] }] },
    applied: { nested: [{ name: "a", nested: [{ name: "y" }] }] },
    merged: { nested: [{ name: "a", nested: [{ name: "x", text: "1" }, { name: "y" }] }] },
  },
  "live items that share a key stay": {
    live: { nested: [{ name: "a" }, { name: "b" }, { name: "b" }] },
    applied: { nested: [{ name: "c" }] },
    merged: { nested: [{ name: "a" }, { name: "b" }, { name: "b" }, { name: "c" }] },
  },
  "live items that share a key give way to an applied one": {
    live: { nested: [{ name: "b", text: "1" }, { name: "a" }, { name: "b", text: "2" }] },
    applied: { nested: [{ name: "b", text: "3" }] },
    merged: { nested: [{ name: "b", text: "3" }, { name: "a" }] },
  },
  "another shape replaces": { live: { free: [1] }, applied: { free: { a: 1 } }, merged: { free: { a: 1 } } },
  "a scalar gives way to a map": {
    live: { free: { a: 1 } },
    applied: { free: { a: { b: 2 } } },
    merged: { free: { a: { b: 2 } } },
  },
};
for (const [name, { live, applied, merged }] of Object.entries(mergeCases)) {
  test(`merge: ${name}`, () => assert.deepEqual(merge(thing, live, applied), merged));
}

const orders: readonly (readonly [live: string, applied: string, merged: string])[] = [
  ["", "ab", "ab"],
  ["abc", "cd", "abcd"],
  ["abcd", "cba", "cdba"],
  ["abc", "b", "abc"],
  ["abc", "xb", "axbc"],
  ["abcd", "dxa", "bcdxa"],
  ["abc", "", "abc"],
  ["aBcD", "DB", "acDB"],
];
for (const [live, applied, merged] of orders) {
  test(`merge keeps live items in place around the applied order: ${live} + ${applied} = ${merged}`, () => {
    assert.deepEqual(merge(thing, { set: [...live] }, { set: [...applied] }), { set: [...merged] });
  });
}

type Changes = { added?: string[]; modified?: string[]; removed?: string[] };
const compareCases: Record<string, { before: JsonValue; after: JsonValue } & Changes> = {
  "a scalar": { before: { text: "a" }, after: { text: "b", number: 1 }, modified: [".text"], added: [".number"] },
  "a struct that comes, with what is in it": {
    before: {},
    after: { struct: { text: "a" } },
    added: [".struct", ".struct.text"],
  },
  "a map entry that goes": {
    before: { map: { a: { text: "1" }, b: {} } },
    after: { map: { b: {} } },
    removed: [".map.a", ".map.a.text"],
  },
  "atomics as a whole": {
    before: { atomicList: [1], atomicMap: { a: 1 } },
    after: { atomicList: [1, 2], atomicMap: { a: 1 } },
    modified: [".atomicList"],
  },
  "members of a set": {
    before: { set: ["a", "b"] },
    after: { set: ["b", "c"] },
    removed: ['.set[="a"]'],
    added: ['.set[="c"]'],
  },
  "the order of a set is none of its fields": { before: { set: ["a", "b"] }, after: { set: ["b", "a"] } },
  "an item of a keyed list": {
    before: { nested: [{ name: "a", text: "1" }] },
    after: { nested: [{ name: "a", text: "2" }] },
    modified: ['.nested[name="a"].text'],
  },
  "an item that comes to share its key": {
    before: { nested: [{ name: "a", text: "1" }] },
    after: { nested: [{ name: "a", text: "1" }, { name: "a" }] },
    removed: ['.nested[name="a"].name', '.nested[name="a"].text', '.nested[name="a"]'],
    added: ['.nested[name="a"]'],
  },
  "items that shared a key": {
    before: { nested: [{ name: "a" }, { name: "a", text: "1" }] },
    after: { nested: [{ name: "a" }, { name: "a", text: "2" }] },
    modified: ['.nested[name="a"]'],
  },
  "a map that becomes a scalar": {
    before: { free: { a: { b: 1 } } },
    after: { free: { a: 1 } },
    removed: [".free.a.b"],
    modified: [".free.a"],
  },
  "a scalar that becomes a map": {
    before: { free: { a: 1 } },
    after: { free: { a: { b: 1 } } },
    modified: [".free.a"],
    added: [".free.a.b"],
  },
  "null that becomes a text": { before: { text: null }, after: { text: "a" }, modified: [".text"] },
  "an empty map that fills": { before: { map: {} }, after: { map: { a: {} } }, added: [".map.a"] },
};
for (const [name, { before, after, added = [], modified = [], removed = [] }] of Object.entries(compareCases)) {
  test(`compare: ${name}`, () => {
    const comparison = compare(thing, before, after);
    assert.deepEqual(
      {
        added: names(comparison.added).toSorted(),
        modified: names(comparison.modified).toSorted(),
        removed: names(comparison.removed).toSorted(),
      },
      { added: added.toSorted(), modified: modified.toSorted(), removed: removed.toSorted() },
    );
  });
}

const whole: JsonValue = {
  text: "a",
  struct: { text: "b" },
  map: { k: { text: "c" }, l: { text: "d" } },
  set: ["x", "y"],
  nested: [{ name: "a", text: "1", nested: [{ name: "b", text: "2" }] }],
  atomicMap: { a: 1 },
};
const removeCases: Record<string, { fields: JsonValue; left: JsonValue }> = {
  "a scalar": { fields: { "f:text": {} }, left: { ...whole, text: undefined } },
  "the last member leaves null": { fields: { "f:struct": { "f:text": {} } }, left: { ...whole, struct: null } },
  "an entry": { fields: { "f:map": { "f:k": {} } }, left: { ...whole, map: { l: { text: "d" } } } },
  "a member of a set": { fields: { "f:set": { 'v:"x"': {} } }, left: { ...whole, set: ["y"] } },
  "in an item of an item": {
    fields: { "f:nested": { 'k:{"name":"a"}': { "f:nested": { 'k:{"name":"b"}': { "f:text": {} } } } } },
    left: { ...whole, nested: [{ name: "a", text: "1", nested: [{ name: "b" }] }] },
  },
  "an item with all that is in it": {
    fields: { "f:nested": { 'k:{"name":"a"}': {} } },
    left: { ...whole, nested: null },
  },
  "part of what is one field takes it all": {
    fields: { "f:atomicMap": { "f:a": {} } },
    left: { ...whole, atomicMap: null },
  },
  "what is not there": { fields: { "f:number": {}, "f:map": { "f:zz": {} } }, left: whole },
};
for (const [name, { fields, left }] of Object.entries(removeCases)) {
  test(`remove: ${name}`, () => {
    assert.deepEqual(
      JSON.parse(JSON.stringify(remove(thing, whole, fromFieldsV1(fields)))),
      JSON.parse(JSON.stringify(left)),
    );
  });
}
test("remove: a set that is nowhere in it leaves the value itself", () => {
  assert.equal(remove(thing, whole, fieldSet(["f:number"])), whole);
});

test("extract: what a manager says, with the keys of its items", () => {
  const fields = fromFieldsV1({
    "f:text": {},
    "f:map": { "f:l": { "f:text": {} } },
    "f:nested": { 'k:{"name":"a"}': { "f:nested": { 'k:{"name":"b"}': { "f:text": {} } } } },
    "f:atomicMap": {},
    "f:number": {},
  });
  assert.deepEqual(extract(thing, whole, fields), {
    text: "a",
    map: { l: { text: "d" } },
    nested: [{ name: "a", nested: [{ name: "b", text: "2" }] }],
    atomicMap: { a: 1 },
  });
  assert.equal(extract(thing, whole, fieldSet()), undefined);
});

test("structs that hold fields can be named as fields, entries of maps cannot", () => {
  const fields = fieldSet(["f:struct", "f:text"], ["f:map", "f:k", "f:text"]);
  assert.deepEqual(names(withNamedFields(thing, fields)).toSorted(), [
    ".map",
    ".map.k.text",
    ".struct",
    ".struct.text",
  ]);
});

test("reconcile: fields of what is one field now become that field (API S-32)", () => {
  const then = fromFieldsV1({
    "f:atomicMap": { "f:a": {}, "f:b": {} },
    "f:atomicList": { 'k:{"name":"a"}': { "f:name": {} } },
    "f:free": { "f:a": { "f:b": {} } },
    "f:struct": { "f:text": {} },
  });
  assert.deepEqual(names(reconcile(thing, then)).toSorted(), [
    ".atomicList",
    ".atomicMap",
    ".free.a.b",
    ".struct.text",
  ]);
  const same = fromFieldsV1({ "f:map": {}, "f:struct": { "f:text": {} } });
  assert.equal(reconcile(thing, same), same, "who owned the whole map goes on to own that");
});

const anyText = fc.constantFrom("a", "b", "c");
const nameOf = (item: JsonValue): string => /"name":"(.)"/.exec(JSON.stringify(item))?.[1] ?? "";
const anyItem = (depth: number): fc.Arbitrary<JsonValue> =>
  fc.record(
    {
      name: anyText,
      text: anyText,
      nested:
        depth === 0
          ? fc.constant<JsonValue>([])
          : fc.uniqueArray(anyItem(depth - 1), { selector: nameOf, maxLength: 3 }),
    },
    { requiredKeys: ["name"] },
  ) as fc.Arbitrary<JsonValue>;
const anyThing: fc.Arbitrary<JsonValue> = fc.record(
  {
    text: fc.option(anyText),
    number: fc.integer(),
    struct: fc.record({ text: anyText }, { requiredKeys: [] }),
    map: fc.dictionary(anyText, fc.record({ text: anyText }, { requiredKeys: [] })),
    set: fc.uniqueArray(anyText),
    nested: fc.uniqueArray(anyItem(2), { selector: nameOf, maxLength: 3 }),
    atomicList: fc.array(fc.integer()),
    atomicMap: fc.dictionary(anyText, fc.integer()),
    free: fc.jsonValue(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonValue>;
const plain = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value));

test("what is generated is of its type", () => {
  fc.assert(fc.property(anyThing, (value) => assert.deepEqual(typeProblems(thing, plain(value)), [])));
});

test("merging with itself, or with nothing, is the value itself; merging twice is merging once", () => {
  fc.assert(
    fc.property(anyThing, anyThing, (a, b) => {
      const [live, applied] = [plain(a), plain(b)];
      assert.equal(merge(thing, live, live), live);
      assert.equal(merge(thing, live, {}), live);
      const merged = merge(thing, live, applied);
      assert.equal(merge(thing, merged, applied), merged, "shared, for nothing changed");
    }),
  );
});

test("a merge has all that was applied, and changes nothing else", () => {
  fc.assert(
    fc.property(anyThing, anyThing, (a, b) => {
      const [live, applied] = [plain(a), plain(b)];
      const merged = merge(thing, live, applied);
      const { added, modified } = compare(thing, merged, applied);
      assert.equal(intersection(fieldsOf(thing, applied), union(added, modified)).size, 0);
      const change = compare(thing, live, merged);
      assert.equal(change.removed.size === 0 || JSON.stringify(live) !== JSON.stringify(merged), true);
    }),
  );
});

test("comparison is empty exactly for values without a difference of fields, and mirrors itself", () => {
  fc.assert(
    fc.property(anyThing, anyThing, (a, b) => {
      const [before, after] = [plain(a), plain(b)];
      assert.ok(isSame(compare(thing, before, plain(before))));
      const [forth, back] = [compare(thing, before, after), compare(thing, after, before)];
      assert.ok(equalSets(forth.added, back.removed));
      assert.ok(equalSets(forth.removed, back.added));
      assert.ok(equalSets(forth.modified, back.modified));
      if (isSame(forth)) assert.ok(equalSets(fieldsOf(thing, before), fieldsOf(thing, after)));
    }),
  );
});

test("a value without its fields has none of them; extracting all of them gives all of them", () => {
  fc.assert(
    fc.property(anyThing, (a) => {
      const value = plain(a);
      const fields = fieldsOf(thing, value);
      const again = extract(thing, value, fields);
      assert.ok(equalSets(fieldsOf(thing, again ?? {}), fields));
      assert.equal(intersection(fieldsOf(thing, remove(thing, value, withNamedFields(thing, fields))), fields).size, 0);
    }),
  );
});

test("nothing that is given is changed", () => {
  fc.assert(
    fc.property(anyThing, anyThing, (a, b) => {
      const [live, applied] = [plain(a), plain(b)];
      const texts = [JSON.stringify(live), JSON.stringify(applied)];
      const merged = merge(thing, live, applied);
      remove(thing, merged, fieldsOf(thing, live));
      extract(thing, merged, fieldsOf(thing, applied));
      assert.deepEqual([JSON.stringify(live), JSON.stringify(applied)], texts);
    }),
  );
});

test("values deeper than fields are told apart are one field, however deep", () => {
  const deep = (depth: number, end: string): JsonValue =>
    JSON.parse(`${'{"a":'.repeat(depth)}${end}${"}".repeat(depth)}`);
  const [one, two] = [deep(3000, "1"), deep(3000, "2")];
  assert.equal([...pathsOf(fieldsOf(freeFormType, one))].length, maxDepth);
  assert.deepEqual(names(compare(freeFormType, one, two).modified), [".a".repeat(maxDepth)]);
  assert.equal(JSON.stringify(merge(freeFormType, one, two)), JSON.stringify(two));
  assert.deepEqual(typeProblems(freeFormType, one), []);
});

test("long keyed lists cost what they are long", () => {
  const items = (count: number): JsonValue => ({
    nested: Array.from({ length: count }, (_, index) => ({ name: `n${index}` })),
  });
  const [live, applied] = [items(50_000), items(50_000)];
  const elapsedMs = cpuClock();
  merge(thing, live, applied);
  compare(thing, live, applied);
  assert.equal(typeProblems(thing, applied).length, 0);
  assert.ok(elapsedMs() < 5000, "quadratic would take minutes");
});

test("types are told by what they are made of", () => {
  assert.equal(typeProblems(map(text), { a: 1 }).length, 1);
  assert.equal(typeProblems(atomic(numeric), [1]).length, 0);
});
