import assert from "node:assert/strict";
import test from "node:test";
import { type Answered, type Asked, type Operation, violation } from "./linearizability.ts";

const key = "/p/a";
const operation = (calledAt: number, answeredAt: number, asked: Asked, answered: Answered): Operation => ({
  key,
  asked,
  answered,
  calledAt,
  answeredAt,
});
const create = (value: string): Asked => ({ do: "create", value });
const update = (value: string, expected: number): Asked => ({ do: "update", value, expected });
const get: Asked = { do: "get" };
const found = (value: string, revision: number): Answered => ({ found: { value, revision } });
const never = Number.POSITIVE_INFINITY;

const cases: Record<string, { readonly why: RegExp | undefined; readonly history: readonly Operation[] }> = {
  "a read during a write may see it or not": {
    why: undefined,
    history: [
      operation(1, 6, create("x"), { written: 2 }),
      operation(2, 3, get, { found: undefined }),
      operation(4, 5, get, found("x", 2)),
    ],
  },
  "a read after an acknowledged write that does not see it": {
    why: /no order explains/,
    history: [operation(1, 2, create("x"), { written: 2 }), operation(3, 4, get, { found: undefined })],
  },
  "a value that is gone again for a later reader": {
    why: /no order explains/,
    history: [
      operation(1, 2, create("x"), { written: 2 }),
      operation(3, 8, update("y", 2), { written: 3 }),
      operation(4, 5, get, found("y", 3)),
      operation(6, 7, get, found("x", 2)),
    ],
  },
  "two writers of one revision that both succeed": {
    why: /no order explains/,
    history: [
      operation(1, 2, create("x"), { written: 2 }),
      operation(3, 5, update("y", 2), { written: 3 }),
      operation(4, 6, update("z", 2), { written: 4 }),
    ],
  },
  "a refusal without a reason": {
    why: /no order explains/,
    history: [operation(1, 2, create("x"), { written: 2 }), operation(3, 4, update("y", 2), { refused: "Conflict" })],
  },
  "a write whose answer was lost, seen later": {
    why: undefined,
    history: [
      operation(1, never, create("x"), { unknown: true }),
      operation(2, 3, get, { found: undefined }),
      operation(4, 5, get, found("x", 9)),
      operation(6, 7, update("y", 9), { written: 10 }),
    ],
  },
  "a write whose answer was lost, and which never was": {
    why: undefined,
    history: [
      operation(1, never, create("x"), { unknown: true }),
      operation(2, 3, create("y"), { written: 2 }),
      operation(4, 5, get, found("y", 2)),
    ],
  },
  "a write whose answer was lost, seen and then not": {
    why: /no order explains/,
    history: [
      operation(1, never, create("x"), { unknown: true }),
      operation(2, 3, get, found("x", 2)),
      operation(4, 5, get, { found: undefined }),
    ],
  },
  "revisions that go back": {
    why: /a write has revision 2, and one before it had 3/,
    history: [
      operation(1, 2, create("x"), { written: 3 }),
      { ...operation(3, 4, create("y"), { written: 2 }), key: "/p/b" },
    ],
  },
};

for (const [name, { why, history }] of Object.entries(cases)) {
  test(`linearizability: ${name} is ${why === undefined ? "right" : "found"}`, () => {
    const found = violation(history);
    if (why === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", why);
  });
}
