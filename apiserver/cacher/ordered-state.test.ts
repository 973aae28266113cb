import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aWidget, widgetKind } from "../../test/support/objects.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import { compareKeys } from "../storage/keys.ts";
import { OrderedState, rangeOf } from "./ordered-state.ts";

const codec = new KindCodec(widgetKind);
const item = (revision: number) => codec.stored(aWidget("x"), codec.encode(aWidget("x")), revision);
const key = fc.stringMatching(/^[ab](-b)?\/[a-c.-]{1,2}$/);

test("behaves as a sorted map, and snapshots never change", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key, put: fc.boolean(), look: fc.boolean() })), (steps) => {
      const state = new OrderedState();
      const model = new Map<string, ReturnType<typeof item>>();
      const looks: { seen: readonly unknown[]; copy: readonly unknown[] }[] = [];
      for (const [revision, step] of steps.entries()) {
        const made = item(revision + 1);
        assert.equal(step.put ? state.put(step.key, made) : state.delete(step.key), model.get(step.key));
        if (step.put) model.set(step.key, made);
        else model.delete(step.key);
        if (step.look) looks.push({ seen: state.snapshot(), copy: [...state.snapshot()] });
      }
      const sorted = [...model]
        .sort(([a], [b]) => compareKeys(a, b))
        .map(([name, value]) => ({ key: name, item: value }));
      assert.deepEqual(state.snapshot(), sorted);
      assert.equal(state.size, model.size);
      for (const { seen, copy } of looks) assert.deepEqual(seen, copy);
      for (const prefix of ["", "a/", "a-b/", "b/", "zz/"]) {
        const { start, end } = rangeOf(state.snapshot(), prefix);
        assert.deepEqual(
          state.snapshot().slice(start, end),
          sorted.filter((entry) => entry.key.startsWith(prefix)),
        );
      }
    }),
  );
});
