/** What becomes of those who follow a store when the etcd behind its address is no longer what it was. */
import assert from "node:assert/strict";
import test from "node:test";
import { Etcd3 } from "etcd3";
import { collect, encode, rejectsWith, summary } from "../../../test/conformance/storage-case.ts";
import { EtcdProcess, findEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/processes.ts";
import { TcpSwitch } from "../../../test/support/tcp-switch.ts";
import { TestStoreMemory } from "../../../test/support/test-store-memory.ts";
import { systemClock } from "../../machinery/clock.ts";
import { GuardedBackend } from "../guard/guarded-backend.ts";
import { StoreGuard } from "../guard/store-guard.ts";
import { nameOfStore } from "../guard/store-memory.ts";
import type { StorageEvent } from "../interface.ts";
import { openEtcd } from "./etcd-store.ts";

const keys = ["/registry/g/r/a", "/registry/g/r/b", "/registry/g/r/c"];

/** A server's view of the store behind `port`. */
async function serverAt(port: number, memory: TestStoreMemory) {
  const ending = new AbortController();
  const opened = await openEtcd({
    endpoints: [`http://127.0.0.1:${port}`],
    requestTimeoutMs: 2000,
    asFound: true,
  });
  const guard = new StoreGuard({
    backend: opened,
    memory,
    clock: systemClock,
    signal: ending.signal,
    onRefused: () => {},
    onUsable: () => {},
    onFailure: () => {},
  });
  await guard.check();
  const store = new GuardedBackend(opened, guard, { onFailure: () => {}, onSuccess: () => {} });
  return {
    guard,
    store,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** A store with some keys, in use and remembered, and everything that a watch of it was told. */
async function inUse(binary: string) {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await EtcdProcess.start(binary));
  const way = stack.use(await TcpSwitch.to(etcd.port));
  const memory = new TestStoreMemory();
  const server = stack.use(await serverAt(way.port, memory));
  const { store, guard } = server;
  const told: StorageEvent[] = [];
  const follow = async (): Promise<void> => {
    const watch = store.watch({ prefix: "/registry/g/", after: 1 });
    await collect(watch, (events) => {
      told.splice(0, told.length, ...events);
      return false;
    }).catch(() => undefined);
  };
  const following = follow();
  for (const key of keys) await store.create(key, encode(key));
  await eventually(async () => assert.equal(told.length, keys.length));
  await guard.check();
  const owned = stack.move();
  return { etcd, way, memory, store, guard, told, following, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

type InUse = Awaited<ReturnType<typeof inUse>>;

async function servesNothing({ store, told }: InUse): Promise<void> {
  for (const operation of [
    () => store.get(keys[0] ?? ""),
    () => store.range({ prefix: "/registry/g/" }),
    () => store.currentRevision(),
    () => store.create("/registry/g/r/new", encode("x")),
    () => store.update(keys[0] ?? "", encode("x"), 2),
    () => store.delete(keys[0] ?? "", 2),
    () => store.pingWrite(),
  ])
    await rejectsWith(operation(), "Unusable");
  assert.deepEqual(told.filter(({ type }) => type === "delete").map(summary), []);
}

const raw = (etcd: EtcdProcess): Etcd3 => new Etcd3({ hosts: etcd.endpoint });

async function keysIn(etcd: EtcdProcess): Promise<readonly string[]> {
  const client = raw(etcd);
  try {
    return (await client.getAll().keys()).sort();
  } finally {
    client.close();
  }
}

type Scenario = {
  readonly why: RegExp;
  /** Does the harm; returns how to undo it, where it can be. */
  readonly harm: (parts: InUse, other: EtcdProcess) => Promise<(() => Promise<void>) | undefined>;
};

const scenarios: Record<string, Scenario> = {
  "its address leads to an empty etcd": {
    why: /^the store is empty, where there was one with 4 keys/,
    harm: async ({ way, etcd }, other) => {
      way.lead(other.port);
      return async () => way.lead(etcd.port);
    },
  },
  "its address leads to somebody else's etcd": {
    why: /^the store is another one: /,
    harm: async ({ way, etcd }, other) => {
      await using somebody = await openEtcd({ endpoints: [other.endpoint] });
      for (let i = 0; i < 30; i++) await somebody.create(`/registry/g/r/${i}`, encode("theirs"));
      way.lead(other.port);
      return async () => way.lead(etcd.port);
    },
  },
  "its data is wiped and the same etcd started again": {
    why: /^the store is empty/,
    harm: async ({ etcd }) => {
      const restore = await etcd.backup();
      await etcd.wipe();
      return restore;
    },
  },
  "every key is deleted by hand": {
    why: /^the store is empty/,
    harm: async ({ etcd }) => {
      const client = raw(etcd);
      await client.delete().all();
      client.close();
      return undefined;
    },
  },
  "a resource's keys are deleted by hand, all at once": {
    why: /^the store has lost keys: 1 of 4 are left after \d writes/,
    harm: async ({ etcd }) => {
      const client = raw(etcd);
      await client.delete().prefix("/registry/g/");
      client.close();
      return undefined;
    },
  },
  "an older snapshot is restored": {
    why: /^the store is older than it was: its newest revision is \d+, and \d+ had been reached/,
    harm: async ({ etcd, store }) => {
      const restore = await etcd.backup();
      await eventually(() => store.create("/registry/g/r/later", encode("x")));
      const newest = await etcd.backup();
      await eventually(() => store.get("/registry/g/r/later"));
      await restore();
      return newest;
    },
  },
  "an older snapshot is restored, and its revisions are raised": {
    why: /^the store is older than it was: it was put back to where it stood before its mark \d/,
    harm: async ({ etcd, store, guard }) => {
      const restore = await etcd.backup();
      await eventually(() => store.create("/registry/g/r/later", encode("x")));
      await guard.check();
      const newest = await etcd.backup();
      await restore();
      const client = raw(etcd);
      for (let i = 0; i < 30; i++) await client.put("elsewhere").value(String(i));
      client.close();
      return newest;
    },
  },
};

function withEtcd(binary: string): void {
  for (const [name, { why, harm }] of Object.entries(scenarios)) {
    test(`etcd guard: nothing is served, written or told as deleted when ${name}`, { timeout: 60_000 }, async () => {
      await using other = await EtcdProcess.start(binary);
      await using parts = await inUse(binary);
      const { store, guard, memory } = parts;
      const undo = await harm(parts, other);
      // Whoever asks first finds out; a watch may have before.
      await eventually(() => rejectsWith(store.get(keys[0] ?? ""), "Unusable"));
      await eventually(async () => assert.match(guard.refusal ?? "", why));
      await servesNothing(parts);
      await parts.following;
      const theirs = await keysIn(other);
      assert.deepEqual(
        theirs.filter((key) => key.endsWith("/new")),
        [],
      );
      if (name.includes("empty etcd")) assert.deepEqual(theirs, [], "a store that is not ours is not written to");

      if (undo === undefined) {
        memory.accepted = nameOfStore(await store.position());
      } else await undo();
      await eventually(async () => {
        await guard.check();
        assert.equal(guard.refusal, undefined);
      });
      const { items } = await store.range({ prefix: "/registry/g/" });
      const back = items.map(({ key }) => key).filter((key) => keys.includes(key));
      assert.deepEqual(back, undo === undefined ? [] : keys);
      await store.create("/registry/g/r/after", encode("x"));
    });
  }

  test("etcd guard: an etcd that is away for a while is not another one, and nothing is missed", {
    timeout: 60_000,
  }, async () => {
    await using parts = await inUse(binary);
    const { etcd, store, guard, told, way } = parts;
    way.lead(undefined);
    await rejectsWith(store.get(keys[0] ?? ""), "Unreachable");
    await guard.check();
    assert.equal(guard.refusal, undefined);
    way.lead(etcd.port);
    await eventually(() => store.create("/registry/g/r/z", encode("z")));
    await eventually(async () => assert.equal(summary(told.at(-1) ?? assert.fail()), "put /registry/g/r/z=z"));
  });

  test("etcd guard: deletions of another server of the same store are told", async () => {
    await using parts = await inUse(binary);
    const { etcd, told, memory, guard } = parts;
    await using colleague = await serverAt(etcd.port, memory);
    const { items } = await colleague.store.range({ prefix: "/registry/g/" });
    await Promise.all(items.map(({ key, revision }) => colleague.store.delete(key, revision)));
    await eventually(async () => assert.equal(told.filter(({ type }) => type === "delete").length, keys.length));
    await guard.check();
    assert.equal(guard.refusal, undefined);
  });

  test("etcd guard: before a start as well: an emptied etcd is neither served nor written to", async () => {
    await using parts = await inUse(binary);
    await parts.etcd.wipe();
    await using server = await serverAt(parts.etcd.port, parts.memory);
    assert.match(server.guard.refusal ?? "", /^the store is empty/);
    await rejectsWith(server.store.range({ prefix: "/registry/g/" }), "Unusable");
    assert.deepEqual(await keysIn(parts.etcd), []);
  });
}

const found = findEtcd();
if ("missing" in found) test("etcd guard", { skip: found.missing }, () => {});
else withEtcd(found.binary);
