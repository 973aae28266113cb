import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import type { StorageEvent } from "../interface.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-order-"));
after(() => rmSync(root, { recursive: true }));

const value = new TextEncoder().encode("value");

test("embedded: whoever follows a watch knows a write before its writer does", async () => {
  await using store = await openEmbedded({ directory: join(root, "order") });
  const seen = new Set<number>();
  await using watch = store.watch({
    prefix: "/p/",
    after: await store.currentRevision(),
  });
  async function* filtered(): AsyncGenerator<StorageEvent> {
    for await (const item of watch) yield* item.events;
  }
  const follow = async () => {
    for await (const event of filtered()) seen.add(event.revision);
  };
  const following = follow();
  const write = async (_: unknown, writer: number) => {
    for (let i = 0; i < 20; i++) assert.ok(seen.has(await store.create(`/p/${writer}-${i}`, value)));
  };
  await Promise.all(Array.from({ length: 5 }, write));
  await watch[Symbol.asyncDispose]();
  await following;
});

test("embedded: bytes handed out are the writer's own, not copies", async () => {
  await using store = await openEmbedded({ directory: join(root, "bytes") });
  await using watch = store.watch({
    prefix: "/p/",
    after: await store.currentRevision(),
  });
  const next = watch[Symbol.asyncIterator]().next();
  await store.create("/p/a", value);
  const { value: item } = await next;
  const event: StorageEvent | undefined = item?.events[0];
  assert.ok(event?.type === "put");
  assert.equal(event.value, value);
});

test("embedded: history goes one interval after it was made", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  await using store = await openEmbedded({
    directory: join(root, "compaction"),
    compactEveryMs: 300_000,
  });
  const created = await store.create("/p/a", value);
  const updated = await store.update("/p/a", value, created);
  const before = await store.compactedRevision();
  // A range waits behind the steps of a compaction, which a ping does not.
  const turn = () => store.range({ prefix: "/p/" });
  t.mock.timers.tick(300_000);
  await turn();
  assert.equal(await store.compactedRevision(), before, "what was current at the start is the first to go");
  await store.update("/p/a", value, updated);
  t.mock.timers.tick(300_000);
  await turn();
  assert.equal(await store.compactedRevision(), updated);
});

test("embedded: compaction in steps ends at the revision asked for, and keeps what is there", async () => {
  await using store = await openEmbedded({ directory: join(root, "steps") });
  await Promise.all(Array.from({ length: 2500 }, (_, i) => store.create(`/p/${i}`, value)));
  const { items } = await store.range({ prefix: "/p/" });
  await Promise.all(items.slice(0, 1200).map((item) => store.delete(item.key, item.revision)));
  const current = await store.currentRevision();
  await store.compact(current);
  assert.equal(await store.compactedRevision(), current);
  assert.deepEqual((await store.range({ prefix: "/p/" })).items, items.slice(1200));
});
