import assert from "node:assert/strict";
import { test } from "node:test";
import { ReaderIndex } from "./reader-index.ts";

const reader = (scope: string) => ({ scope });

test("ReaderIndex: a key concerns readers of everything, of its folder and of itself, each once", () => {
  const index = new ReaderIndex<{ scope: string }>();
  const [all, demo, item, prefix, other, root] = ["", "demo/", "demo/a", "demo/ab", "other/", "a"].map(reader);
  for (const each of [all, demo, item, prefix, other, root]) if (each !== undefined) index.add(each);
  assert.deepEqual([...index.concerning("demo/a")], [all, demo, item]);
  assert.deepEqual([...index.concerning("demo/b")], [all, demo]);
  assert.deepEqual([...index.concerning("a")], [all, root]);
  assert.equal(index.size, 6);
  assert.deepEqual([...index], [all, demo, item, prefix, other, root]);
});

test("ReaderIndex: who is gone is not told, and leaves nothing behind", () => {
  const index = new ReaderIndex<{ scope: string }>();
  const [one, two] = [reader("demo/"), reader("demo/")];
  index.add(one);
  index.add(two);
  index.delete(one);
  index.delete(one);
  assert.deepEqual(
    [[...index.concerning("demo/a")], index.size, index.has(one), index.has(two)],
    [[two], 1, false, true],
  );
  index.delete(two);
  assert.deepEqual([...index], []);
});
