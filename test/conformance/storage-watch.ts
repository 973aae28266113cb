import assert from "node:assert/strict";
import { limits } from "../../apiserver/limits.ts";
import type { StorageBackend, StorageEvent, StorageWatchItem } from "../../apiserver/storage/interface.ts";
import { collect, encode, rejectsWith, type StorageCase, summary } from "./storage-case.ts";

/** Watches: the part of `storageConformance` about what happens. */

/** What was on its way when a queue was full comes on top. */
const mostAhead = limits.maxWatchAheadBytes.value + 4 * 1024 * 1024;

const writers = 8;
const writesEach = 40;

/** Writes of every kind under `/p/`, with noise beside it; returns how many events `/p/` must show. */
async function writeConcurrently(store: StorageBackend): Promise<number> {
  const write = async (_: unknown, writer: number) => {
    for (let i = 0; i < writesEach; i++) {
      const key = `/p/${writer}-${i}`;
      const created = await store.create(key, encode("1"));
      await store.create(`/q/${writer}-${i}`, encode("noise"));
      const updated = await store.update(key, encode("2"), created);
      if (i % 2 === 0) await store.delete(key, updated);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return writers * (writesEach * 2 + writesEach / 2);
}

function assertUnbroken(events: readonly StorageEvent[]): void {
  const versions = new Map<string, number>();
  let last = 0;
  for (const { key, revision, type, previous } of events) {
    assert.ok(key.startsWith("/p/"), key);
    assert.ok(revision > last, `revision ${revision} after ${last}`);
    assert.equal(previous?.revision, versions.get(key), `${key} at ${revision} does not follow what came before it`);
    if (type === "put") versions.set(key, revision);
    else versions.delete(key);
    last = revision;
  }
}

export const watchCases: readonly StorageCase[] = [
  {
    promise: "a watch tells what is written after it began, and the values before when it is asked to",
    check: async (store) => {
      const after = await store.currentRevision();
      await using plain = store.watch({ prefix: "/p/", after });
      const untold = collect(plain, (events) => events.length === 4);
      await using watch = store.watch({ prefix: "/p/", after, previous: true });
      const seen = collect(watch, (events) => events.length === 4);
      const created = await store.create("/p/a", encode("1"));
      const updated = await store.update("/p/a", encode("2"), created);
      const deleted = await store.delete("/p/a", updated);
      const again = await store.create("/p/a", encode("3"));
      const events = await seen;
      assert.deepEqual(events.map(summary), ["put /p/a=1", "put /p/a=2 was 1", "delete /p/a was 2", "put /p/a=3"]);
      assert.deepEqual(
        events.map((event) => event.revision),
        [created, updated, deleted, again],
      );
      assert.deepEqual(
        events.map((event) => event.previous?.revision),
        [undefined, created, updated, undefined],
      );
      assert.deepEqual((await untold).map(summary), ["put /p/a=1", "put /p/a=2", "delete /p/a", "put /p/a=3"]);
    },
  },
  {
    promise: "a watch from the past tells everything since, then what is new",
    check: async (store) => {
      const created = await store.create("/p/a", encode("1"));
      const updated = await store.update("/p/a", encode("2"), created);
      await store.create("/q/a", encode("elsewhere"));
      await store.delete("/p/a", updated);
      await using watch = store.watch({ prefix: "/p/", after: created, previous: true });
      const seen = collect(watch, (events) => events.length === 3);
      await store.create("/p/b", encode("1"));
      assert.deepEqual((await seen).map(summary), ["put /p/a=2 was 1", "delete /p/a was 2", "put /p/b=1"]);
    },
  },
  {
    promise: "watches see every write once and in order, whenever they began and however many write",
    check: async (store) => {
      const start = await store.currentRevision();
      const expected = writers * (writesEach * 2 + writesEach / 2);
      const follow = async (prefix: string) => {
        await using watch = store.watch({ prefix, after: start, previous: true });
        // Not before it is through is the watch disposed of.
        return await collect(watch, (events) => events.length === expected);
      };
      const early = follow("/p/");
      const writing = writeConcurrently(store);
      await store.create("/r/now", encode("x"));
      const during = follow("/p/");
      assert.equal(await writing, expected);
      const late = follow("/p/");
      const [first, ...others] = await Promise.all([early, during, late]);
      assert.equal(first.length, expected);
      assertUnbroken(first);
      for (const other of others) assert.deepEqual(other.map(summary), first.map(summary));
    },
  },
  {
    promise: "an item's revision is never ahead of an event still to come, nor behind its own events",
    check: async (store) => {
      const expected = writers * (writesEach * 2 + writesEach / 2);
      await using watch = store.watch({
        prefix: "/p/",
        after: await store.currentRevision(),
      });
      const items: StorageWatchItem[] = [];
      const seen = collect(watch, (events, item) => {
        items.push(item);
        if (items.length % 10 === 0) watch.requestProgress();
        return events.length >= expected;
      });
      await writeConcurrently(store);
      await seen;
      let passed = 0;
      for (const { revision, events } of items) {
        for (const event of events) assert.ok(event.revision > passed && event.revision <= revision);
        assert.ok(revision >= passed);
        passed = revision;
      }
    },
  },
  {
    promise: "progress that was asked for reaches the store's revision, without a write under the prefix",
    check: async (store) => {
      await using watch = store.watch({
        prefix: "/p/",
        after: await store.currentRevision(),
      });
      const elsewhere = await store.create("/q/a", encode("x"));
      watch.requestProgress();
      const events = await collect(watch, (_, item) => item.revision >= elsewhere);
      assert.deepEqual(events, []);
    },
  },
  {
    promise: "progress asked for again, with nothing new, is answered again",
    check: async (store) => {
      await using watch = store.watch({
        prefix: "/p/",
        after: await store.currentRevision(),
      });
      const iterator = watch[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) {
        const current = await store.currentRevision();
        watch.requestProgress();
        for (;;) {
          const next = await iterator.next();
          assert.ok(next.done !== true);
          if (next.value.revision >= current) break;
        }
      }
    },
  },
  {
    promise: "a watch from before the compaction fails, one from there on works, before and after",
    check: async (store) => {
      const created = await store.create("/p/a", encode("1"));
      const updated = await store.update("/p/a", encode("2"), created);
      const newest = await store.update("/p/a", encode("3"), updated);
      await store.compact(updated);
      const tooOld = store.watch({ prefix: "/p/", after: created });
      await rejectsWith(
        collect(tooOld, () => false),
        "Compacted",
      );
      await using watch = store.watch({ prefix: "/p/", after: updated, previous: true });
      const seen = collect(watch, (events) => events.length === 2);
      await store.delete("/p/a", newest);
      assert.deepEqual((await seen).map(summary), ["put /p/a=3 was 2", "delete /p/a was 3"]);
    },
  },
  {
    promise: "a watch that is up to date outlives a compaction",
    check: async (store) => {
      await using watch = store.watch({
        prefix: "/p/",
        after: await store.currentRevision(),
      });
      const seen = collect(watch, (events) => events.length === 2);
      const created = await store.create("/p/a", encode("1"));
      await store.compact(created);
      await store.update("/p/a", encode("2"), created);
      assert.deepEqual((await seen).map(summary), ["put /p/a=1", "put /p/a=2"]);
    },
  },
  {
    promise: "a watch from the future fails",
    check: async (store) => {
      const watch = store.watch({
        prefix: "/p/",
        after: (await store.currentRevision()) + 1000,
      });
      await rejectsWith(
        collect(watch, () => false),
        "FutureRevision",
      );
    },
  },
  {
    promise: "a watch resumes over a restart of its reader, with nothing lost",
    check: async (store, reopen) => {
      const created = await store.create("/p/a", encode("1"));
      const updated = await store.update("/p/a", encode("2"), created);
      const again = await reopen();
      await using watch = again.watch({ prefix: "/p/", after: created, previous: true });
      const seen = collect(watch, (events) => events.length === 2);
      await again.delete("/p/a", updated);
      assert.deepEqual((await seen).map(summary), ["put /p/a=2 was 1", "delete /p/a was 2"]);
    },
  },
  {
    promise: "large events pass through a watch",
    check: async (store) => {
      const large = new Uint8Array(1024 * 1024).fill(7);
      const after = await store.currentRevision();
      for (let i = 0; i < 8; i++) await store.create(`/p/${i}`, large);
      await using watch = store.watch({ prefix: "/p/", after });
      const events = await collect(watch, (seen) => seen.length === 8);
      assert.ok(events.every((event) => event.type === "put" && Buffer.from(event.value).equals(large)));
    },
  },
  {
    promise: "what waits for a reader is bounded, and one that was slow misses nothing",
    check: async (store) => {
      const after = await store.currentRevision();
      const slow = [
        store.watch({ prefix: "/p/", after }),
        store.watch({ prefix: "/p/", after, previous: true }),
        store.watch({ prefix: "/p/", after: await store.create("/q/a", encode("x")) }),
      ];
      const iterators = slow.map((watch) => watch[Symbol.asyncIterator]());
      const firsts = iterators.map((iterator) => iterator.next());
      const large = new Uint8Array(256 * 1024);
      const writes = 160;
      let revision = await store.create("/p/a", large);
      await Promise.all(firsts);
      for (let i = 1; i < writes; i++) {
        revision = await store.update("/p/a", large, revision);
        for (const { waitingBytes } of slow) assert.ok(waitingBytes <= mostAhead, `${waitingBytes} bytes wait`);
      }
      for (const [index, iterator] of iterators.entries()) {
        const seen: StorageEvent[] = [...((await firsts[index])?.value?.events ?? [])];
        while (seen.length < writes) seen.push(...((await iterator.next()).value?.events ?? assert.fail("it ended")));
        assert.equal(new Set(seen.map((event) => event.revision)).size, writes);
        assert.equal(seen.at(-1)?.revision, revision);
        if (index === 1) assertUnbroken(seen);
        await slow[index]?.[Symbol.asyncDispose]();
      }
    },
  },
  {
    promise: "a watch ends when it is disposed or aborted, and fails when its store is closed",
    check: async (store) => {
      const after = await store.currentRevision();
      const disposed = store.watch({ prefix: "/p/", after });
      const aborter = new AbortController();
      const aborted = store.watch({
        prefix: "/p/",
        after,
        signal: aborter.signal,
      });
      const orphaned = store.watch({ prefix: "/p/", after });
      const ends = [disposed, aborted, orphaned].map((watch) => collect(watch, () => false));
      const orphan = ends.pop() ?? assert.fail();
      const failed = rejectsWith(orphan, "Closed");
      await disposed[Symbol.asyncDispose]();
      aborter.abort();
      assert.deepEqual(await Promise.all(ends), [[], []]);
      await store[Symbol.asyncDispose]();
      await failed;
    },
  },
];
