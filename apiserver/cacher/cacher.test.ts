import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { aWidget, brief, take, widgetKind } from "../../test/support/objects.ts";
import type { KubeObject, Status } from "../apis/meta/v1.ts";
import { newExpired } from "../errors/status-error.ts";
import type { CachedObject } from "../registry/generic/cached-object.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import type { RestWatchEvent } from "../registry/rest/interface.ts";
import { Cacher, type CacherOptions, type CacheWatch } from "./cacher.ts";

const prefix = "/registry/test.example/widgets/";
const codec = new KindCodec(widgetKind);

class Fixture {
  readonly backend = new MemoryBackend();
  readonly clock = new FakeClock();
  readonly failures: unknown[] = [];
  readonly cacher: Cacher<CachedObject, Status>;
  readonly stop: () => void;
  slowReaders = 0;

  constructor(t: TestContext, options: Partial<CacherOptions<CachedObject, Status>> = {}) {
    const controller = new AbortController();
    this.stop = () => controller.abort();
    t.after(this.stop);
    this.cacher = new Cacher({
      backend: this.backend,
      prefix,
      encoder: codec,
      clock: this.clock,
      signal: controller.signal,
      describeFailure: () => newExpired("gone").status,
      onFailure: (error) => this.failures.push(error),
      onSlowReader: () => this.slowReaders++,
      ...options,
    });
  }

  async start(): Promise<this> {
    void this.cacher.run();
    await settle();
    return this;
  }

  create(name: string, metadata: KubeObject["metadata"] = {}): Promise<number> {
    const object = aWidget(name, { metadata });
    return this.backend.create(`${prefix}${object.metadata.namespace}/${name}`, codec.encode(object));
  }

  update(name: string, expected: number, metadata: KubeObject["metadata"] = {}): Promise<number> {
    return this.backend.update(`${prefix}demo/${name}`, codec.encode(aWidget(name, { metadata })), expected);
  }

  watch(
    options: Partial<CacheWatch<CachedObject>> & Pick<CacheWatch<CachedObject>, "from">,
  ): AsyncIterator<readonly RestWatchEvent[]> {
    const base = {
      scope: "",
      matches: () => true,
      wantsBookmarks: false,
      signal: new AbortController().signal,
    };
    const position =
      options.from === "now"
        ? { initialEvents: false, ...options, from: options.from }
        : { after: 0, ...options, from: options.from };
    const events = this.cacher.watch({ ...base, ...position });
    assert.ok(events !== undefined, "ready");
    return events[Symbol.asyncIterator]();
  }
}

// API W-33
test("a watch from now sees later writes once, in order, with the revision of each", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now" });
  const created = await fixture.create("a");
  const updated = await fixture.update("a", created);
  const deleted = await fixture.backend.delete(`${prefix}demo/a`, updated);
  const seen = await take(events, 3);
  assert.deepEqual(seen.map(brief), ["ADDED demo/a", "MODIFIED demo/a", "DELETED demo/a"]);
  const versions = seen.map((event) => ("item" in event ? event.item.object.metadata.resourceVersion : ""));
  assert.deepEqual(versions, [created, updated, deleted].map(String));
});

test("a frame is the event as JSON, and its object the item's own bytes", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now" });
  await fixture.update("a", await fixture.create("a"), { labels: { a: "é" } });
  await fixture.backend.delete(`${prefix}demo/a`, await fixture.backend.currentRevision());
  for (const event of await take(events, 3)) {
    assert.ok("frame" in event);
    const text = Buffer.from(event.frame).toString();
    assert.ok(text.endsWith("\n"));
    assert.deepEqual(JSON.parse(text), { type: event.type, object: event.item.object });
    assert.deepEqual(JSON.parse(Buffer.from(event.item.json).toString()), event.item.object);
  }
});

test("readers share one event", async (t) => {
  const fixture = await new Fixture(t).start();
  const readers = [fixture.watch({ from: "now" }), fixture.watch({ from: "now" })];
  await fixture.create("a");
  const [first, second] = await Promise.all(readers.map((reader) => take(reader, 1)));
  assert.equal(first?.[0], second?.[0]);
});

// API W-34, T-11
test("selectors: starting to match is ADDED, ceasing to is DELETED with the old content, the rest is not shown", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now", matches: ({ object }) => object.metadata.labels?.on === "yes" });
  let revision = await fixture.create("a");
  revision = await fixture.update("a", revision, { labels: { on: "yes" } });
  revision = await fixture.update("a", revision, { labels: { on: "yes", more: "1" } });
  revision = await fixture.update("a", revision, { labels: { on: "no" } });
  await fixture.backend.delete(`${prefix}demo/a`, revision);
  await fixture.create("b", { labels: { on: "yes" } });
  const seen = await take(events, 4);
  assert.deepEqual(seen.map(brief), ["ADDED demo/a", "MODIFIED demo/a", "DELETED demo/a", "ADDED demo/b"]);
  const gone = seen[2];
  assert.ok(gone !== undefined && "item" in gone);
  assert.deepEqual(gone.item.object.metadata.labels, { on: "yes", more: "1" });
  assert.equal(gone.item.object.metadata.resourceVersion, String(revision));
});

test("a scope is a namespace, not the beginning of one", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now", scope: "demo/" });
  await fixture.create("x", { namespace: "demo-2" });
  await fixture.create("y");
  assert.deepEqual((await take(events, 1)).map(brief), ["ADDED demo/y"]);
});

test("a streaming list: current objects, the end marker, then changes", async (t) => {
  const fixture = new Fixture(t);
  await fixture.create("b");
  const last = await fixture.create("a");
  await fixture.start();
  const events = fixture.watch({ from: "now", initialEvents: true, wantsBookmarks: true });
  assert.deepEqual((await take(events, 3)).map(brief), ["ADDED demo/a", "ADDED demo/b", `BOOKMARK ${last} end`]);
  await fixture.create("c");
  assert.deepEqual((await take(events, 1)).map(brief), ["ADDED demo/c"]);
});

test("a watch from before the cache began reads storage's history and goes on live", async (t) => {
  const fixture = new Fixture(t);
  const first = await fixture.create("a");
  await fixture.update("a", first);
  await fixture.create("b", { namespace: "other" });
  await fixture.start();
  const events = fixture.watch({ from: "revision", after: first, scope: "demo/" });
  assert.deepEqual((await take(events, 1)).map(brief), ["MODIFIED demo/a"]);
  const next = take(events, 1);
  await settle();
  await fixture.create("c");
  assert.deepEqual((await next).map(brief), ["ADDED demo/c"]);
});

// API W-12, W-37
test("history that was compacted is one ERROR event, then the end", async (t) => {
  const fixture = new Fixture(t);
  await fixture.create("a");
  const later = await fixture.create("b");
  await fixture.backend.compact(later);
  await fixture.start();
  const events = fixture.watch({ from: "revision", after: 1 });
  assert.deepEqual((await take(events, 2)).map(brief), ["ERROR 410"]);
});

test("a watch from the future stays silent until then", async (t) => {
  const fixture = await new Fixture(t).start();
  const current = await fixture.backend.currentRevision();
  const events = fixture.watch({ from: "revision", after: current + 1 });
  await fixture.create("a");
  await fixture.create("b");
  assert.deepEqual((await take(events, 1)).map(brief), ["ADDED demo/b"]);
});

// API W-31, W-32, T-12
test("bookmarks come every minute to those who asked, and pass writes elsewhere", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now", wantsBookmarks: true });
  fixture.watch({ from: "now" });
  const elsewhere = await fixture.backend.create("/registry/other", codec.encode(aWidget("x")));
  const next = take(events, 1);
  await fixture.clock.advance(60_000);
  assert.deepEqual((await next).map(brief), [`BOOKMARK ${elsewhere}`]);
});

test("a bookmark comes 2 s before the caller stops reading", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now", wantsBookmarks: true, timeoutMs: 5000, matches: () => false });
  const written = await fixture.create("a");
  const next = take(events, 1);
  await fixture.clock.advance(3000);
  assert.deepEqual((await next).map(brief), [`BOOKMARK ${written}`]);
});

test("freshness waits for the storage watch, and gives up after 3 s", async (t) => {
  const fixture = await new Fixture(t).start();
  const release = fixture.backend.hold();
  await fixture.create("a");
  const fresh = fixture.cacher.becomeFresh();
  await settle();
  assert.equal(fixture.cacher.get("demo/a"), undefined);
  release();
  assert.equal(await fresh, true);
  assert.ok(fixture.cacher.get("demo/a") !== undefined);

  const never = fixture.cacher.waitFor(fixture.cacher.revision + 1);
  await fixture.clock.advance(3000);
  assert.equal(await never, false);
});

// API W-44
test("a lost storage watch ends the readers, and the state is built anew", async (t) => {
  const fixture = await new Fixture(t).start();
  const events = fixture.watch({ from: "now" });
  fixture.backend.breakWatches();
  assert.deepEqual(await take(events, 1), []);
  assert.equal(fixture.cacher.ready, false);
  assert.equal(fixture.failures.length, 1);
  await fixture.create("a");
  await fixture.clock.advance(100);
  assert.equal(fixture.cacher.ready, true);
  assert.ok(fixture.cacher.get("demo/a") !== undefined);
});

test("what was written here is not decoded again", async (t) => {
  const fixture = await new Fixture(t).start();
  const object = aWidget("a");
  const value = codec.encode(object);
  const release = fixture.backend.hold();
  const make = (revision: number) => codec.stored(object, value, revision);
  const item = await fixture.cacher.write("demo/a", { value, make }, () =>
    fixture.backend.create(`${prefix}demo/a`, value),
  );
  assert.equal(fixture.cacher.latest("demo/a"), item);
  release();
  await settle();
  assert.equal(fixture.cacher.get("demo/a"), item);
});

test("snapshots do not change; held ones are found by their revision", async (t) => {
  const fixture = new Fixture(t);
  await fixture.create("a");
  await fixture.start();
  const before = fixture.cacher.snapshot();
  assert.ok(before !== undefined);
  fixture.cacher.hold(before);
  await fixture.create("b");
  await settle();
  assert.deepEqual(
    before.entries.map(({ key }) => key),
    ["demo/a"],
  );
  assert.equal(fixture.cacher.snapshotAt(before.revision), before);
  assert.deepEqual(
    fixture.cacher.snapshot()?.entries.map(({ key }) => key),
    ["demo/a", "demo/b"],
  );
  assert.equal(fixture.cacher.snapshotAt(before.revision - 1), undefined);
});

// API W-43
test("closing a watch leaves nothing behind", async (t) => {
  const fixture = await new Fixture(t).start();
  const controller = new AbortController();
  const aborted = fixture.watch({ from: "now", signal: controller.signal });
  const returned = fixture.watch({ from: "now" });
  const next = take(aborted, 1);
  controller.abort();
  assert.deepEqual(await next, []);
  await returned.return?.();
  assert.equal(fixture.cacher.readerCount, 0);
  fixture.stop();
  await settle();
  assert.equal(fixture.clock.pending, 0, "no timer is left");
});
