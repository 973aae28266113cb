import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { StatusError } from "../errors/status-error.ts";
import {
  everyField,
  everyLabel,
  type FieldRequirement,
  type LabelRequirement,
  labelSelectorFromObject,
  parseFieldSelector,
  parseLabelSelector,
  requiredValue,
} from "./selectors.ts";

const objects: Record<string, Record<string, string> | undefined> = {
  a: { app: "x", n: "1" },
  b: { app: "y", n: "5" },
  c: { app: "", n: "10" },
  d: undefined,
  e: { app: "x", n: "abc", "p.example.com/k": "v" },
};
const labelCases: Record<string, string> = {
  "app=x": "ae",
  "app==x": "ae",
  "app!=x": "bcd",
  "app in (x,y)": "abe",
  "app in (x)": "ae",
  "app notin (x,y)": "cd",
  app: "abce",
  "!app": "d",
  "n>1": "bc",
  "n<10": "ab",
  "n>0,n<6": "ab",
  "n > 4": "bc",
  " app = x , n = 1 ": "a",
  "app=": "c",
  "app!=": "abde",
  "app in (x,)": "ace",
  "app in ()": "c",
  "app=x,app=y": "",
  "app!=x,app!=y": "cd",
  "p.example.com/k=v": "e",
  "app in (x), n notin (1)": "e",
  "app,!n": "",
  "": "abcde",
  nokey: "",
  "!nokey": "abcde",
  "nokey!=1": "abcde",
  "in in (x)": "",
  "app=in": "",
  constructor: "",
  "toString!=1": "abcde",
};
for (const [text, expected] of Object.entries(labelCases)) {
  // API L-30, L-31
  test(`label selector ${JSON.stringify(text)}`, () => {
    const selector = parseLabelSelector(text);
    const matched = Object.entries(objects).filter(([, labels]) => selector.matches(labels));
    assert.equal(matched.map(([name]) => name).join(""), expected);
    assert.equal(selector.empty, text === "");
  });
}

const badRequest = (message: RegExp) => (error: unknown) =>
  error instanceof StatusError && error.status.code === 400 && message.test(error.status.message ?? "");

const badLabelSelectors: Record<string, RegExp> = {
  "a in": /^unable to parse requirement: found '' expected: '\('$/,
  "a in,b": /^unable to parse requirement: found ',' expected: '\('$/,
  "a in (": /^unable to parse requirement: found '', expected: ',', '\)' or identifier$/,
  "a in (b": /found '', expected: ',' or '\)'/,
  "a in (b c)": /found 'c', expected: ',' or '\)'/,
  "a b": /found 'b', expected: in, notin, =, ==, !=, gt, lt/,
  "a=b c": /^found 'c', expected: ',' or 'end of string'$/,
  "a=b=c": /^found '=', expected: ',' or 'end of string'$/,
  "a,": /^found '', expected: identifier after ','$/,
  "a,,b": /^found ',', expected: identifier after ','$/,
  "a,=": /^found '=', expected: identifier after ','$/,
  ",a": /^found ',', expected: !, identifier, or 'end of string'$/,
  "(a)": /^found '\(', expected: !, identifier, or 'end of string'$/,
  "!": /^unable to parse requirement: found '', expected: identifier$/,
  "!!a": /^unable to parse requirement: found '!', expected: identifier$/,
  "a,!": /^unable to parse requirement: found '', expected: identifier$/,
  "!a=b": /^found '=', expected: ',' or 'end of string'$/,
  "a>x": /values\[0\]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer/,
  "a=-v": /values\[0\]\[a\]: Invalid value: "-v": a valid label must be/,
  "-a": /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist/,
  "a/b/c": /a valid label key/,
  "a=(b": /found '\(', expected: identifier/,
};
for (const [text, message] of Object.entries(badLabelSelectors)) {
  // API L-32
  test(`label selector ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseLabelSelector(text), badRequest(message));
  });
}

test("label selectors of objects", () => {
  assert.equal(labelSelectorFromObject(undefined).matches({}), false);
  assert.equal(labelSelectorFromObject({}), everyLabel);
  const selector = labelSelectorFromObject({
    matchLabels: { a: "b" },
    matchExpressions: [
      { key: "c", operator: "In", values: ["d", "e"] },
      { key: "f", operator: "DoesNotExist" },
    ],
  });
  assert.equal(selector.requirements.map(printRequirement).join(","), "a=b,c in (d,e),!f");
  assert.ok(selector.matches({ a: "b", c: "e" }));
  assert.throws(
    () => labelSelectorFromObject({ matchExpressions: [{ key: "a", operator: "Near" }] }),
    badRequest(/Near/),
  );
});

// API L-33
test("field selectors", () => {
  const selector = parseFieldSelector("metadata.name=a\\,b,status.phase!=Running,,x==\\=\\\\");
  assert.deepEqual(selector.requirements, [
    { field: "metadata.name", operator: "=", value: "a,b" },
    { field: "status.phase", operator: "!=", value: "Running" },
    { field: "x", operator: "=", value: "=\\" },
  ]);
  const fields: Record<string, string> = { "metadata.name": "a,b", "status.phase": "", x: "=\\" };
  assert.ok(selector.matches((field) => fields[field] ?? ""));
  assert.ok(!selector.matches(() => "Running"));
  assert.equal(requiredValue(selector, "metadata.name"), "a,b");
  assert.equal(requiredValue(selector, "status.phase"), undefined);
  assert.equal(parseFieldSelector(""), everyField);
});

const badFieldSelectors: Record<string, RegExp> = {
  "metadata.name": /^invalid selector: 'metadata\.name'; can't understand 'metadata\.name'$/,
  "!metadata.name": /can't understand/,
  "a=b,metadata.name in (a)":
    /^invalid selector: 'a=b,metadata\.name in \(a\)'; can't understand 'metadata\.name in \(a\)'$/,
  "metadata.name=a\\": /^invalid field selector/,
  "metadata.name=a\\x": /^invalid field selector/,
  "metadata.name=a=b": /^invalid field selector/,
};
for (const [text, message] of Object.entries(badFieldSelectors)) {
  // API L-34
  test(`field selector ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseFieldSelector(text), badRequest(message));
  });
}

test("property: a printed selector parses back to an equal one", () => {
  const plain = { noNullPrototype: true } as const;
  const key = fc.stringMatching(/^[a-z]([a-z.]{0,5}[a-z])?$/);
  const value = fc.stringMatching(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?$/);
  const values = fc.uniqueArray(value, { minLength: 1 }).map((list) => list.sort());
  const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
    fc.record({ key, operator: fc.constantFrom("=", "!="), values: value.map((one) => [one]) }, plain),
    fc.record({ key, operator: fc.constantFrom("in", "notin"), values }, plain),
    fc.record({ key, operator: fc.constantFrom("exists", "!"), values: fc.constant([]) }, plain),
    fc.record({ key, operator: fc.constantFrom(">", "<"), values: fc.nat().map((n) => [String(n)]) }, plain),
  );
  fc.assert(
    fc.property(fc.array(requirement, { minLength: 1 }), (requirements) => {
      const text = requirements.map(printRequirement).join(",");
      assert.deepEqual(parseLabelSelector(text).requirements, requirements);
    }),
  );
  const term = fc.record({ field: key, operator: fc.constantFrom("=", "!="), value: fc.string() }, plain);
  fc.assert(
    fc.property(fc.array(term, { minLength: 1 }), (terms) => {
      assert.deepEqual(parseFieldSelector(terms.map(printTerm).join(",")).requirements, terms);
    }),
  );
});

function printRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.join(",")})`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

const printTerm = ({ field, operator, value }: FieldRequirement): string =>
  `${field}${operator}${value.replace(/[\\,=]/g, "\\$&")}`;

test("what an object costs does not depend on the number of terms (API L-30)", () => {
  const terms = Array.from({ length: 9_999 }, (_, i) => `k${i}!=v`).join(",");
  const selector = parseLabelSelector(`${terms},a=b`);
  const elapsedMs = cpuClock();
  for (let i = 0; i < 100_000; i++) assert.equal(selector.matches({ a: "b", k7: "w", z: "y" }), true);
  assert.ok(elapsedMs() < 1000);
  assert.equal(selector.matches({ a: "b", k7: "v" }), false);
});

const combined: { readonly [selector: string]: { yes: readonly object[]; no: readonly object[] } } = {
  "a in (x,y),a in (y,z)": { yes: [{ a: "y" }], no: [{ a: "x" }, { a: "z" }, {}] },
  "a in (x,y),a!=y": { yes: [{ a: "x" }], no: [{ a: "y" }, {}] },
  "a!=x,a notin (y,z)": { yes: [{}, { a: "w" }], no: [{ a: "x" }, { a: "y" }, { a: "z" }] },
  "a,!a": { yes: [], no: [{}, { a: "x" }] },
  "a>1,a<5,a>2": { yes: [{ a: "3" }, { a: "4" }], no: [{ a: "2" }, { a: "5" }, { a: "x" }, {}] },
  "a,b": { yes: [{ a: "", b: "" }], no: [{ a: "" }, { b: "" }] },
};
for (const [text, { yes, no }] of Object.entries(combined)) {
  test(`requirements on one label hold together: ${text}`, () => {
    const { matches } = parseLabelSelector(text);
    for (const labels of yes) assert.equal(matches({ ...labels }), true, JSON.stringify(labels));
    for (const labels of no) assert.equal(matches({ ...labels }), false, JSON.stringify(labels));
  });
}

test("selectors have at most so many terms and values", () => {
  const many = Array.from({ length: 25_001 }, (_, i) => `k${i}`);
  assert.throws(() => parseLabelSelector(many.join(",")), { message: /label selector has more than 25000/ });
  assert.throws(() => parseLabelSelector(`a in (${many.join(",")})`), {
    message: /label selector has more than 25000/,
  });
  assert.throws(() => parseFieldSelector(many.map((name) => `${name}!=x`).join(",")), {
    message: /field selector has more than 25000/,
  });
});

test("a field equals one value, and none that is excluded", () => {
  const holds = (selector: string, value: string): boolean => parseFieldSelector(selector).matches(() => value);
  assert.equal(holds("f=a,f=a,f!=b", "a"), true);
  assert.equal(holds("f=a,f=b", "a"), false);
  assert.equal(holds("f=a,f!=a", "a"), false);
  assert.equal(holds("f!=a,f!=b", "c"), true);
});
