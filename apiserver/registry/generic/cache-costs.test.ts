/** What many objects cost in the cache: each the memory of its bytes, and each the same in an answer, however many there are. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { functionsEndpoint, ManyFunctions, manyNamespace } from "../../../test/support/many-functions.ts";
import { aContext, listOptions } from "../../../test/support/widgets.ts";
import { parseLabelSelector } from "../../machinery/selectors.ts";
import type { ListOptions } from "../rest/interface.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heldBytes(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

type Cached = Awaited<ReturnType<typeof cached>>;

async function cached(t: TestContext, count: number) {
  const ending = new AbortController();
  t.after(() => ending.abort());
  const backend = await ManyFunctions.of(count);
  const before = heldBytes();
  const { storage } = functionsEndpoint(backend, ending.signal);
  const context = aContext({ namespace: manyNamespace });
  const select = async (options: ListOptions) => (await storage.list?.(context, options))?.items ?? [];
  const list = (limit = 0) => select(listOptions({ limit }));
  const pages = async (limit: number): Promise<void> => {
    let next: string | undefined = "";
    while (next !== undefined)
      next = (await storage.list?.(context, listOptions({ limit, continue: next })))?.metadata.continue;
  };
  while ((await list().catch(() => [])).length < count);
  return { list, pages, select, bytes: heldBytes() - before, jsonBytes: backend.value(0).length };
}

test("a cached object takes its bytes and little more: it is decoded for those who ask", async (t) => {
  const few = await cached(t, 1000);
  const { list, bytes, jsonBytes } = await cached(t, 5000);
  const bytesPerObject = (bytes - few.bytes) / 4000;
  t.diagnostic(`${Math.round(bytesPerObject)} bytes per object of ${jsonBytes}`);
  assert.ok(bytesPerObject < jsonBytes + 900, `${bytesPerObject} bytes for ${jsonBytes}`);
  const [first] = await list(1);
  const { object } = first ?? assert.fail();
  assert.equal(first?.object, object, "shared while somebody holds it");
  assert.deepEqual(object, JSON.parse(String(first?.json)));
});

/** In µs, of all threads. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** The lowest of some rounds. */
async function cost(work: () => Promise<unknown>): Promise<number> {
  let lowest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round++) lowest = Math.min(lowest, await cpuOf(work));
  return lowest;
}

test("a list costs the same per object returned, however many there are: whole, in pages, by label", async (t) => {
  const few = await cached(t, 2000);
  const many = await cached(t, 20_000);
  const label = listOptions({ labels: parseLabelSelector("shard=7") });
  for (const [what, work] of [
    ["whole", (of: Cached) => of.list()],
    ["pages", (of: Cached) => of.pages(200)],
    ["label", (of: Cached) => repeated(100, () => of.select(label))],
  ] as const) {
    const [small, large] = [await cost(() => work(few)), await cost(() => work(many))];
    t.diagnostic(`${what}: ${small / 2000} and ${large / 20_000} µs per object`);
    assert.ok(large <= 2 * 10 * small, `${what}: ${large} µs of ten times as many, ${small}`);
  }
  assert.equal((await many.select(label)).length, 200);
});

const repeated = async (times: number, work: () => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < times; i++) await work();
};

test("a write costs the same CPU beside 5,000 watchers of other namespaces, names and labels", (t) => {
  const program = new URL("../../../test/bench/watchers-cost.ts", import.meta.url).pathname;
  let ratio = Number.POSITIVE_INFINITY;
  // Whatever else the machine does only adds to one or the other.
  for (let attempt = 0; attempt < 4 && ratio > 1.2; attempt++) {
    const { alone, beside } = JSON.parse(execFileSync(process.execPath, [program], { encoding: "utf8" }));
    t.diagnostic(`a write takes ${alone} µs of CPU alone, ${beside} beside 5,000 watchers`);
    ratio = Math.min(ratio, beside / alone);
  }
  assert.ok(ratio <= 1.2, `${ratio} times as much`);
});
