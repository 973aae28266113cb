/** Readers that don't read, or slowly, or begin long ago: what waits for them is bounded, and they miss nothing. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { limits } from "../limits.ts";
import type { Revision, StorageWatchOptions } from "../storage/interface.ts";
import { Cacher, type CacherOptions } from "./cacher.ts";
import type { CacheWatchEvent, ChangeType, Encoder } from "./encoder.ts";

const prefix = "/registry/test.example/texts/";

type Text = { readonly revision: Revision; readonly json: Uint8Array };
type Events = AsyncIterator<readonly CacheWatchEvent<Text, string>[]>;

class TextEncoding implements Encoder<Text> {
  decoded = 0;

  decode(json: Uint8Array, revision: Revision): Text {
    if (json.length === 0) throw new Error("no text");
    this.decoded++;
    return { json, revision };
  }

  atRevision({ json }: Text, revision: Revision): Text {
    return { json, revision };
  }

  frame(_: ChangeType, { json }: Text): Uint8Array {
    return json;
  }
}

class Fixture {
  readonly backend = new MemoryBackend();
  readonly encoder = new TextEncoding();
  readonly ending = new AbortController();
  readonly cacher: Cacher<Text, string>;
  readonly watchesOfHistory: StorageWatchOptions[] = [];
  slow = 0;

  constructor(t: TestContext, options: Partial<CacherOptions<Text, string>> = {}) {
    t.after(() => this.ending.abort());
    const watch = this.backend.watch.bind(this.backend);
    this.backend.watch = (asked) => {
      if (asked.previous === true) this.watchesOfHistory.push(asked);
      return watch(asked);
    };
    this.cacher = new Cacher<Text, string>({
      backend: this.backend,
      prefix,
      encoder: this.encoder,
      clock: new FakeClock(),
      signal: this.ending.signal,
      describeFailure: String,
      onSlowReader: () => this.slow++,
      ...options,
    });
  }

  async start(): Promise<this> {
    void this.cacher.run();
    await settle();
    return this;
  }

  /** A value per key, of so many bytes. */
  async write(from: number, to: number, bytes = 20): Promise<Revision> {
    let revision = 0;
    for (let i = from; i < to; i++) {
      revision = await this.backend.create(`${prefix}demo/${i}`, Buffer.alloc(bytes, `${i} `));
    }
    await settle();
    return revision;
  }

  watch(after?: Revision, initialEvents = false): Events {
    const base = { scope: "demo/", matches: () => true, wantsBookmarks: false, signal: this.ending.signal };
    const events = this.cacher.watch(
      after === undefined ? { ...base, from: "now", initialEvents } : { ...base, from: "revision", after },
    );
    return (events ?? assert.fail("not ready"))[Symbol.asyncIterator]();
  }
}

/** Revisions, until `last`. */
async function readUntil(events: Events, last: Revision, batches: number[] = []): Promise<Revision[]> {
  const seen: Revision[] = [];
  while ((seen.at(-1) ?? 0) < last) {
    const { done, value } = await events.next();
    if (done === true) break;
    batches.push(value.reduce((sum, event) => sum + ("frame" in event ? event.frame.length : 0), 0));
    for (const event of value) seen.push("item" in event ? event.item.revision : assert.fail(JSON.stringify(event)));
  }
  return seen;
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

// API W-42
for (const [where, writes] of [
  ["the recent events", 300],
  ["storage's history", 6000],
] as const)
  test(`slow readers: one that does not read is parked, others are not affected, and it goes on from ${where}`, async (t) => {
    const fixture = await new Fixture(t, { maxPending: 100 }).start();
    const slow = fixture.watch();
    const first = slow.next();
    const quick = fixture.watch();
    const started = await fixture.write(0, 1);
    assert.equal((await first).value?.length, 1);
    const seen = readUntil(quick, started + writes);
    const last = await fixture.write(1, 1 + writes);
    assert.deepEqual(await seen, range(started, last));
    assert.deepEqual(await readUntil(slow, last), range(started + 1, last));
    const more = readUntil(slow, last + 1);
    await fixture.write(writes + 1, writes + 2);
    assert.deepEqual(await more, [last + 1], "it keeps up again");
    assert.equal(fixture.slow, 0);
  });

// API W-42
test("slow readers: one that comes back when its history is gone is closed without an error", async (t) => {
  const fixture = await new Fixture(t, { maxPending: 10 }).start();
  const slow = fixture.watch();
  const first = slow.next();
  await fixture.write(0, 1);
  await first;
  const last = await fixture.write(1, 6000);
  await fixture.backend.compact(last);
  assert.deepEqual(await slow.next(), { done: true, value: undefined });
  assert.equal(fixture.slow, 1);
  assert.equal(fixture.cacher.readerCount, 0);
});

test("slow readers: what waits for a thousand watches that nobody reads is bounded", async (t) => {
  const fixture = await new Fixture(t).start();
  const unread = range(1, 1000).map(() => fixture.watch());
  const firsts = unread.map((events) => events.next());
  await fixture.write(0, 1);
  await Promise.all(firsts);
  await fixture.write(1, 400, 64 * 1024);
  const most = limits.maxPendingBytes.value + 64 * 1024;
  assert.ok(fixture.cacher.waitingBytes <= 1000 * most, `${fixture.cacher.waitingBytes} bytes`);
  // They are shared: each holds the same frames, so the process holds them once.
  await fixture.write(400, 401, 64 * 1024);
  assert.ok(fixture.cacher.waitingBytes <= 1000 * most);
  assert.equal(fixture.cacher.readerCount, 1000);
});

test("slow readers: a streaming list comes in pieces, as fast as it is read, and misses nothing meanwhile", async (t) => {
  const fixture = new Fixture(t);
  const before = await fixture.write(0, 1000, 2000);
  await fixture.start();
  const events = fixture.watch(undefined, true);
  const batches: number[] = [];
  const initial = await readUntil(events, before - 500, batches);
  const last = await fixture.write(1000, 1400, 2000);
  const rest = await readUntil(events, last, batches);
  assert.deepEqual(
    [...initial, ...rest].sort((a, b) => a - b),
    range(before - 999, last),
  );
  // Frames that all readers share, in groups as large as one write of a LIST.
  assert.ok(Math.max(...batches) < 530_000, `${Math.max(...batches)} bytes at once`);
  assert.equal(fixture.cacher.waitingBytes, 0);
});

test("history: watches that resume from anywhere share one reading, in bounded memory, however much there is", async (t) => {
  const fixture = new Fixture(t);
  const bytes = 10_000;
  const last = await fixture.write(0, 3000, bytes);
  await fixture.start();
  fixture.encoder.decoded = 0;
  const from = range(0, 49).map((i) => 1 + i * 7);
  let most = 0;
  const batches: number[] = [];
  const seen = await Promise.all(
    from.map(async (after) => {
      const revisions = await readUntil(fixture.watch(after), last, batches);
      most = Math.max(most, fixture.cacher.waitingBytes);
      return revisions;
    }),
  );
  for (const [index, after] of from.entries()) assert.deepEqual(seen[index], range(after + 1, last));
  assert.equal(fixture.watchesOfHistory.length, 1, "one watch reads it");
  assert.equal(fixture.encoder.decoded, 3000, "once");
  assert.ok(most <= limits.maxHistoryBytes.value + 100 * 2 * 64 * 1024, `${most} bytes`);
  assert.ok(Math.max(...batches) < 2 * 64 * 1024);
});

test("history: slow readers of it, each at another place, hold no more than its pages", async (t) => {
  const fixture = new Fixture(t);
  const last = await fixture.write(0, 6000, 10_000);
  await fixture.start();
  const readers = range(0, 49).map((i) => fixture.watch(1 + i * 100));
  for (let turn = 0; turn < 3; turn++) for (const reader of readers) await reader.next();
  assert.ok(fixture.cacher.waitingBytes <= limits.maxHistoryBytes.value, `${fixture.cacher.waitingBytes} bytes`);
  const [one = assert.fail()] = readers;
  assert.equal((await readUntil(one, last)).at(-1), last);
});

test("history: a reading ends where the cache does, though storage says no more once it has told the newest event", async (t) => {
  const fixture = new Fixture(t);
  const { backend } = fixture;
  const watch = backend.watch.bind(backend);
  // Whoever asks for progress is answered by an event that is new enough: storage owes no item without events.
  backend.watch = (asked) => {
    const told = watch(asked);
    if (asked.previous === true) told.requestProgress = () => {};
    return told;
  };
  const last = await fixture.write(0, 10);
  await fixture.start();
  const events = fixture.watch(last - 5);
  const seen = readUntil(events, last);
  await settle();
  assert.equal(await Promise.race([seen.then(String), settle().then(() => "nothing")]), String(range(last - 4, last)));
  const more = readUntil(events, last + 1);
  await fixture.write(10, 11);
  assert.deepEqual(await more, [last + 1]);
});

test("history: a reading that waits for storage is not dropped with the pages nobody asks for", async (t) => {
  const clock = new FakeClock();
  const fixture = new Fixture(t, { clock });
  const last = await fixture.write(0, 10);
  await fixture.start();
  assert.deepEqual(await readUntil(fixture.watch(last - 5), last), range(last - 4, last));
  const { backend } = fixture;
  const currentWatch = backend.watch.bind(backend);
  const { promise: back, resolve: comeBack } = Promise.withResolvers<void>();
  backend.watch = (asked) => {
    const told = currentWatch(asked);
    const items = told[Symbol.asyncIterator]();
    told[Symbol.asyncIterator] = () => ({ next: () => back.then(() => items.next()) });
    return told;
  };
  const seen = readUntil(fixture.watch(last - 8), last);
  await clock.advance(100_000);
  comeBack();
  assert.deepEqual(await seen, range(last - 7, last));
  await clock.advance(100_000);
  assert.equal(fixture.cacher.waitingBytes, 0, "then they are");
});

// API W-38
test("history: what is no object fails those alone who would be shown it", async (t) => {
  const fixture = new Fixture(t);
  await fixture.write(0, 2);
  await fixture.backend.create(`${prefix}other/broken`, new Uint8Array(0));
  const last = await fixture.write(2, 4);
  await fixture.start();
  assert.deepEqual(await readUntil(fixture.watch(1), last), [2, 3, 5, 6]);
  const all = fixture.cacher.watch({
    from: "revision",
    after: 1,
    scope: "",
    matches: () => true,
    wantsBookmarks: false,
    signal: fixture.ending.signal,
  });
  const seen: string[] = [];
  for await (const batch of all ?? []) for (const event of batch) seen.push(event.type);
  assert.deepEqual(seen, ["ADDED", "ADDED", "ERROR"]);
});

test("history: who waits for storage at one place holds up nobody at another", async (t) => {
  const fixture = new Fixture(t);
  const last = await fixture.write(0, 3000, 10_000);
  const [held, release] = [Promise.withResolvers<void>(), (): void => held.resolve()];
  const watch = fixture.backend.watch.bind(fixture.backend);
  fixture.backend.watch = (asked) => {
    const opened = watch(asked);
    if (asked.previous !== true || asked.after > 100) return opened;
    const items = opened[Symbol.asyncIterator]();
    const late = { next: () => held.promise.then(() => items.next()) };
    return Object.assign(opened, { [Symbol.asyncIterator]: () => late });
  };
  await fixture.start();
  const waiting = readUntil(fixture.watch(50), last);
  assert.deepEqual(await readUntil(fixture.watch(1500), last), range(1501, last));
  release();
  assert.deepEqual(await waiting, range(51, last));
});
