/**
 * What every storage backend promises (apiserver/storage/interface.ts), as tests any backend can be put through.
 *
 * Each case gets a store nobody else uses. Revisions are only compared, never assumed: a store may count the writes
 * of others, as etcd does.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { isStorageError } from "../../apiserver/storage/errors.ts";
import {
  maxValueBytes,
  type Revision,
  type StorageBackend,
  type StoredValue,
} from "../../apiserver/storage/interface.ts";
import { compareKeys } from "../../apiserver/storage/keys.ts";
import { decode, encode, rejectsWith, type StorageCase } from "./storage-case.ts";
import { historyCases } from "./storage-history.ts";
import { watchCases } from "./storage-watch.ts";

export type StorageConformanceOptions = {
  readonly name: string;
  /** Opens the store called `store`: empty the first time, then with what was left in it. */
  readonly open: (store: string) => Promise<StorageBackend>;
  readonly skip: readonly {
    readonly promise: string;
    readonly reason: string;
  }[];
};

/** Fails a case that would wait for ever. */
const caseTimeoutMs = 30_000;

export function storageConformance({ name, open, skip }: StorageConformanceOptions): void {
  for (const [index, { promise, check }] of storageCases.entries()) {
    const reason = skip.find((skipped) => skipped.promise === promise)?.reason;
    const title = `storage ${name}: ${promise}`;
    test(title, {
      timeout: caseTimeoutMs,
      ...(reason === undefined ? {} : { skip: reason }),
    }, async () => {
      const opened = `case-${index}`;
      let store = await open(opened);
      const reopen = async () => {
        await store[Symbol.asyncDispose]();
        store = await open(opened);
        return store;
      };
      try {
        await check(store, reopen);
      } finally {
        await store[Symbol.asyncDispose]();
      }
    });
  }
}

function keysOf(items: readonly StoredValue[]): string[] {
  return items.map((item) => item.key);
}

const present = "/p/a";

const writeCases: readonly StorageCase[] = [
  {
    promise: "what was created is read back, with the revision create returned",
    check: async (store) => {
      const revision = await store.create(present, encode("one"));
      const read = await store.get(present);
      assert.ok(read.value);
      assert.deepEqual({ ...read.value, value: decode(read.value.value) }, { key: present, value: "one", revision });
      assert.ok(read.revision >= revision);
    },
  },
  {
    promise: "a key that was never written reads as absent, at a revision above 0",
    check: async (store) => {
      const read = await store.get("/p/none");
      assert.equal(read.value, undefined);
      assert.ok(Number.isSafeInteger(read.revision) && read.revision > 0);
    },
  },
  {
    promise: "create refuses a key that is there, and leaves it as it is",
    check: async (store) => {
      await store.create(present, encode("one"));
      await rejectsWith(store.create(present, encode("two")), "KeyExists");
      assert.equal(decode((await store.get(present)).value?.value), "one");
    },
  },
  {
    promise: "update replaces the value at the revision expected, and no other",
    check: async (store) => {
      const created = await store.create(present, encode("one"));
      const updated = await store.update(present, encode("two"), created);
      assert.ok(updated > created);
      await rejectsWith(store.update(present, encode("three"), created), "Conflict");
      const { value } = await store.get(present);
      assert.deepEqual([decode(value?.value), value?.revision], ["two", updated]);
    },
  },
  {
    promise: "delete removes the value at the revision expected, and no other",
    check: async (store) => {
      const created = await store.create(present, encode("one"));
      const updated = await store.update(present, encode("two"), created);
      await rejectsWith(store.delete(present, created), "Conflict");
      const deleted = await store.delete(present, updated);
      assert.ok(deleted > updated);
      assert.equal((await store.get(present)).value, undefined);
    },
  },
  {
    promise: "update and delete of a key that is not there are refused as such",
    check: async (store) => {
      await rejectsWith(store.update("/p/none", encode("x"), 1), "KeyNotFound");
      await rejectsWith(store.delete("/p/none", 1), "KeyNotFound");
      const created = await store.create(present, encode("x"));
      await store.delete(present, created);
      await rejectsWith(store.update(present, encode("y"), created), "KeyNotFound");
      await rejectsWith(store.delete(present, created), "KeyNotFound");
    },
  },
  {
    promise: "a deleted key can be created again, and its old revision is worth nothing then",
    check: async (store) => {
      const first = await store.create(present, encode("one"));
      await store.delete(present, first);
      const second = await store.create(present, encode("two"));
      assert.ok(second > first);
      await rejectsWith(store.update(present, encode("three"), first), "Conflict");
    },
  },
  {
    promise: "of many who create one key at once exactly one succeeds",
    check: async (store) => {
      const attempts = Array.from({ length: 20 }, (_, i) => store.create(present, encode(String(i))));
      const settled = await Promise.allSettled(attempts);
      const winners = settled.flatMap((result, i) => (result.status === "fulfilled" ? [String(i)] : []));
      const losers = settled.filter(
        (result) => result.status === "rejected" && isStorageError(result.reason, "KeyExists"),
      );
      assert.equal(winners.length, 1);
      assert.equal(losers.length, 19);
      assert.deepEqual(winners, [decode((await store.get(present)).value?.value)]);
    },
  },
  {
    promise: "counters raised by many writers lose no raise, and failures leave neighbours alone",
    check: async (store) => {
      await store.create(present, encode("0"));
      const raise = async (): Promise<Revision> => {
        const { value } = await store.get(present);
        assert.ok(value);
        try {
          return await store.update(present, encode(String(Number(decode(value.value)) + 1)), value.revision);
        } catch (error) {
          if (isStorageError(error, "Conflict")) return raise();
          throw error;
        }
      };
      const revisions = await Promise.all(Array.from({ length: 12 }, raise));
      assert.equal(new Set(revisions).size, 12);
      assert.equal(decode((await store.get(present)).value?.value), "12");
    },
  },
  {
    promise: "every write has a revision of its own, growing along with its acknowledgement",
    check: async (store) => {
      const together = await Promise.all(Array.from({ length: 50 }, (_, i) => store.create(`/p/${i}`, encode("x"))));
      assert.equal(new Set(together).size, 50);
      const later = await store.create("/p/later", encode("x"));
      assert.ok(together.every((revision) => revision < later));
      assert.ok((await store.currentRevision()) >= later);
    },
  },
  {
    promise: "values are bytes: empty, binary and as large as the limit",
    check: async (store) => {
      const large = new Uint8Array(maxValueBytes).map((_, i) => i % 251);
      const values: Record<string, Uint8Array> = {
        "/p/empty": new Uint8Array(0),
        "/p/binary": Uint8Array.from({ length: 256 }, (_, i) => i),
        "/p/part": new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4),
        "/p/large": large,
      };
      for (const [key, value] of Object.entries(values)) {
        await store.create(key, value);
        const read = await store.get(key);
        assert.ok(read.value);
        assert.ok(Buffer.from(read.value.value).equals(value), key);
      }
    },
  },
  {
    promise: "a value over the limit is refused, and nothing is written",
    check: async (store) => {
      await rejectsWith(store.create(present, new Uint8Array(maxValueBytes + 1)), "TooLarge");
      assert.equal((await store.get(present)).value, undefined);
      const created = await store.create(present, encode("one"));
      await rejectsWith(store.update(present, new Uint8Array(2 * maxValueBytes), created), "TooLarge");
      assert.equal((await store.get(present)).value?.revision, created);
    },
  },
];

/** In byte order: what UTF-16 order gets wrong is the last two. */
const awkwardKeys = ["/p/", "/p/A", "/p/a", "/p/a\0", "/p/a/b", "/p/b", "/p/z", "/p/é", "/p/\uff5e", "/p/\u{1f600}"];

const rangeCases: readonly StorageCase[] = [
  {
    promise: "a range holds the keys with the prefix, all of them and no others",
    check: async (store) => {
      for (const key of ["/o", "/p", "/p/1", "/p/2", "/p0", "/q/1"]) await store.create(key, encode(key));
      const { items, count } = await store.range({ prefix: "/p/" });
      assert.deepEqual(keysOf(items), ["/p/1", "/p/2"]);
      assert.deepEqual(
        items.map((item) => decode(item.value)),
        ["/p/1", "/p/2"],
      );
      assert.equal(count, 2);
      assert.deepEqual(await store.range({ prefix: "/none/" }).then(({ items, count }) => [items, count]), [[], 0]);
    },
  },
  {
    promise: "keys are in the order of their bytes, beyond ASCII too",
    check: async (store) => {
      assert.deepEqual([...awkwardKeys].sort(compareKeys), awkwardKeys);
      for (const key of [...awkwardKeys].reverse()) await store.create(key, encode(key));
      assert.deepEqual(keysOf((await store.range({ prefix: "/p/" })).items), awkwardKeys);
    },
  },
  {
    promise: "pages by startKey and limit add up to the whole, and count says how much there is from there on",
    check: async (store) => {
      for (const key of awkwardKeys) await store.create(key, encode(key));
      const paged: string[] = [];
      let startKey = "/p/";
      for (;;) {
        const { items, count } = await store.range({
          prefix: "/p/",
          startKey,
          limit: 3,
        });
        assert.equal(count, awkwardKeys.length - paged.length);
        paged.push(...keysOf(items));
        const last = items.at(-1);
        if (last === undefined || items.length === count) break;
        startKey = `${last.key}\0`;
      }
      assert.deepEqual(paged, awkwardKeys);
    },
  },
  {
    promise: "a range is one state: its revision has everything acknowledged before, and nothing after",
    check: async (store) => {
      const created = await store.create("/p/1", encode("one"));
      const before = await store.range({ prefix: "/p/" });
      assert.ok(before.revision >= created);
      await store.create("/p/2", encode("two"));
      const again = await store.range({
        prefix: "/p/",
        revision: before.revision,
      });
      assert.deepEqual(again, before);
    },
  },
];

const lifeCases: readonly StorageCase[] = [
  {
    promise: "a store keeps its data, its revision and its identity when it is opened again",
    check: async (store, reopen) => {
      const created = await store.create("/p/1", encode("one"));
      const doomed = await store.create("/p/2", encode("two"));
      const deleted = await store.delete("/p/2", doomed);
      const { identity } = store;
      assert.ok(identity.length >= 16);
      const again = await reopen();
      assert.equal(again.identity, identity);
      assert.ok((await again.currentRevision()) >= deleted);
      const { items } = await again.range({ prefix: "/p/" });
      assert.deepEqual(
        items.map(({ key, revision }) => [key, revision]),
        [["/p/1", created]],
      );
      assert.ok((await again.create("/p/3", encode("three"))) > deleted);
    },
  },
  {
    promise: "a store that is well answers a ping and tells its size, and a closed one refuses everything",
    check: async (store) => {
      await store.ping();
      await store.create(present, encode("x"));
      assert.ok((await store.sizeBytes()) > 0);
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rejectsWith(store.ping(), "Closed");
      await rejectsWith(store.get(present), "Closed");
      await rejectsWith(store.range({ prefix: "/p/" }), "Closed");
      await rejectsWith(store.create(present, encode("x")), "Closed");
      await rejectsWith(store.update(present, encode("x"), 1), "Closed");
      await rejectsWith(store.delete(present, 1), "Closed");
      await rejectsWith(store.currentRevision(), "Closed");
    },
  },
  {
    promise: "who stops waiting for a read gets an answer at once",
    check: async (store) => {
      await rejectsWith(store.get(present, AbortSignal.abort()), "Unreachable");
      await rejectsWith(store.range({ prefix: "/p/" }, AbortSignal.abort()), "Unreachable");
    },
  },
];

export const storageCases: readonly StorageCase[] = [
  ...writeCases,
  ...rangeCases,
  ...historyCases,
  ...watchCases,
  ...lifeCases,
];
