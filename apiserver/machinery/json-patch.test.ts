import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonValue } from "../apis/meta/v1.ts";
import { StatusError } from "../errors/status-error.ts";
import { parseJson, stringifyJson } from "./json.ts";
import { applyJsonPatch, unknownPatchMembers } from "./json-patch.ts";

const cases: Record<string, { document: string; patch: string; result: string }> = {
  "add a member": {
    document: '{"a":1}',
    patch: '[{"op":"add","path":"/b","value":{"c":2}}]',
    result: '{"a":1,"b":{"c":2}}',
  },
  "add replaces": { document: '{"a":1}', patch: '[{"op":"add","path":"/a","value":2}]', result: '{"a":2}' },
  "add into a list": {
    document: '{"l":[1,3]}',
    patch: '[{"op":"add","path":"/l/1","value":2}]',
    result: '{"l":[1,2,3]}',
  },
  "add at the length appends": { document: "[1]", patch: '[{"op":"add","path":"/1","value":2}]', result: "[1,2]" },
  "add with a dash appends": { document: "[1]", patch: '[{"op":"add","path":"/-","value":2}]', result: "[1,2]" },
  remove: {
    document: '{"a":1,"b":[1,2]}',
    patch: '[{"op":"remove","path":"/a"},{"op":"remove","path":"/b/0"}]',
    result: '{"b":[2]}',
  },
  replace: {
    document: '{"b":[1,2]}',
    patch: '[{"op":"replace","path":"/b/1","value":null}]',
    result: '{"b":[1,null]}',
  },
  "replace the root": { document: '{"a":1}', patch: '[{"op":"replace","path":"","value":[1]}]', result: "[1]" },
  "replace of a missing member adds": {
    document: "{}",
    patch: '[{"op":"replace","path":"/a","value":1}]',
    result: '{"a":1}',
  },
  "move within a list": { document: "[1,2,3]", patch: '[{"op":"move","from":"/0","path":"/2"}]', result: "[2,3,1]" },
  "copy is independent": {
    document: '{"a":{"x":1}}',
    patch: '[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/y","value":2}]',
    result: '{"a":{"x":1},"b":{"x":1,"y":2}}',
  },
  "copy from a missing member gives null": {
    document: "{}",
    patch: '[{"op":"copy","from":"/x","path":"/a"}]',
    result: '{"a":null}',
  },
  "test of a missing member against null": {
    document: "{}",
    patch: '[{"op":"test","path":"/x","value":null}]',
    result: "{}",
  },
  "test is deep and ignores the order of members": {
    document: '{"o":{"a":1,"b":[1,2]}}',
    patch: '[{"op":"test","path":"/o","value":{"b":[1,2],"a":1}}]',
    result: '{"o":{"a":1,"b":[1,2]}}',
  },
  escapes: {
    document: '{"a/b":1,"m~n":2,"~1":3}',
    patch: '[{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/m~0n"},{"op":"remove","path":"/~01"}]',
    result: "{}",
  },
  "big numbers stay": {
    document: '{"a":9007199254740993}',
    patch: '[{"op":"copy","from":"/a","path":"/b"},{"op":"test","path":"/b","value":9007199254740993}]',
    result: '{"a":9007199254740993,"b":9007199254740993}',
  },
  "odd names": {
    document: "{}",
    patch: '[{"op":"add","path":"/__proto__","value":{}},{"op":"add","path":"/__proto__/x","value":1}]',
    result: '{"__proto__":{"x":1}}',
  },
};
for (const [name, { document, patch, result }] of Object.entries(cases)) {
  // API P-10
  test(`JSON patch: ${name}`, () => {
    const [before, operations] = [parseJson(document), parseJson(patch)];
    assert.equal(stringifyJson(applyJsonPatch(before, operations)), result);
    assert.equal(stringifyJson(before), document, "the document is unchanged");
    assert.equal(stringifyJson(operations), stringifyJson(parseJson(patch)), "the patch is unchanged");
  });
}

const document = '{"a":1,"l":[1,2],"big":9007199254740993}';
const failing = [
  '{"op":"remove","path":"/x"}',
  '{"op":"remove","path":""}',
  '{"op":"remove","path":"/l/2"}',
  '{"op":"replace","path":"/l/2","value":1}',
  '{"op":"replace","path":"/l/-","value":1}',
  '{"op":"add","path":"/l/3","value":1}',
  '{"op":"add","path":"/l/01","value":1}',
  '{"op":"add","path":"/l/x","value":1}',
  '{"op":"add","path":"/x/y","value":1}',
  '{"op":"add","path":"/toString/y","value":1}',
  '{"op":"add","path":"a","value":1}',
  '{"op":"add","path":"/a"}',
  '{"op":"copy","from":"/x/y","path":"/z"}',
  '{"op":"move","from":"/x","path":"/z"}',
  '{"op":"test","path":"/a","value":"1"}',
  '{"op":"test","path":"/a","value":null}',
  '{"op":"test","path":"/big","value":9007199254740992}',
  '{"op":"test","path":"/x","value":1}',
  '{"op":"frob","path":"/a"}',
  '{"path":"/a"}',
];
for (const operation of failing) {
  // API P-12
  test(`JSON patch fails: ${operation}`, () => {
    assert.throws(
      () => applyJsonPatch(parseJson(document), parseJson(`[${operation}]`)),
      (error) =>
        error instanceof StatusError &&
        error.status.code === 422 &&
        error.status.message === "the server rejected our request due to an error in our request",
    );
  });
}

const code = (expected: number) => (error: unknown) => error instanceof StatusError && error.status.code === expected;

test("JSON patch: malformed documents are 400", () => {
  assert.throws(() => applyJsonPatch({}, {}), code(400));
  assert.throws(() => applyJsonPatch({}, ["x"]), code(400));
});

// API P-11
test("JSON patch: limits", () => {
  const operation = { op: "test", path: "/a", value: 1 };
  assert.throws(() => applyJsonPatch({ a: 1 }, new Array(10_001).fill(operation)), {
    message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
  });
  applyJsonPatch({ a: 1 }, new Array(10_000).fill(operation));
  const copies = Array.from({ length: 20 }, (_, i) => ({ op: "copy", from: "/a", path: `/b${i}` }));
  assert.throws(() => applyJsonPatch({ a: "x".repeat(200_000) }, copies), code(422));
});

test("unknown members of operations", () => {
  assert.deepEqual(unknownPatchMembers([{ op: "test", path: "", value: 1, zz: 1 }, { yy: 2 }]), ["[0].zz", "[1].yy"]);
});

test("property: add then remove gives the document back", () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(objects, fc.string(), fc.jsonValue(), (object, name, value) => {
      const before = parseJson(JSON.stringify(object));
      fc.pre(!Object.hasOwn(object, name));
      const path = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const patch = parseJson(
        JSON.stringify([
          { op: "add", path, value },
          { op: "test", path, value },
          { op: "remove", path },
        ]),
      );
      assert.equal(stringifyJson(applyJsonPatch(before, patch)), stringifyJson(before));
    }),
  );
});

test("operations may not push along more list items than that takes a moment for", () => {
  const document: JsonValue = { list: Array(600_000).fill(0) };
  const inserts = (count: number): JsonValue => Array(count).fill({ op: "add", path: "/list/0", value: 1 });
  assert.ok(applyJsonPatch(document, inserts(10)));
  assert.throws(() => applyJsonPatch(document, inserts(1000)), { message: /move more than 20000000 list items/ });
  const appends: JsonValue = Array(10_000).fill({ op: "add", path: "/list/-", value: 1 });
  assert.ok(applyJsonPatch(document, appends), "appending moves nothing");
});

test("the result may not nest deeper than a body (API N-17)", () => {
  const half = parseJson(`${'{"a":'.repeat(6000)}1${"}".repeat(6000)}`);
  const inside = `/x${"/a".repeat(6000)}`;
  const patch = [
    { op: "add", path: "/x", value: half },
    { op: "add", path: inside, value: half },
  ];
  assert.throws(() => applyJsonPatch({}, patch), { message: "exceeded max depth" });
});
