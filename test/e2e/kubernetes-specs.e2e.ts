/** Kubernetes' own specs against a laptop's server: all that a host without nodes, Deployments and CRDs can pass passes. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { passing, reasonOf, reasons } from "./kubernetes-specs/list.ts";
import { everySpec, runSpecs } from "./kubernetes-specs/specs.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let server: Standalone;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-specs-"));
  server = await startStandalone(join(directory, "data"));
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

test("every spec of Kubernetes is asked for, or left out with a reason", async (t) => {
  const specs = await everySpec();
  const known = new Set(specs.map(({ name }) => name));
  const listed = new Set(passing);
  assert.deepEqual(
    passing.filter((name) => !known.has(name)),
    [],
    "listed, but none of the suite's",
  );
  assert.equal(listed.size, passing.length, "listed once");
  const leftOut = specs.filter(({ name }) => !listed.has(name));
  assert.deepEqual(
    leftOut.filter((spec) => reasonOf(spec) === undefined).map(({ name, file }) => `${file}: ${name}`),
    [],
    "neither listed nor left out",
  );
  t.diagnostic(`${passing.length} of ${specs.length} specs are asked for`);
  for (const [reason, text] of Object.entries(reasons)) {
    const count = leftOut.filter((spec) => reasonOf(spec) === reason).length;
    assert.ok(count > 0, `nothing is left out for ${reason}`);
    t.diagnostic(`left out: ${count} for ${text}`);
  }
});

/** Of the suite, beside each other: they wait more than they work. */
const processes = 6;

test("every listed spec passes", async (t) => {
  const shares = Array.from({ length: processes }, (_, share) =>
    passing.filter((_name, index) => index % processes === share),
  );
  const runs = await Promise.all(shares.map((names) => runSpecs(names, server)));
  const states = new Map(runs.flat().map((spec) => [spec.name, spec]));
  const failed = passing.flatMap((name) => {
    const { state, message } = states.get(name) ?? { state: "not run", message: "" };
    return state === "passed" ? [] : [`${state}: ${name}\n${message}`];
  });
  const slowest = [...states.values()].sort((a, b) => b.seconds - a.seconds).slice(0, 5);
  for (const { name, seconds } of slowest) t.diagnostic(`${seconds.toFixed(1)} s: ${name}`);
  assert.deepEqual(failed, []);
});
