import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { aWidget, brief, take, widgetKind } from "../../test/support/objects.ts";
import type { Status } from "../apis/meta/v1.ts";
import { newExpired } from "../errors/status-error.ts";
import type { CachedObject } from "../registry/generic/cached-object.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import { Cacher } from "./cacher.ts";

const prefix = "/registry/test.example/widgets/";
const codec = new KindCodec(widgetKind);
type Step = { readonly name: string; readonly on: boolean; readonly remove: boolean };

/** Does what the step says where it applies: creates, updates or deletes the object. */
async function write(backend: MemoryBackend, { name, on, remove }: Step): Promise<void> {
  const key = `${prefix}demo/${name}`;
  const value = codec.encode(aWidget(name, { metadata: { labels: { on: String(on) } } }));
  const { value: existing } = await backend.get(key);
  if (existing === undefined) await backend.create(key, value);
  else if (remove) await backend.delete(key, existing.revision);
  else await backend.update(key, value, existing.revision);
}

async function startCacher(backend: MemoryBackend, signal: AbortSignal): Promise<Cacher<CachedObject, Status>> {
  const describeFailure = () => newExpired("gone").status;
  const cacher = new Cacher<CachedObject, Status>({
    backend,
    prefix,
    encoder: codec,
    clock: new FakeClock(),
    signal,
    describeFailure,
  });
  void cacher.run();
  await settle();
  return cacher;
}

async function seenFrom(
  cacher: Cacher<CachedObject, Status>,
  after: number,
  matches: (on: string) => boolean,
  count: number,
) {
  const events = cacher.watch({
    from: "revision",
    after,
    scope: "demo/",
    matches: ({ object }) => matches(object.metadata.labels?.on ?? ""),
    wantsBookmarks: false,
    signal: new AbortController().signal,
  });
  assert.ok(events !== undefined);
  const iterator = events[Symbol.asyncIterator]();
  const taken = await take(iterator, count);
  await iterator.return?.();
  return taken.map((event) => `${brief(event)} ${"item" in event ? event.item.object.metadata.resourceVersion : ""}`);
}

const step = fc.record({ name: fc.constantFrom("a", "b", "c"), on: fc.boolean(), remove: fc.boolean() });

test("a watch resumed anywhere sees the same events, from the window or from storage's history", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const controller = new AbortController();
      const backend = new MemoryBackend();
      const old = await startCacher(backend, controller.signal);
      for (const one of steps) await write(backend, one);
      await settle();
      const restarted = await startCacher(backend, controller.signal);
      const last = await backend.currentRevision();
      for (const matches of [() => true, (on: string) => on === "true"]) {
        const whole = await seenFrom(old, 1, matches, await countFrom(old, 1, matches));
        for (let after = 1; after < last; after++) {
          const expected = whole.filter((event) => Number(event.split(" ")[2]) > after);
          assert.deepEqual(await seenFrom(old, after, matches, expected.length), expected);
          assert.deepEqual(await seenFrom(restarted, after, matches, expected.length), expected);
        }
      }
      controller.abort();
    }),
    { numRuns: 40 },
  );
});

/** How many events a reader of the window is shown: they come in one batch. */
async function countFrom(
  cacher: Cacher<CachedObject, Status>,
  after: number,
  matches: (on: string) => boolean,
): Promise<number> {
  const controller = new AbortController();
  const events = cacher.watch({
    from: "revision",
    after,
    scope: "demo/",
    matches: ({ object }) => matches(object.metadata.labels?.on ?? ""),
    wantsBookmarks: false,
    signal: controller.signal,
  });
  controller.abort();
  let count = 0;
  for await (const batch of events ?? []) count += batch.length;
  return count;
}
