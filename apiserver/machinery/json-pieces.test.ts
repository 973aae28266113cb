import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DepthError, maxDepth, parseJson, stringifyJson } from "./json.ts";
import { parseJsonInSteps } from "./json-pieces.ts";
import { TooManyNumbersError } from "./json-text.ts";
import { runAtOnce } from "./turns.ts";

const inPieces = (text: string, length: number) => runAtOnce(parseJsonInSteps(text, length));

test("a text parsed in pieces of whatever length is what it is when it is parsed at once", () => {
  const space = fc.constantFrom("", " ", "\n\t");
  const laidOut = fc
    .tuple(fc.jsonValue({ maxDepth: 6 }), space, fc.integer({ min: 0, max: 3 }))
    .map(([value, around, indent]) => `${around}${JSON.stringify(value, undefined, indent)}${around}`);
  fc.assert(
    fc.property(laidOut, fc.integer({ min: 1, max: 40 }), (text, length) => {
      assert.equal(stringifyJson(inPieces(text, length)), stringifyJson(parseJson(text)));
    }),
    { numRuns: 2000 },
  );
});

test("what is no JSON is none in pieces either", () => {
  const mutated = fc
    .tuple(
      fc.jsonValue({ maxDepth: 5 }),
      fc.nat(),
      fc.constantFrom("", ",", "[", "]", "{", "}", ":", '"', "1", " ", '""'),
    )
    .map(([value, at, by]) => {
      const text = JSON.stringify(value);
      const position = at % (text.length + 1);
      return text.slice(0, position) + by + text.slice(position + (by === "" ? 1 : 0));
    });
  fc.assert(
    fc.property(mutated, fc.integer({ min: 1, max: 20 }), (text, length) => {
      const attempt = (parse: () => unknown): string => {
        try {
          return JSON.stringify(parse());
        } catch (error) {
          assert.ok(error instanceof SyntaxError);
          return "no JSON";
        }
      };
      assert.equal(
        attempt(() => inPieces(text, length)),
        attempt(() => parseJson(text)),
        text,
      );
    }),
    { numRuns: 5000 },
  );
});

for (const { text, reason } of [
  {
    text: '{"__proto__":{"a":[1,2]},"b":[1,2,3],"__proto__":{"c":1}}',
    reason: "names are data, and the last one counts",
  },
  { text: '{"a":1,"b":{"x":[1,2,3]},"a":{"y":[1,2,3]},"b":2}', reason: "a name given twice stays where it was first" },
  { text: '[1.10,{"n":12345678901234567890,"s":"x, ]}"},[1e400,-0]]', reason: "numbers stay as they are written" },
  { text: '{"a\\"b":["\\ud800,"],"\\\\":[{},[],{"":[]}]}', reason: "what is in strings has no meaning" },
]) {
  test(`in pieces as at once: ${reason}`, () => {
    for (let length = 1; length < text.length; length++) {
      assert.equal(stringifyJson(inPieces(text, length)), stringifyJson(parseJson(text)), `pieces of ${length}`);
    }
  });
}

test("depth and exact numbers are bounded as they are at once", () => {
  const nested = (depth: number): string => `${"[1,".repeat(depth)}1${"]".repeat(depth)}`;
  assert.equal(stringifyJson(inPieces(nested(maxDepth), 100)), nested(maxDepth));
  assert.throws(() => inPieces(nested(maxDepth + 1), 100), DepthError);
  assert.throws(() => inPieces(`[${Array.from({ length: 20_001 }, (_, i) => `${i}.0`)}]`, 100), TooManyNumbersError);
});

test("no step of the largest body takes a tenth of what all of it takes", () => {
  const text = `{"a":[${"0,".repeat(1_400_000)}0]}`;
  const cpu = (): number => process.cpuUsage().user;
  const steps = parseJsonInSteps(text);
  const taken: number[] = [];
  for (let isDone = false; !isDone; ) {
    const before = cpu();
    isDone = steps.next().done === true;
    taken.push(cpu() - before);
  }
  const sum = taken.reduce((a, b) => a + b);
  assert.ok(taken.length > 40, `${taken.length} steps`);
  assert.ok(Math.max(...taken) < sum / 4, `${Math.max(...taken)} of ${sum} µs`);
});
