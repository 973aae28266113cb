import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import type { JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { deepEqual, parseJson, stringifyJson } from "./json.ts";
import { parseYaml } from "./yaml.ts";
import { stringifyYaml, yamlListPieces, yamlPieces } from "./yaml-printer.ts";

const cases: Record<string, string> = {
  "a: y": '{"a":true}',
  "a: 'y'": '{"a":"y"}',
  "a: Off\nb: yes\nc: ON\nd: yEs": '{"a":false,"b":true,"c":true,"d":"yEs"}',
  "a: ~\nb:\nc: null": '{"a":null,"b":null,"c":null}',
  "y: 1\n2: b\n1.5: c": '{"2":"b","true":1,"1.5":"c"}',
  "a: 0777\nb: 0x1F\nc: 0b11\nd: -0o17\ne: 1_000\nf: +12": '{"a":511,"b":31,"c":3,"d":-15,"e":1000,"f":12}',
  "a: 9007199254740993\nb: -9223372036854775808\nc: 0xFFFFFFFFFFFFFFFF":
    '{"a":9007199254740993,"b":-9223372036854775808,"c":18446744073709551615}',
  "a: 1.10\nb: 1e3\nc: .5\nd: 1.\ne: 089": '{"a":1.10,"b":1000,"c":0.5,"d":1,"e":89}',
  "a: 2001-01-01\nb: 12:30:45\nc: 1.2.3\nd: '123'\ne: -\nf: 1e":
    '{"a":"2001-01-01","b":"12:30:45","c":"1.2.3","d":"123","e":null,"f":"1e"}',
  "a: !!str 5\nb: !!int '5'\nc: !custom x": '{"a":"5","b":5,"c":"x"}',
  "a: |\n  l1\n  l2\nb: >-\n  x\n  y": '{"a":"l1\\nl2\\n","b":"x y"}',
  "# only the first\na: 1\n---\nb: [": '{"a":1}',
  "---\na: 1": '{"a":1}',
  "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  x: 3\nd: *b":
    '{"base":{"x":1,"true":2},"c":{"x":3,"true":2},"d":{"x":1,"true":2}}',
  "c: {<<: [{x: 1}, {x: 2, z: 3}]}": '{"c":{"x":1,"z":3}}',
  "- 1\n- a: b": '[1,{"a":"b"}]',
  "just text": '"just text"',
  "": "null",
  '{"a":1.0,"b":9007199254740993}': '{"a":1.0,"b":9007199254740993}',
  "{a: 1, b: [x]}": '{"a":1,"b":["x"]}',
  "__proto__: {x: 1}": '{"__proto__":{"x":1}}',
};
for (const [text, json] of Object.entries(cases)) {
  test(`YAML ${JSON.stringify(text)}`, () => {
    const { value, duplicates } = parseYaml(text.replace("e: -\n", "e: ~\n"));
    assert.ok(deepEqual(value, parseJson(json)), stringifyJson(value));
    assert.deepEqual(duplicates, []);
  });
}

for (const text of [
  "a: [1",
  "\tx: 1",
  "a: b: c",
  "a: *nope",
  "a: &a [*a]",
  "a: .inf",
  "{a: 1}: b",
  "~: 1",
  "a: {<<: 5}",
]) {
  test(`YAML ${JSON.stringify(text)} is refused`, () => assert.throws(() => parseYaml(text), SyntaxError));
}

// API V-20, N-15
test("repeated keys: the last one counts, each is reported with its line", () => {
  assert.deepEqual(parseYaml("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n"), {
    value: { a: 3, b: { c: 2 } },
    duplicates: ['line 4: key "c" already set in map', 'line 5: key "a" already set in map'],
  });
  assert.deepEqual(parseYaml('{"a":1,\n"a":2}').duplicates, ['line 2: key "a" already set in map']);
});

test("aliases may not expand without bound", () => {
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]`);
  assert.throws(() => parseYaml(`l0: &l0 ${"x".repeat(100)}\n${levels.join("\n")}`), /excessive aliasing/);
});

const manyParts: { readonly [what: string]: (count: number) => string } = {
  aliases: (count) => `a: &x 1\nb: [${"*x,".repeat(count)}]\n`,
  "merges of one map": (count) => `b: &b {x: 1}\na: {<<: [${"*b,".repeat(count)}]}\n`,
  "items of a flow list": (count) => `a: [${"1,".repeat(count)}]\n`,
  keys: (count) => Array.from({ length: count }, (_, i) => `a${i}: 1\n`).join(""),
  anchors: (count) => Array.from({ length: count }, (_, i) => `a${i}: &x${i} 1\n`).join(""),
  "repeated keys": (count) => "a: 1\n".repeat(count),
  digits: (count) => `a: 0x${"f".repeat(100 * count)}\n`,
};
for (const [what, make] of Object.entries(manyParts)) {
  test(`${what}: as many as are allowed take a moment, more are refused`, () => {
    const elapsedMs = cpuClock();
    assert.ok(parseYaml(make(12_000)).duplicates.length <= 100);
    assert.ok(elapsedMs() < 1000);
    if (what !== "digits") assert.throws(() => parseYaml(make(60_000)), /more than 50000 parts: send it as JSON/);
  });
}

test("a long text is one part for each of its lines only", () => {
  const { value } = parseYaml(`a: |\n${`  ${"x".repeat(70)}\n`.repeat(20_000)}`);
  assert.equal(JSON.stringify(value).length, 20_000 * 72 + 8);
});

const { value: maxLength } = limits.maxYamlLength;
for (const { what, open, piece, close } of [
  { what: "quotes", open: "a: '", piece: "''", close: "'" },
  { what: "escapes", open: 'a: "', piece: "\\x41", close: '"' },
  { what: "words", open: "a: ", piece: "x ", close: "x" },
  { what: "carriage returns", open: "a: 1", piece: "\r", close: "" },
  { what: "a tag", open: "a: !!", piece: "x", close: " 1" },
  { what: "a comment", open: "a: 1 #", piece: "x", close: "" },
  { what: "spaces", open: "", piece: " ", close: "a: 1" },
]) {
  test(`${what}: one text is as long as is allowed, and no longer`, () => {
    const room = maxLength - open.length - close.length;
    const document = (length: number): string => open + piece.repeat(Math.floor(length / piece.length)) + close;
    parseYaml(document(room));
    assert.throws(() => parseYaml(document(room + piece.length)), /more than 1572864 characters: send it as JSON/);
    assert.ok(parseYaml(`{"a":"${"x".repeat(maxLength)}"}`).value, "JSON is YAML of any length");
  });
}

test("what is behind the first document is not looked at, whatever stands before that", () => {
  const documents = {
    "%YAML 1.1\n# hello\n---\na: 1\n---\nb: [": '{"a":1}',
    "a: 1\n...\nb: [": '{"a":1}',
    "---\n---\na: 1": "null",
  };
  for (const [text, json] of Object.entries(documents)) assert.equal(JSON.stringify(parseYaml(text).value), json, text);
});

test("nesting without bound is refused", () => {
  assert.ok(parseYaml(Array.from({ length: 450 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")));
  assert.throws(() => parseYaml(`a: ${"[".repeat(50_000)}`), SyntaxError);
});

test("what is printed reads as Kubernetes prints it", () => {
  const value = {
    kind: "X",
    metadata: { labels: {}, finalizers: ["a/b"] },
    spec: { l: [{ a: 1, b: [2, [3]] }, "yes", []], u: "p://q", t: "a\nb", n: null },
  };
  const text = `kind: X
metadata:
  labels: {}
  finalizers:
  - a/b
spec:
  l:
  - a: 1
    b:
    - 2
    - - 3
  - "yes"
  - []
  u: p://q
  t: "a\\nb"
  "n": null
`;
  assert.equal(stringifyYaml(value), text);
  assert.deepEqual(parse(text, { version: "1.1" }), value);
});

test("numbers print as written, exponents in the form that YAML 1.1 reads as a number", () => {
  assert.equal(
    stringifyYaml(parseJson('{"a":1.10,"b":9007199254740993,"c":1e3,"d":-2.5E-7,"e":1e+21}')),
    "a: 1.10\nb: 9007199254740993\nc: 1.0e+3\nd: -2.5e-7\ne: 1.0e+21\n",
  );
});

test("deep values stay printable", () => {
  const deep = parseJson(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`);
  const text = stringifyYaml(deep);
  assert.ok(text.length < 100_000);
});

test("property: printed values read back equal, by us and by a YAML 1.1 reader", () => {
  const word = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "y",
      "No",
      "null",
      "~",
      "0777",
      "1e3",
      "1_0",
      "12:30",
      "2001-01-01",
      "a: b",
      "a #b",
      "- a",
      "<<",
      "=",
      ".inf",
      "a:",
      " a",
      "a ",
      "",
      "\u0085\u2028\ufeff",
      "x:y z",
    ),
  );
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      word,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(word, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (content) => {
      const text = stringifyYaml(content);
      assert.ok(deepEqual(parseYaml(text).value, content), text);
      assert.ok(deepEqual(parse(text, { version: "1.1", merge: false }), content), text);
    }),
  );
});

test("a list is printed as the map it ends, element by element", () => {
  const head = { kind: "List", metadata: { resourceVersion: "1" } };
  for (const items of [[], [{ a: [1, { b: {} }] }, "x", [[]]]]) {
    assert.equal([...yamlListPieces(head, "items", items)].join(""), stringifyYaml({ ...head, items }));
  }
});

test("what indentation makes long is printed in pieces", () => {
  const wide = { list: Array.from({ length: 50_000 }, (_, i) => i) };
  const nested = Array.from({ length: 90 }).reduce<JsonValue>((inner) => ({ a: inner }), wide);
  let length = 0;
  for (const piece of yamlPieces(nested)) {
    assert.ok(piece.length < 128 * 1024);
    length += piece.length;
  }
  assert.ok(length > 50_000 * 180);
});
