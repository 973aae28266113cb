import assert from "node:assert/strict";
import test from "node:test";
import { collect, encode, rejectsWith } from "../../../test/conformance/storage-case.ts";
import { FakeClock, settle } from "../../../test/support/fake-clock.ts";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { TestStoreMemory } from "../../../test/support/test-store-memory.ts";
import { StorageError } from "../errors.ts";
import type { StorageEvent } from "../interface.ts";
import { GuardedBackend } from "./guarded-backend.ts";
import { StoreGuard } from "./store-guard.ts";
import { nameOfStore } from "./store-memory.ts";

/** Says late where it stood when it was asked. */
class SlowToSay extends MemoryBackend {
  meanwhile: () => Promise<unknown> = async () => undefined;

  override async position() {
    const position = await super.position();
    await this.meanwhile();
    return position;
  }
}

function guarded(backend: MemoryBackend, memory: TestStoreMemory) {
  const clock = new FakeClock();
  const ending = new AbortController();
  const log: string[] = [];
  const guard = new StoreGuard({
    backend,
    memory,
    clock,
    signal: ending.signal,
    onRefused: (why) => log.push(why),
    onUsable: () => log.push("usable"),
    onFailure: (error) => log.push(String(error)),
  });
  const troubles: string[] = [];
  const store = new GuardedBackend(backend, guard, {
    onFailure: ({ code }) => troubles.push(code),
    onSuccess: () => troubles.push("fine"),
  });
  return { backend, memory, clock, guard, store, log, troubles, end: () => ending.abort() };
}

/** A store with one key at revision 2, in use and remembered. */
async function inUse() {
  const parts = guarded(new MemoryBackend(), new TestStoreMemory());
  await parts.guard.check();
  await parts.store.create("/p/a", encode("1"));
  await parts.clock.advance(10_000);
  assert.equal(parts.memory.remembered?.position.revision, 2);
  return parts;
}

test("guard: nothing is served before the store was compared; a store nobody remembers is taken and remembered", async () => {
  const { guard, store, memory, backend, log } = guarded(new MemoryBackend(), new TestStoreMemory());
  await rejectsWith(store.get("/p/a"), "Unusable");
  await guard.check();
  await store.create("/p/a", encode("1"));
  assert.deepEqual(memory.remembered, {
    position: { identity: backend.identity, revision: 1, objects: 0, marks: 0 },
    acceptances: 0,
  });
  assert.deepEqual(log, ["usable"]);
});

test("guard: a write that is done while the store is asked where it stands is no reason to doubt it", async () => {
  const backend = new SlowToSay();
  const { guard, store, log } = guarded(backend, new TestStoreMemory());
  await guard.check();
  backend.meanwhile = () => store.create("/p/meanwhile", encode("1"));
  await guard.check();
  assert.equal(guard.refusal, undefined);
  assert.deepEqual(log, ["usable"]);
});

type Harm = (parts: Awaited<ReturnType<typeof inUse>>) => void | Promise<void>;
const harms: Record<string, { readonly harm: Harm; readonly why: RegExp }> = {
  emptied: {
    harm: ({ backend }) => backend.wipe(),
    why: /^the store is empty, where there was one with 1 keys at revision 2; to go on with what is there: accept empty$/,
  },
  "another one": {
    harm: ({ backend }) => backend.wipe("somebody's"),
    why: /^the store is another one: its identity is somebody's, that of the one used before is \S+; .*accept somebody's$/,
  },
  "put back to an earlier state": {
    harm: async ({ backend, store }) => {
      const restore = backend.backup();
      await store.create("/p/b", encode("2"));
      restore();
    },
    why: /^the store is older than it was: its newest revision is 2, and 3 had been reached; /,
  },
};

for (const [name, { harm, why }] of Object.entries(harms)) {
  // API T-18, KC-05
  test(`guard: a store that is ${name} under the running server answers nothing, and no watch tells of it`, async () => {
    const parts = await inUse();
    const { backend, store, guard, clock, log } = parts;
    const events: StorageEvent[] = [];
    const watch = store.watch({ prefix: "/p/", after: 1 });
    const ended = collect(watch, (seen) => {
      events.splice(0, events.length, ...seen);
      return false;
    }).catch((error: unknown) => error);
    await settle();
    const comeBack = backend.backup();
    await harm(parts);
    await rejectsWith(store.get("/p/a"), "Unusable");
    await settle();
    for (const operation of [
      () => store.get("/p/a"),
      () => store.range({ prefix: "/p/" }),
      () => store.currentRevision(),
      () => store.create("/p/new", encode("x")),
      () => store.delete("/p/a", 2),
      () => store.pingWrite(),
    ])
      await rejectsWith(operation(), "Unusable");
    assert.match(guard.refusal ?? "", why);
    await ended;
    assert.deepEqual(
      events.filter(({ type }) => type === "delete"),
      [],
    );
    await clock.advance(5000);
    assert.match(guard.refusal ?? "", why);

    comeBack();
    if (name.startsWith("put back")) await rejectsWith(store.get("/p/a"), "Unusable");
    else {
      await clock.advance(1000);
      assert.equal((await store.get("/p/a")).value?.revision, 2);
      assert.equal(log.at(-1), "usable");
    }
  });

  test(`guard: a store that is ${name} at the start is refused, until somebody accepts it by name`, async () => {
    const before = await inUse();
    const { memory } = before;
    await before.store.create("/p/c", encode("3"));
    await before.clock.advance(10_000);
    const fresh = new MemoryBackend();
    await fresh.adopt({ identity: before.backend.identity, revision: 1, objects: 0, marks: 0 });
    if (name === "emptied") fresh.wipe();
    if (name === "another one") fresh.wipe("somebody's");
    const { guard, store, clock } = guarded(fresh, memory);
    await guard.check();
    await rejectsWith(store.range({ prefix: "/p/" }), "Unusable");
    const found = await store.position();
    memory.accepted = "another name";
    await clock.advance(1000);
    await rejectsWith(store.range({ prefix: "/p/" }), "Unusable");
    memory.accepted = nameOfStore(found);
    await clock.advance(1000);
    assert.equal((await store.range({ prefix: "/p/" })).count, 0);
    await store.create("/p/new", encode("x"));
    assert.equal(memory.accepted, undefined, "accepted once");
    assert.equal(memory.remembered?.acceptances, 1);
    assert.equal(memory.remembered?.position.identity, store.identity);
  });
}

test("guard: what one server of an installation accepted, the others go on with", async () => {
  const { backend, memory, guard, store, clock } = await inUse();
  backend.wipe("somebody's");
  await clock.advance(10_000);
  assert.ok(guard.refusal !== undefined);
  memory.remembered = {
    position: { identity: "somebody's", revision: 1, objects: 0, marks: 0 },
    acceptances: 1,
  };
  await clock.advance(1000);
  assert.equal(guard.refusal, undefined);
  assert.equal((await store.range({ prefix: "/p/" })).count, 0);
});

test("guard: a store that was filled by an import of the one before is that one's successor", async () => {
  const { backend, memory } = await inUse();
  const successor = new MemoryBackend();
  const position = successor.position.bind(successor);
  successor.position = async () => ({ ...(await position()), replaces: backend.identity });
  const { guard } = guarded(successor, memory);
  await guard.check();
  assert.equal(guard.refusal, undefined);
});

test("guard: more keys gone than there were writes is no work of ours", async () => {
  const { backend, guard, clock } = await inUse();
  const position = backend.position.bind(backend);
  backend.position = async () => ({ ...(await position()), objects: -1 });
  await clock.advance(10_000);
  assert.match(guard.refusal ?? "", /^the store has lost keys: -1 of 1 are left after 0 writes/);
});

test("guard: a memory that cannot be read keeps the start waiting, one that cannot be written does not stop a store", async () => {
  const parts = guarded(new MemoryBackend(), new TestStoreMemory());
  parts.memory.failure = new Error("the host cluster is away");
  await parts.guard.check();
  await rejectsWith(parts.store.get("/p/a"), "Unusable");
  parts.memory.failure = undefined;
  await parts.clock.advance(1000);
  await parts.store.create("/p/a", encode("1"));
  parts.memory.failure = new Error("the host cluster is away");
  await parts.clock.advance(20_000);
  assert.equal((await parts.store.get("/p/a")).value?.revision, 2);
  parts.memory.failure = undefined;
  await parts.store.create("/p/b", encode("1"));
  await parts.clock.advance(10_000);
  assert.equal(parts.memory.remembered?.position.revision, 3);
});

test("guard: a store that does not answer is not another one; its trouble is told, and its end", async () => {
  const { backend, guard, store, troubles, clock } = await inUse();
  const create = backend.create.bind(backend);
  backend.create = async () => {
    throw new StorageError("Full", {});
  };
  await rejectsWith(store.create("/p/b", encode("1")), "Full");
  backend.create = create;
  await store.create("/p/b", encode("1"));
  assert.deepEqual(troubles, ["fine", "Full", "fine"]);
  backend.position = async () => {
    throw new StorageError("Unreachable", {});
  };
  await clock.advance(60_000);
  assert.equal(guard.refusal, undefined);
});

test("guard: a store that nobody writes to is not written to for the sake of its mark", async () => {
  const { backend, clock } = await inUse();
  let marks = 0;
  const mark = backend.mark.bind(backend);
  backend.mark = () => {
    marks++;
    return mark();
  };
  await clock.advance(60_000);
  assert.equal(marks, 0);
});
