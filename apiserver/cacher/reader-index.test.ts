import assert from "node:assert/strict";
import { test } from "node:test";
import type { Indexing } from "./encoder.ts";
import type { Lookup } from "./item-indexes.ts";
import { ReaderIndex } from "./reader-index.ts";

const labels: Indexing<Text> = { namesOf: Object.keys, valueOf: (item, name) => item[name] };

type Text = { readonly [label: string]: string };
const reader = (scope: string, lookup?: Lookup): { scope: string; lookup?: Lookup } =>
  lookup === undefined ? { scope } : { scope, lookup };

test("ReaderIndex: a key concerns readers of everything, of its folder and of itself, each once", () => {
  const index = new ReaderIndex<Text, { scope: string; lookup?: Lookup }>(labels);
  const [all, demo, item, prefix, other, root] = ["", "demo/", "demo/a", "demo/ab", "other/", "a"].map((scope) =>
    reader(scope),
  );
  for (const each of [all, demo, item, prefix, other, root]) if (each !== undefined) index.add(each);
  assert.deepEqual([...index.concerning({ key: "demo/a" })], [all, demo, item]);
  assert.deepEqual([...index.concerning({ key: "demo/b" })], [all, demo]);
  assert.deepEqual([...index.concerning({ key: "a" })], [all, root]);
  assert.equal(index.size, 6);
  assert.deepEqual([...index], [all, demo, item, prefix, other, root]);
});

test("ReaderIndex: who is gone is not told, and leaves nothing behind", () => {
  const index = new ReaderIndex<Text, { scope: string; lookup?: Lookup }>(labels);
  const [one, two] = [reader("demo/"), reader("demo/")];
  index.add(one);
  index.add(two);
  index.delete(one);
  index.delete(one);
  assert.deepEqual(
    [[...index.concerning({ key: "demo/a" })], index.size, index.has(one), index.has(two)],
    [[two], 1, false, true],
  );
  index.delete(two);
  assert.deepEqual([...index], []);
});

test("ReaderIndex: who looks for a value is told of what has it or had it, and of nothing else", () => {
  const index = new ReaderIndex<Text, { scope: string; lookup?: Lookup }>(labels);
  const red = reader("", { index: "color", values: ["red"] });
  const warm = reader("demo/", { index: "color", values: ["red", "orange"] });
  const large = reader("demo/", { index: "size", values: ["large"] });
  for (const each of [red, warm, large]) index.add(each);
  const told = (key: string, item?: Text, previous?: Text) => new Set(index.concerning({ key, item, previous }));
  assert.deepEqual(told("demo/a", { color: "red" }), new Set([red, warm]));
  assert.deepEqual(told("other/a", { color: "red", size: "large" }), new Set([red]));
  assert.deepEqual(told("demo/a", { color: "blue" }, { color: "orange" }), new Set([warm]));
  assert.deepEqual(told("demo/a", undefined, { size: "large" }), new Set([large]));
  assert.deepEqual(told("demo/a", {}, { color: "" }), new Set());
  for (const each of [red, warm, large]) index.delete(each);
  assert.deepEqual([told("demo/a", { color: "red", size: "large" }).size, index.size], [0, 0]);
});
