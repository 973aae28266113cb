import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { aWidget, brief, objectAt, take } from "../../../test/support/objects.ts";
import { listOptions, WidgetServer, watchOptions } from "../../../test/support/widgets.ts";
import { openEmbedded } from "../../storage/embedded/embedded-store.ts";

test("over the durable store: reads see writes at once, and a watch resumes where it was after a restart", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "registry-"));
  t.after(() => rm(directory, { recursive: true }));
  let seenUpTo = "";
  {
    await using backend = await openEmbedded({ directory });
    const server = new WidgetServer(t, { backend });
    const { object } = await server.create(aWidget("a"));
    seenUpTo = object.metadata.resourceVersion ?? "";
    await server.put("a", (old) => ({ ...old, spec: { ...objectAt(old, "spec"), size: 2 } }));
    const { items } = await server.store.list(server.context(), listOptions());
    assert.deepEqual(
      items.map((item) => item.object.spec),
      [{ size: 2, color: "grey" }],
    );
    server.stop();
  }
  await using backend = await openEmbedded({ directory });
  const server = new WidgetServer(t, { backend });
  const events = await server.store.watch(server.context(), watchOptions({ resourceVersion: seenUpTo }));
  const iterator = events[Symbol.asyncIterator]();
  assert.deepEqual((await take(iterator, 1)).map(brief), ["MODIFIED demo/a"]);
  await server.store.delete(server.context(), "a", { dryRun: false });
  assert.deepEqual((await take(iterator, 1)).map(brief), ["DELETED demo/a"]);
  const { items } = await server.store.list(server.context(), listOptions());
  assert.deepEqual(items, []);
  server.stop();
});

test("over the durable store: racing writers of one object, each seen once by a watcher", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "registry-"));
  t.after(() => rm(directory, { recursive: true }));
  await using backend = await openEmbedded({ directory });
  const server = new WidgetServer(t, { backend });
  await server.create(aWidget("a", { spec: { free: {} } }));
  const events = await server.store.watch(server.context(), watchOptions({ sendInitialEvents: false }));
  const add = (key: string) => server.patch("a", { spec: { free: { [key]: true } } });
  const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
  await Promise.all(keys.map(add));
  const seen = await take(events[Symbol.asyncIterator](), keys.length);
  const sizes = seen.map((event) =>
    "item" in event ? Object.keys(objectAt(objectAt(event.item.object, "spec"), "free")).length : -1,
  );
  assert.deepEqual(
    sizes,
    keys.map((_, index) => index + 1),
  );
  server.stop();
});
