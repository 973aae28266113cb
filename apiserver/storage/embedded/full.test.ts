import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { encode, rejectsWith } from "../../../test/conformance/storage-case.ts";
import { eventually } from "../../../test/support/processes.ts";
import { isStorageError } from "../errors.ts";
import type { Revision, StorageBackend } from "../interface.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-full-"));
after(() => rmSync(root, { recursive: true }));

const large = new Uint8Array(100_000);
const maxBytes = 4 * 1024 * 1024;

/** Writes until there is no room; what was acknowledged. */
async function fill(store: StorageBackend): Promise<Map<string, Revision>> {
  const written = new Map<string, Revision>();
  for (let i = 0; ; i++) {
    try {
      written.set(`/p/${i}`, await store.create(`/p/${i}`, large));
    } catch (error) {
      assert.ok(isStorageError(error, "Full"), String(error));
      return written;
    }
  }
}

test("embedded: a full store says so, loses nothing, takes deletes, and by itself writes again once there is room", async () => {
  await using store = await openEmbedded({ directory: join(root, "full"), maxBytes });
  const written = await fill(store);
  assert.ok(written.size > 20, `${written.size} were written`);
  await rejectsWith(store.create("/p/one-more", large), "Full");
  await rejectsWith(store.pingWrite(), "Full");
  await store.ping();
  const { items } = await store.range({ prefix: "/p/" });
  assert.deepEqual(new Map(items.map(({ key, revision }) => [key, revision])), written);

  const [[first, revision] = assert.fail(), ...others] = written;
  const finalized = await store.update(first, encode("smaller than before"), revision);
  await store.delete(first, finalized);
  for (const [key, expected] of others) await store.delete(key, expected);
  await eventually(async () => store.pingWrite());
  await store.create("/p/again", large);
  assert.equal((await store.range({ prefix: "/p/" })).count, 1);
});

test("embedded: on a full disk one large write takes no small one of the same moment along", async () => {
  await using store = await openEmbedded({ directory: join(root, "together"), maxBytes });
  const written = await fill(store);
  const [one = assert.fail(), two = assert.fail()] = written;
  const outcomes = await Promise.allSettled([
    store.create("/p/large", large),
    store.delete(...one),
    store.create("/p/small", encode("x")),
    store.delete(...two),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["rejected", "fulfilled", "rejected", "fulfilled"],
  );
});
