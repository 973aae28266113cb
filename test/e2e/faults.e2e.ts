/**
 * Short fault runs (test/faults; `npm run faults` does the long ones): of what was acknowledged nothing is lost, and whoever
 * watches sees everything once, in order, without beginning anew.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, scenarios } from "../faults/scenarios.ts";

const seed = Number(process.env.FUNCTIONMESH_FAULTS_SEED ?? "1");

for (const [name, { short }] of Object.entries(scenarios)) {
  test(`faults: ${name}, seed ${seed}`, { timeout: 300_000 }, async (t) => {
    const figures = await short(seed);
    t.diagnostic(JSON.stringify(figures));
    assert.deepEqual(judge(figures), []);
  });
}
