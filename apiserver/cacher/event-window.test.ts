import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, widgetKind } from "../../test/support/objects.ts";
import type { CachedObject } from "../registry/generic/cached-object.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import { CacheEvent } from "./cache-event.ts";
import { EventWindow } from "./event-window.ts";

const codec = new KindCodec(widgetKind);

function filled(count: number, everyMs: number): EventWindow<CachedObject> {
  const window = new EventWindow<CachedObject>(0);
  for (let index = 1; index <= count; index++) {
    window.add(new CacheEvent<CachedObject>({ key: "demo/a", revision: index * 2 }, codec, index * everyMs));
  }
  return window;
}

const revisions = (window: EventWindow<CachedObject>, after: number) =>
  window.since(after)?.map(({ revision }) => revision);

test("events after a revision, whether or not an event has it", () => {
  const window = filled(5, 1);
  assert.deepEqual(revisions(window, 0), [2, 4, 6, 8, 10]);
  assert.deepEqual(revisions(window, 4), [6, 8, 10]);
  assert.deepEqual(revisions(window, 5), [6, 8, 10]);
  assert.deepEqual(revisions(window, 10), []);
  assert.deepEqual(revisions(window, 99), []);
});

// API W-12
test("the last 75 s stay, and never fewer than 100 events", () => {
  assert.equal(filled(1000, 1000).since(2 * 925 - 2)?.length, 76);
  assert.equal(filled(1000, 1000).since(2)?.length, undefined);
  assert.equal(filled(100, 60_000).floor, 0, "a quiet resource");
});

test("memory is bounded however large events are, and what was dropped is said to be gone", () => {
  const window = new EventWindow<CachedObject>(0);
  const large = aWidget("a", { metadata: { annotations: { text: "x".repeat(1024 * 1024) } } });
  const item = codec.decode(codec.encode(large), 1);
  for (let revision = 1; revision <= 100; revision++)
    window.add(new CacheEvent<CachedObject>({ key: "demo/a", revision, item }, codec, 0));
  assert.deepEqual(revisions(window, window.floor)?.length, 31);
  assert.equal(window.floor, 69);
  assert.equal(window.since(68), undefined);
});

test("memory is bounded however many events come at once", () => {
  const window = filled(20_000, 0);
  assert.equal(window.since(window.floor)?.length, 4096);
  assert.equal(window.floor, 2 * (20_000 - 4096));
});
