import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compareKeys, prefixEnd, resourceOf, resourcePrefix } from "./keys.ts";

const functions = { group: "compute.functionmesh.io", resource: "functions" };
const namespaces = { group: "", resource: "namespaces" };

// API T-01
test("keys: layout", () => {
  assert.equal(resourcePrefix(functions), "/registry/compute.functionmesh.io/functions/");
  assert.equal(resourcePrefix(namespaces), "/registry/core/namespaces/");
});

const endCases: Record<string, { prefix: string; end: string | undefined }> = {
  "last character is raised": { prefix: "/a/", end: "/a0" },
  "everything has no end": { prefix: "", end: undefined },
  "the highest code point carries over": { prefix: "a\u{10ffff}", end: "b" },
  "only highest code points": {
    prefix: "\u{10ffff}\u{10ffff}",
    end: undefined,
  },
  "surrogates are no characters": { prefix: "\ud7ff", end: "\ue000" },
  "a pair is one character": { prefix: "x\u{1f600}", end: "x\u{1f601}" },
};
for (const [name, { prefix, end }] of Object.entries(endCases)) {
  test(`prefixEnd: ${name}`, () => assert.equal(prefixEnd(prefix), end));
}

const text = fc.string({ unit: "binary" });

test("compareKeys: order of UTF-8 bytes", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("prefixEnd: bounds exactly what starts with the prefix", () => {
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const end = prefixEnd(prefix);
      const inRange = (key: string) =>
        compareKeys(key, prefix) >= 0 && (end === undefined || compareKeys(key, end) < 0);
      assert.ok(inRange(prefix + other));
      assert.equal(inRange(other), other.startsWith(prefix));
    }),
  );
});

test("keys: whose they are", () => {
  for (const resource of [functions, namespaces]) {
    assert.deepEqual(resourceOf(resourcePrefix(resource)), resource);
    assert.deepEqual(resourceOf(`${resourcePrefix(resource)}a/b`), resource);
  }
  for (const key of ["", "/registry/health", "/registry/core/x", "/other/core/pods/a"]) {
    assert.equal(resourceOf(key), undefined, key);
  }
});
