import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQuery } from "./query.ts";

const queries: readonly (readonly [query: string, pairs: readonly (readonly [string, string])[]])[] = [
  ["", []],
  [
    "a=1&b=%20c",
    [
      ["a", "1"],
      ["b", " c"],
    ],
  ],
  ["limit=5&labelSelector=%zz", [["limit", "5"]]],
  ["limit=5&x=100%", [["limit", "5"]]],
  ["watch=1;limit=5&limit=7", [["limit", "7"]]],
  ["a%3Bb=1", [["a;b", "1"]]],
  ["%=1&%a=2&a%2=3", []],
];
for (const [query, pairs] of queries) {
  test(`pairs that Go's net/url drops are dropped, the others count: ${query}`, () => {
    assert.deepEqual([...parseQuery(query)], pairs);
  });
}
