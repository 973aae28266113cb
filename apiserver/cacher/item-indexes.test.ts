import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../limits.ts";
import type { Indexing } from "./encoder.ts";
import { ItemIndexes, type Lookup } from "./item-indexes.ts";
import { OrderedState, rangeOf } from "./ordered-state.ts";

type Labels = { readonly [name: string]: string };

class CountedLabels implements Indexing<Labels> {
  looked = 0;

  namesOf(item: Labels): readonly string[] {
    return Object.keys(item);
  }

  valueOf(item: Labels, name: string): string | undefined {
    this.looked++;
    return item[name];
  }
}

const hasAll = (item: Labels, lookups: readonly Lookup[]): boolean =>
  lookups.every(({ index, values }) => values.includes(item[index] ?? ""));

const label = fc.constantFrom("a", "b", "c");
const labels = fc.dictionary(fc.constantFrom("app", "tier"), label);
const step = fc.record({ key: fc.tuple(fc.constantFrom("x", "y", "é"), fc.nat(120)), item: fc.option(labels) });
const lookup = fc.record({ index: fc.constantFrom("app", "tier"), values: fc.array(label, { minLength: 1 }) });

test("ItemIndexes: what an index finds is what looking at each item finds, in order, whatever changed since it was made", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(step, fc.array(lookup, { maxLength: 2 })), { maxLength: 300 }),
      fc.constantFrom("", "x/"),
      (steps, scope) => {
        const state = new OrderedState<Labels>([], new ItemIndexes(new CountedLabels(), () => 0));
        for (const [{ key, item }, lookups] of steps) {
          if (item === null) state.delete(key.join("/"));
          else state.put(key.join("/"), item);
          const found = state.select({ scope, lookups });
          const within = (entries: typeof found) => {
            const { start, end } = rangeOf(entries, scope);
            return entries.slice(start, end).filter(({ item }) => hasAll(item, lookups));
          };
          assert.deepEqual(within(found), within(state.snapshot()));
        }
      },
    ),
    { numRuns: 50 },
  );
});

/** Of `count` items in two folders, a hundredth has each value of `shard`, and all are of one `app`. */
function shards(count: number, clock = { now: 0 }) {
  const indexing = new CountedLabels();
  const indexes = new ItemIndexes(indexing, () => clock.now);
  const entries = Array.from({ length: count }, (_, i) => ({
    key: `${i * 4 < count * 3 ? "many" : "some"}/${String(i).padStart(6, "0")}`,
    item: { app: "one", shard: String(i % 100), own: String(i) },
  }));
  const state = new OrderedState<Labels>(entries, indexes);
  const select = (scope: string, ...lookups: readonly (readonly [index: string, value: string])[]) =>
    state.select({ scope, lookups: lookups.map(([index, value]) => ({ index, values: [value] })) });
  return { indexing, indexes, state, select, clock };
}

test("ItemIndexes: a list by label looks at all items once, and then only at those that have it", () => {
  const { indexing, select, state } = shards(5000);
  assert.equal(select("", ["shard", "7"]).length, 50);
  assert.equal(indexing.looked, 5000);
  assert.equal(select("", ["app", "one"], ["shard", "8"]).length, 50, "the one that finds fewest");
  indexing.looked = 0;
  assert.equal(select("many/", ["shard", "9"]).length, 50);
  state.put("many/000009", { app: "one", shard: "8" });
  assert.deepEqual([select("", ["shard", "9"]).length, select("", ["shard", "8"]).length], [49, 51]);
  assert.ok(indexing.looked <= 4, "a write looks at what was there and at what is there now");
});

test("ItemIndexes: what most items have in common, and a part of the key space that is small, are looked through", () => {
  const { indexing, indexes, select, state } = shards(2000);
  assert.equal(select("", ["app", "one"]), state.snapshot());
  const { entries } = indexes;
  assert.equal(select("some/", ["shard", "1"]), state.snapshot(), "no index is made for a quarter of the items");
  assert.deepEqual([indexes.entries, indexing.looked], [entries, 2000]);
});

test("ItemIndexes: there are never more than a few, and one that is not used goes", () => {
  const { indexes, select, state, clock } = shards(500);
  for (let i = 0; i < 100; i++) select("", [`of-nobody-${i}`, "x"]);
  assert.equal(indexes.entries, 0);
  select("", ["own", "3"]);
  assert.equal(indexes.entries, 500);
  for (let i = 0; i < limits.maxCacheIndexes.value; i++) select("", [`of-nobody-${i}`, "x"]);
  assert.equal(indexes.entries, 0);
  select("", ["own", "3"]);
  clock.now = 60 * 60_000;
  state.tidy();
  assert.equal(indexes.entries, 0);
});
