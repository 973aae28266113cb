import assert from "node:assert/strict";
import type { Revision, StorageBackend } from "../../apiserver/storage/interface.ts";
import { decode, encode, rejectsWith, type StorageCase } from "./storage-case.ts";

/** Past states and compaction: the part of `storageConformance` about what was. */

async function stateAt(store: StorageBackend, revision: Revision): Promise<Record<string, string | undefined>> {
  const { items, count } = await store.range({ prefix: "/p/", revision });
  assert.equal(count, items.length);
  return Object.fromEntries(items.map((item) => [item.key, decode(item.value)]));
}

/** Every kind of change to three keys; returns the state after each write. */
async function writeHistory(store: StorageBackend): Promise<{ revision: Revision; state: Record<string, string> }[]> {
  const history: { revision: Revision; state: Record<string, string> }[] = [];
  let state: Record<string, string> = {};
  const put = (key: string, value: string, revision: Revision) => {
    state = { ...state, [key]: value };
    history.push({ revision, state });
    return revision;
  };
  const drop = (key: string, revision: Revision) => {
    const { [key]: _dropped, ...rest } = state;
    state = rest;
    history.push({ revision, state });
  };
  const a = put("/p/a", "a1", await store.create("/p/a", encode("a1")));
  const b = put("/p/b", "b1", await store.create("/p/b", encode("b1")));
  const a2 = put("/p/a", "a2", await store.update("/p/a", encode("a2"), a));
  drop("/p/b", await store.delete("/p/b", b));
  put("/p/c", "c1", await store.create("/p/c", encode("c1")));
  const b2 = put("/p/b", "b2", await store.create("/p/b", encode("b2")));
  drop("/p/a", await store.delete("/p/a", a2));
  put("/p/b", "b3", await store.update("/p/b", encode("b3"), b2));
  return history;
}

export const historyCases: readonly StorageCase[] = [
  {
    promise: "a range at a past revision is the state of then",
    check: async (store) => {
      const history = await writeHistory(store);
      for (const { revision, state } of history) assert.deepEqual(await stateAt(store, revision), state);
      const { revision } = history[1] ?? assert.fail();
      const page = await store.range({ prefix: "/p/", revision, limit: 1 });
      assert.deepEqual([page.items.map((item) => item.key), page.count, page.revision], [["/p/a"], 2, revision]);
      const rest = await store.range({
        prefix: "/p/",
        revision,
        startKey: "/p/a\0",
        limit: 5,
      });
      assert.deepEqual([rest.items.map((item) => item.key), rest.count], [["/p/b"], 1]);
    },
  },
  {
    promise: "a range at a revision that does not exist yet is refused",
    check: async (store) => {
      const current = await store.currentRevision();
      await rejectsWith(store.range({ prefix: "/p/", revision: current + 1000 }), "FutureRevision");
    },
  },
  {
    promise: "compaction keeps every state from its revision on, and refuses older ones",
    check: async (store, reopen) => {
      const history = await writeHistory(store);
      const middle = history[4] ?? assert.fail();
      await store.compact(middle.revision);
      assert.equal(await store.compactedRevision(), middle.revision);
      const check = async (opened: StorageBackend) => {
        for (const { revision, state } of history) {
          if (revision < middle.revision) await rejectsWith(opened.range({ prefix: "/p/", revision }), "Compacted");
          else assert.deepEqual(await stateAt(opened, revision), state);
        }
      };
      await check(store);
      await check(await reopen());
    },
  },
  {
    promise: "compaction to the newest revision changes nothing that is there, nor the revision",
    check: async (store, reopen) => {
      const history = await writeHistory(store);
      const last = history.at(-1) ?? assert.fail();
      const doomed = await store.create("/p/doomed", encode("x"));
      const deleted = await store.delete("/p/doomed", doomed);
      await store.compact(deleted);
      const again = await reopen();
      const current = await again.currentRevision();
      assert.ok(current >= deleted);
      assert.deepEqual(await stateAt(again, current), last.state);
      assert.ok((await again.create("/p/next", encode("x"))) > deleted);
      assert.ok((await again.compactedRevision()) >= deleted);
    },
  },
  {
    promise: "compaction to where it has been before, or to the future, is refused",
    check: async (store) => {
      const first = await store.create("/p/1", encode("x"));
      const second = await store.create("/p/2", encode("x"));
      await store.compact(second);
      await rejectsWith(store.compact(first), "Compacted");
      await rejectsWith(store.compact((await store.currentRevision()) + 1000), "FutureRevision");
    },
  },
];
