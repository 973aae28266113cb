/**
 * No row of the design's table of speed costs twice what it did: its CPU per operation, as a multiple of what a server that
 * sends the same bytes from memory needs in this very run, is held to the committed multiple (`test/bench/gate.json`).
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, type TestContext, test } from "node:test";
import { coldStartName, type Gate, gated, openGate, type Ratios, ratiosFile } from "../bench/gate.ts";
import { slowedBy } from "../bench/slowed.ts";

const committed: Ratios = JSON.parse(await readFile(ratiosFile, "utf8"));
/** A row that fails is measured again, as what others do on the machine may cost it a round; the lowest of all counts. */
const attempts = 5;

let gate: Gate;
before(async () => {
  gate = await openGate();
});
after(async () => {
  await gate?.[Symbol.asyncDispose]();
});

async function hold(t: TestContext, was: number | undefined, ratio: () => Promise<number>): Promise<void> {
  assert.ok(was !== undefined, "no committed figure: node test/bench/gate.ts");
  let is = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts && is > 2 * was; attempt++) is = await ratio();
  t.diagnostic(`${is.toFixed(1)} times bare, where ${was} are committed`);
  assert.ok(is <= 2 * was, `${is.toFixed(1)} times what the bare server needs; ${was} are committed`);
}

for (const row of gated.SQLite)
  test(`${row.name}, SQLite`, (t) => hold(t, committed.SQLite[row.name], () => gate.ratio("SQLite", row)));
for (const row of gated.etcd)
  test(`${row.name}, etcd`, (t) => hold(t, committed.etcd[row.name], () => gate.ratio("etcd", row)));
test(coldStartName, (t) => hold(t, committed.SQLite[coldStartName], () => gate.coldStartRatio()));

test("a server that is slowed beyond what is committed, twice, does not pass", async (t) => {
  const row = gated.SQLite.find(({ name }) => name === "GET, 8 in flight");
  assert.ok(row !== undefined);
  const was = committed.SQLite[row.name] ?? Number.NaN;
  for (let attempt = 0; attempt < attempts; attempt++) await gate.ratio("SQLite", row);
  // On top of what a GET costs, at least what it may cost in all.
  await using slow = await openGate(slowedBy(2 * was * (gate.bareMs(row) ?? Number.NaN)));
  await assert.rejects(
    hold(t, was, () => slow.ratio("SQLite", row)),
    /times what the bare server needs/,
  );
});

test("every figure that is committed is held", () => {
  const names = {
    SQLite: [coldStartName, ...gated.SQLite.map(({ name }) => name)],
    etcd: gated.etcd.map(({ name }) => name),
  };
  assert.deepEqual(Object.keys(committed.SQLite).sort(), names.SQLite.sort());
  assert.deepEqual(Object.keys(committed.etcd).sort(), names.etcd.sort());
});
