/** What many objects cost in the cache: each the memory of its bytes, and each the same in an answer, however many there are. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { functionsEndpoint, ManyFunctions, manyNamespace } from "../../../test/support/many-functions.ts";
import { aContext, listOptions } from "../../../test/support/widgets.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heldBytes(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function cached(t: TestContext, count: number) {
  const ending = new AbortController();
  t.after(() => ending.abort());
  const backend = await ManyFunctions.of(count);
  const before = heldBytes();
  const { storage } = functionsEndpoint(backend, ending.signal);
  const list = async (limit = 0) =>
    (await storage.list?.(aContext({ namespace: manyNamespace }), listOptions({ limit })))?.items ?? [];
  while ((await list().catch(() => [])).length < count);
  return { list, bytes: heldBytes() - before, jsonBytes: backend.value(0).length };
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
