import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { encode } from "../../../test/conformance/storage-case.ts";
import type { Revision, StorageBackend } from "../interface.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-lanes-"));
after(() => rmSync(root, { recursive: true }));

const readers = 250;

/** Keys that exist since then, then many that came and went, so that the past is far from the present. */
async function withHistory(store: StorageBackend): Promise<Revision> {
  const keys = Array.from({ length: 2000 }, (_, i) => `/p/${String(i).padStart(4, "0")}`);
  await Promise.all(keys.slice(1000).map((key) => store.create(key, encode(key))));
  const past = await store.currentRevision();
  await Promise.all(keys.slice(0, 1000).map((key) => store.create(key, encode(key))));
  const { items } = await store.range({ prefix: "/p/" });
  await Promise.all(items.map(({ key, revision }) => store.update(key, encode("later"), revision)));
  return past;
}

test("embedded: a crowd of readers of old states keeps no writer, no single read and no health check waiting", async () => {
  await using store = await openEmbedded({ directory: join(root, "crowd") });
  const past = await withHistory(store);
  let answered = 0;
  const crowd = Array.from({ length: readers }, async (_, i) => {
    const { items, count } = await store.range({ prefix: "/p/", limit: 1, revision: past - (i % 100) });
    answered++;
    assert.deepEqual([items.length, count], [1, 1000 - (i % 100)]);
  });
  const answeredBefore = async (work: Promise<unknown>): Promise<number> => {
    await work;
    return answered;
  };
  const before = await Promise.all([
    answeredBefore(store.ping()),
    answeredBefore(store.create("/p/own", encode("x"))),
    answeredBefore(store.get("/p/0001")),
  ]);
  for (const others of before) assert.ok(others < readers / 10, `${others} readers of old states went before`);
  await Promise.all(crowd);
});

test("embedded: a list of everything lets writers in between its pages, and is one state all the same", async () => {
  await using store = await openEmbedded({ directory: join(root, "between") });
  await withHistory(store);
  let listed = false;
  const list = store.range({ prefix: "/p/" }).finally(() => {
    listed = true;
  });
  const revision = await store.create("/p/00000", encode("late"));
  assert.equal(listed, false);
  const result = await list;
  const isIn = result.items.some(({ key }) => key === "/p/00000");
  assert.deepEqual([result.items.length, result.count, isIn], isIn ? [2001, 2001, true] : [2000, 2000, false]);
  assert.equal(result.revision >= revision, isIn);
});
