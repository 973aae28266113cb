import assert from "node:assert/strict";
import { test } from "node:test";
import {
  generateName,
  isGenerated,
  labelProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  subdomainProblems,
  withoutTrailingDash,
} from "./names.ts";

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

test("subdomains", () => {
  for (const good of ["a", "a-b", "a.b-c.9", `${"x".repeat(63)}.y`]) assert.deepEqual(subdomainProblems(good), []);
  for (const bad of ["", "Abc", "..", "a/b", "a%b", "-a", "a-", "a..b", "ä", "a_b", "a b", "a.", "a\n"]) {
    assert.deepEqual(subdomainProblems(bad), [subdomain], bad);
  }
  assert.deepEqual(subdomainProblems("a".repeat(254)), ["must be no more than 253 characters"]);
});

test("labels", () => {
  assert.deepEqual(labelProblems("1-a"), []);
  assert.deepEqual(labelProblems("a".repeat(64)), ["must be no more than 63 characters"]);
  assert.deepEqual(labelProblems("a.b"), ["must not contain dots"]);
  assert.deepEqual(labelProblems(`${"a".repeat(64)}.b`), [
    "must be no more than 63 characters",
    "must not contain dots",
  ]);
  for (const name of [".a", "A.b", "a..b", "a.-b"])
    assert.match(labelProblems(name).join(), /^a lowercase RFC 1123 label/);
});

test("label values", () => {
  for (const good of ["", "v".repeat(63), "A-b_c.9"]) assert.deepEqual(labelValueProblems(good), []);
  for (const bad of ["v v", "-v", "ä"]) assert.deepEqual(labelValueProblems(bad), [labelValue]);
});

const qualifiedCases: Record<string, string[]> = {
  "a.b_C": [],
  "example.com/x": [],
  "a b": [qualified],
  "": ["name part must be non-empty", qualified],
  "/x": ["prefix part must be non-empty"],
  "Ex_ample.com/x": [`prefix part ${subdomain}`],
  [`example.com/${"x".repeat(64)}`]: ["name part must be no more than 63 bytes"],
  [`${"a".repeat(254)}/x`]: ["prefix part must be no more than 253 characters"],
};
for (const [name, problems] of Object.entries(qualifiedCases)) {
  test(`qualified name ${JSON.stringify(name)}`, () => assert.deepEqual(qualifiedNameProblems(name), problems));
}
test("a qualified name has at most one slash", () => {
  assert.match(
    qualifiedNameProblems("a/b/c").join(),
    /^a valid label key must consist of .* \(e\.g\. 'example\.com\/MyName'\)$/,
  );
});

test("path segments", () => {
  assert.deepEqual(pathSegmentProblems("a:b"), []);
  assert.deepEqual(pathSegmentProblems(".."), ["may not be '..'"]);
  assert.deepEqual(pathSegmentProblems("a/%"), ["may not contain '/'", "may not contain '%'"]);
});

// API C-06
test("generated names", () => {
  assert.equal(
    generateName("gn-", () => 0),
    "gn-bbbbb",
  );
  assert.equal(
    generateName("g".repeat(80), () => 0.9999),
    `${"g".repeat(58)}99999`,
  );
  assert.match(generateName("x", Math.random), /^x[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(withoutTrailingDash("gn-"), "ga");
});

test("a generated name is told from one that was given", () => {
  for (const base of ["x", "gn-", "g".repeat(58), "g".repeat(80)]) {
    assert.equal(isGenerated(generateName(base, Math.random), base), true, base);
  }
  for (const [name, base] of [
    ["given", "gn-"],
    ["gn-much-longer", "gn-"],
    ["abcde", ""],
  ] as const) {
    assert.equal(isGenerated(name, base), false, name);
  }
});
