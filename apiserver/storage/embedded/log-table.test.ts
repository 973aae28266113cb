import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { after } from "node:test";
import fc from "fast-check";
import { isStorageError } from "../errors.ts";
import { LogTable } from "./log-table.ts";
import type { Write } from "./messages.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-log-"));
after(() => rmSync(root, { recursive: true }));

type Step =
  | { readonly do: "put" | "delete"; readonly key: string }
  | { readonly do: "compact"; readonly back: number }
  | { readonly do: "reopen" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("put" as const), key: fc.constantFrom("/a", "/b", "/b/c", "/d") }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("delete" as const), key: fc.constantFrom("/a", "/b", "/d") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const), back: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

const everything = { start: "", end: undefined };

/** The write that makes the step come true, given what is there. */
function writeOf(kind: "put" | "delete", key: string, expected: number | undefined): Write {
  const place = { start: 0, end: 1 };
  if (kind === "delete") return { type: "delete", key, expected: expected ?? 1 };
  return expected === undefined ? { type: "create", key, ...place } : { type: "update", key, expected, ...place };
}

/** The state in pages of `limit`, as a reader with so little room would see it. */
function stateAt(table: LogTable, revision: number, limit?: number): Map<string, number> {
  const state = new Map<string, number>();
  for (let start: string | undefined = ""; start !== undefined; ) {
    const page = table.page({ start, end: undefined }, limit, revision);
    for (const item of page.items) state.set(item.key, item.revision);
    start = page.next;
  }
  return state;
}

function refusesOlderThan(table: LogTable, revision: number): void {
  assert.throws(
    () => table.page(everything, undefined, revision - 1),
    (error) => isStorageError(error, "Compacted"),
  );
}

test("log: every state and all history since the compaction are what they were, whatever happened", () => {
  let runs = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const file = join(root, `${++runs}.db`);
      let table = new LogTable(file);
      const states = new Map<number, ReadonlyMap<string, number>>([[table.revision, new Map()]]);
      try {
        for (const action of steps) {
          if (action.do === "reopen") {
            const { identity, revision, compacted } = table;
            table.close();
            table = new LogTable(file);
            assert.deepEqual([table.identity, table.revision, table.compacted], [identity, revision, compacted]);
          } else if (action.do === "compact") {
            const target = Math.max(table.compacted, table.revision - action.back);
            assert.equal(table.compactStep(target), target);
          } else {
            const state = states.get(table.revision) ?? assert.fail();
            const write = writeOf(action.do, action.key, state.get(action.key));
            const [[outcome] = []] = table.write([{ writes: [write], values: new ArrayBuffer(1) }]);
            assert.ok(outcome);
            if ("failure" in outcome) {
              assert.deepEqual([outcome.failure, action.do], ["KeyNotFound", "delete"]);
              continue;
            }
            const next = new Map(state);
            if (action.do === "delete") next.delete(action.key);
            else next.set(action.key, outcome.revision);
            states.set(outcome.revision, next);
          }
        }
        for (let revision = table.compacted; revision <= table.revision; revision++) {
          const state = states.get(revision) ?? assert.fail();
          assert.deepEqual(stateAt(table, revision), state);
          assert.deepEqual(stateAt(table, revision, 1), state);
          assert.equal(table.count(everything, revision), state.size);
          const after = [...state.keys()].filter((key) => key >= "/b");
          assert.equal(table.count({ start: "/b", end: undefined }, revision), after.length);
        }
        const { entries: told, to } = table.history({
          range: everything,
          after: table.compacted,
          to: table.revision,
          previous: true,
        });
        assert.equal(to, table.revision);
        assert.deepEqual(
          told.map((entry) => entry.revision),
          Array.from({ length: table.revision - table.compacted }, (_, i) => table.compacted + 1 + i),
        );
        for (const { key, revision, previous } of told) {
          assert.equal(previous?.revision, states.get(revision - 1)?.get(key), "the value before is the one before");
        }
        refusesOlderThan(table, table.compacted);
      } finally {
        table.close();
        rmSync(file);
      }
    }),
    { numRuns: 60 },
  );
});

test("log: a failed condition in a group fails alone", () => {
  const table = new LogTable(join(root, "group.db"));
  const place = { start: 0, end: 1 };
  const outcomes = table.write([
    {
      values: new ArrayBuffer(1),
      writes: [
        { type: "create", key: "/a", ...place },
        { type: "create", key: "/a", ...place },
        { type: "delete", key: "/none", expected: 1 },
      ],
    },
    { values: new ArrayBuffer(1), writes: [{ type: "create", key: "/b", ...place }] },
  ]);
  assert.deepEqual(outcomes, [
    [{ revision: 2 }, { failure: "KeyExists", revision: 2 }, { failure: "KeyNotFound" }],
    [{ revision: 3 }],
  ]);
  table.close();
});

test("a key whose row is gone is damage to whoever reads it, and never an absence or an empty value", () => {
  const file = join(root, "lost.db");
  const table = new LogTable(file);
  const values = new ArrayBuffer(1);
  table.write([{ writes: ["/a", "/b"].map((key) => writeOf("put", key, undefined)), values }]);
  table.close();
  const database = new DatabaseSync(file);
  database.exec("DELETE FROM log WHERE key = '/a'");
  database.close();
  const reopened = new LogTable(file);
  for (const read of [() => reopened.get("/a"), () => reopened.page(everything, undefined, undefined)])
    assert.throws(read, /the store is damaged: it has lost what is current of \/a/);
  assert.equal(reopened.get("/b")?.key, "/b");
  reopened.close();
});
