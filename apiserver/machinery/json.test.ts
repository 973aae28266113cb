import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import type { JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import {
  clone,
  DepthError,
  decodeUtf8,
  deepEqual,
  duplicateFieldsInSteps,
  isObject,
  isRawNumber,
  maxDepth,
  member,
  numberFromText,
  parseJson,
  setMember,
  stringifyJson,
} from "./json.ts";
import { printDeep } from "./json-tree.ts";
import { runAtOnce } from "./turns.ts";

const duplicateFields = (...given: Parameters<typeof duplicateFieldsInSteps>) =>
  runAtOnce(duplicateFieldsInSteps(...given));

const keptAsWritten = [
  "9007199254740993",
  "-9223372036854775808",
  "123456789012345678901234567890",
  "1.0",
  "1.10",
  "0.0000001",
  "1e3",
  "1E+3",
  "-0",
  "0.1000000000000000055",
  "12345678.901234567890",
  "0",
  "-1",
  "1.5",
];
for (const number of keptAsWritten) {
  // API N-13
  test(`parseJson keeps the number ${number} as written`, () => {
    for (const text of [number, `[${number}]`, `{"a":{"b":${number}}}`, `[1,${number},2]`]) {
      assert.equal(stringifyJson(parseJson(text)), text);
    }
  });
}

test("parseJson makes plain numbers where nothing is lost", () => {
  assert.deepEqual(parseJson('{"a":1,"b":[1.5,-7],"c":"x:1.0"}'), { a: 1, b: [1.5, -7], c: "x:1.0" });
  const value = parseJson('{"big":9007199254740993,"small":3}');
  assert.ok(isObject(value) && isRawNumber(value.big) && value.small === 3);
});

for (const text of ["", "{", "[1,]", '{"a":01}', '{"a":NaN}', "{'a':1}", "{} {}", '{"a":1e}', '"\u0001"', '{"a":5.}']) {
  test(`parseJson refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseJson(text), SyntaxError));
}

test("parseJson: nesting up to the limit, and not beyond", () => {
  const nest = (depth: number) => `${'{"a":'.repeat(depth)}"{["${"}".repeat(depth)}`;
  assert.equal(stringifyJson(parseJson(nest(maxDepth))), nest(maxDepth));
  assert.throws(() => parseJson(nest(maxDepth + 1)), DepthError);
  assert.throws(() => parseJson("[".repeat(100_000)), DepthError);
  const exact = (depth: number) => `${"[".repeat(depth)}1.0${"]".repeat(depth)}`;
  assert.equal(stringifyJson(parseJson(exact(maxDepth))), exact(maxDepth));
  assert.throws(() => parseJson(exact(maxDepth + 1)), DepthError);
});

test("parseJson: a surrogate without its partner becomes the replacement character", () => {
  assert.deepEqual(parseJson('{"\\ud800":"a\\udc00b","c":"\\ud83d\\ude00"}'), { "\ufffd": "a\ufffdb", c: "😀" });
});

test("member names that mean something to JavaScript are data", () => {
  const value = parseJson('{"__proto__":{"x":1},"constructor":2}');
  assert.ok(isObject(value));
  assert.deepEqual(member(value, "__proto__"), { x: 1 });
  assert.equal(member(value, "toString"), undefined);
  assert.equal(stringifyJson(clone(value)), '{"__proto__":{"x":1},"constructor":2}');
  const built = {};
  setMember(built, "__proto__", 1);
  assert.equal(stringifyJson(built), '{"__proto__":1}');
});

const duplicateCases: Record<string, string[]> = {
  '{"a":1,"b":{"a":1}}': [],
  '{"a":1,"a":2,"a":3}': ["a"],
  '{"spec":{"foo":1,"x":{"y":[],"y":{}},"foo":2}}': ["spec.x.y", "spec.foo"],
  '{"spec":{"list":[{"x":1},{"x":1,"x":2}]}}': ["spec.list[1].x"],
  '{"l":[[1,{"k":1, "k" :2}]]}': ["l[0][1].k"],
  '{"a\\"b":1,"a\\u0022b":2,"c":"a\\"b"}': ['a"b'],
  '{"a":"{\\"b\\":1,\\"b\\":2}"}': [],
  '[{"x":1},{"x":1}]': [],
};
for (const [text, expected] of Object.entries(duplicateCases)) {
  // API N-15
  test(`duplicateFields: ${text}`, () => assert.deepEqual(duplicateFields(text), expected));
}

test("deepEqual compares numbers as they print", () => {
  assert.ok(deepEqual(parseJson('{"a":1.0,"b":[2]}'), parseJson('{"b":[2],"a":1.0}')));
  assert.ok(!deepEqual(parseJson("[1]"), parseJson("[1.0]")));
  assert.ok(!deepEqual(parseJson("9007199254740993"), parseJson("9007199254740992")));
  assert.ok(deepEqual({ a: undefined }, {}));
  assert.ok(!deepEqual({ a: 1 }, { a: 1, b: 2 }));
  assert.ok(!deepEqual({ toString: null }, { a: null }));
  assert.ok(!deepEqual([], {}));
});

// API N-18
test("decodeUtf8 refuses what is not UTF-8", () => {
  assert.equal(decodeUtf8(new TextEncoder().encode("é😀")), "é😀");
  for (const bytes of [
    [0xff, 0xfe],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
  ]) {
    assert.throws(() => decodeUtf8(Uint8Array.from(bytes)), SyntaxError);
  }
});

test("numberFromText gives a plain number exactly when it prints the same", () => {
  assert.equal(numberFromText("12"), 12);
  assert.equal(stringifyJson(numberFromText("9007199254740993")), "9007199254740993");
});

test("property: what is printed is parsed back equal, and a copy is equal", () => {
  const strings = fc.string({ unit: "grapheme" });
  const values = fc.jsonValue({ stringUnit: "grapheme" });
  fc.assert(
    fc.property(fc.dictionary(strings, values), (object) => {
      const value: JsonValue = JSON.parse(JSON.stringify(object));
      const text = stringifyJson(value);
      assert.ok(deepEqual(parseJson(text), value));
      assert.ok(deepEqual(clone(value), value));
      assert.deepEqual(duplicateFields(text), []);
    }),
  );
});

test("property: every number keeps its text", () => {
  const number = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,20})?([eE][-+]?\d{1,3})?$/);
  fc.assert(
    fc.property(number, (text) => assert.equal(stringifyJson(parseJson(`{"n":[${text}]}`)), `{"n":[${text}]}`)),
  );
});

test("duplicateFields takes time along the text, deep as it may be nested", () => {
  const depth = 9000;
  const text = `${'{"a":'.repeat(depth)}{${Array(100_000).fill('"b":{"c":1,"c":1}').join(",")}}${"}".repeat(depth)}`;
  const elapsedMs = cpuClock();
  assert.equal(duplicateFields(text).length, 2);
  assert.ok(elapsedMs() < 2000);
});

test("numbers that a double does not hold as written are as many as the limit says, also when they are alike", () => {
  const { value } = limits.maxExactValues;
  const list = (count: number): string => `[${"1.0,".repeat(count - 1)}1.0]`;
  assert.equal(stringifyJson(parseJson(list(value))), list(value));
  assert.throws(
    () => parseJson(list(value + 1)),
    /more than 100000 numbers that a double cannot hold as they are written/,
  );
});

test("values of any depth are printed, compared and copied, whatever they are made of", () => {
  const depth = 100_000;
  const nested = (innermost: JsonValue): JsonValue => {
    let value = innermost;
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { b: null, a: value };
    return value;
  };
  const value = nested(numberFromText("1.10"));
  const text = stringifyJson(value);
  assert.ok(text.startsWith('{"b":null,"a":[{"b":null,"a":[') && text.includes("[1.10]"));
  assert.equal(text.length, "1.10".length + (depth / 2) * '{"b":null,"a":[]}'.length);
  assert.ok(deepEqual(value, nested(numberFromText("1.10"))));
  assert.ok(!deepEqual(value, nested(numberFromText("1.1"))));
  const copy = clone(value);
  assert.ok(deepEqual(copy, value));
  assert.ok(isObject(copy) && isObject(value) && copy !== value && copy.a !== value.a);
});

test("property: what is printed without calls prints as the engine does it", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(printDeep(value), JSON.stringify(value))));
  assert.equal(printDeep({ a: undefined, b: [undefined], __proto__: null }), '{"b":[null]}');
});
