import assert from "node:assert/strict";
import { test } from "node:test";
import type { WatchEvent } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import {
  newExpired,
  newServiceUnavailable,
  newTooManyRequests,
  statusError,
} from "../../apiserver/errors/status-error.ts";
import { FakeClient, type Verb } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { ResourceInformer } from "./informer.ts";
import { SharedInformers } from "./informers.ts";
import { silentLogger } from "./logger.ts";

const type: ResourceType = { group: "", version: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true };

const anObject = (name: string, namespace = "demo") => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
});

/** An informer over a server in memory, with what its handler heard. */
class Setup {
  readonly clock = new FakeClock();
  readonly client = new FakeClient(this.clock);
  readonly heard: string[] = [];
  readonly abort = new AbortController();
  readonly informer: ResourceInformer;
  running: Promise<void> = Promise.resolve();

  constructor(options: { namespace?: string; maxStaleSeconds?: number } = {}) {
    this.informer = new ResourceInformer({
      client: this.client,
      type,
      clock: this.clock,
      log: silentLogger,
      random: () => 0,
      ...options,
    });
    this.informer.addHandler({
      added: ({ metadata }) => this.heard.push(`+${metadata.name}`),
      updated: ({ metadata }) => this.heard.push(`~${metadata.name}`),
      deleted: ({ metadata }) => this.heard.push(`-${metadata.name}`),
    });
  }

  async start(): Promise<void> {
    this.running = this.informer.run(this.abort.signal);
    await settle();
  }

  create = (name: string, namespace = "demo") => this.client.create(type, anObject(name, namespace));
  remove = (name: string) => this.client.delete({ type, name, namespace: "demo" });
  label = (name: string) =>
    this.client.patch({ type, name, namespace: "demo" }, { type: "merge", body: { metadata: { labels: { a: "b" } } } });
  count = (verb: Verb) => this.client.requests.filter((request) => request.verb === verb).length;
  names = () => this.informer.lister.list().map(({ metadata }) => metadata.name);

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort.abort();
    await this.running;
  }
}

for (const refuseStreamingLists of [false, true]) {
  // API KC-17
  test(`follows the server, ${refuseStreamingLists ? "listing and watching" : "by a streaming list"}`, async () => {
    await using setup = new Setup();
    setup.client.refuseStreamingLists = refuseStreamingLists;
    for (const name of ["a", "b"]) await setup.create(name);
    assert.equal(setup.informer.synced, false);
    await setup.start();
    await setup.clock.advance(300);
    assert.equal(setup.informer.synced, true);
    await setup.label("a");
    await setup.remove("b");
    await setup.create("c");
    await settle();
    assert.deepEqual(setup.heard, ["+a", "+b", "~a", "-b", "+c"]);
    assert.deepEqual(setup.names(), ["a", "c"]);
    assert.equal(setup.count("list"), refuseStreamingLists ? 1 : 0);
  });
}

test("a long list is read in pages", async () => {
  await using setup = new Setup();
  setup.client.refuseStreamingLists = true;
  for (let number = 0; number < 1001; number++) await setup.create(`o${number}`);
  await setup.start();
  await setup.clock.advance(300);
  assert.equal(setup.names().length, 1001);
  assert.equal(setup.count("list"), 3);
});

test("a stream that ends is resumed where it was: no list, nothing missed, nothing twice", async () => {
  await using setup = new Setup();
  await setup.create("a");
  await setup.start();
  setup.client.closeWatches();
  await setup.create("b");
  await setup.clock.advance(1_000);
  assert.deepEqual(setup.heard, ["+a", "+b"]);
  assert.equal(setup.count("list"), 0);
});

// API KC-17
test("410 costs a relist, of which handlers hear the differences", async () => {
  await using setup = new Setup();
  for (const name of ["kept", "gone"]) await setup.create(name);
  await setup.start();
  setup.client.closeWatches();
  await setup.remove("gone");
  await setup.create("new");
  setup.client.compact();
  await setup.clock.advance(5_000);
  assert.deepEqual(setup.heard, ["+kept", "+gone", "-gone", "+new"]);
});

const failures: Record<string, { error: Error; atMost: number }> = {
  "a server that is down": { error: newServiceUnavailable("down"), atMost: 2_000 },
  "a broken connection": { error: new TypeError("terminated"), atMost: 2_000 },
  "a server that asks for patience": { error: newTooManyRequests("busy", 3), atMost: 10_000 },
  "no permission": { error: statusError(403, "Forbidden", "no"), atMost: 2_000 },
  "an expired position": { error: newExpired("old"), atMost: 2_000 },
};
for (const [name, { error, atMost }] of Object.entries(failures)) {
  test(`survives ${name}, at the start and later`, async () => {
    await using setup = new Setup();
    await setup.create("a");
    setup.client.fail(({ verb }) => verb === "watch", error, 3);
    await setup.start();
    assert.equal(setup.informer.synced, false);
    await setup.clock.advance(atMost);
    assert.equal(setup.informer.synced, true);

    setup.client.fail(({ verb }) => verb === "watch", error, 3);
    setup.client.closeWatches();
    await setup.create("b");
    await setup.clock.advance(atMost);
    assert.deepEqual(setup.heard, ["+a", "+b"]);
  });
}

test("retries back off, up to 30 s", async () => {
  await using setup = new Setup();
  setup.client.fail(() => true, newServiceUnavailable("down"), Number.POSITIVE_INFINITY);
  await setup.start();
  await setup.clock.advance(600_000);
  assert.ok(setup.count("watch") < 40, `${setup.count("watch")} attempts in ten minutes`);
});

test("a server that ignores the wish for initial events is listed instead", async () => {
  class Ignorant extends FakeClient {
    override async *watch(...[of, { sendInitialEvents, ...query }, signal]: Parameters<FakeClient["watch"]>) {
      if (sendInitialEvents !== true) yield* super.watch(of, query, signal);
      else for await (const event of super.watch(of, query, signal)) yield event satisfies WatchEvent;
    }
  }
  const clock = new FakeClock();
  const client = new Ignorant(clock);
  await client.create(type, anObject("a"));
  const abort = new AbortController();
  const informer = new ResourceInformer({ client, type, clock, log: silentLogger });
  const running = informer.run(abort.signal);
  await clock.advance(29_000);
  assert.equal(informer.synced, false);
  await clock.advance(2_000);
  assert.equal(informer.synced, true);
  abort.abort();
  await running;
});

test("a connection that outlives its own end is given up", async () => {
  await using setup = new Setup();
  await setup.start();
  await setup.clock.advance(299_000);
  assert.equal(setup.count("watch"), 1);
  await setup.clock.advance(32_000);
  assert.equal(setup.count("watch"), 2);
});

// API A-07
test("whoever may not be old for long is told sooner of a dead connection", async () => {
  await using setup = new Setup({ maxStaleSeconds: 150 });
  await setup.start();
  const watches = setup.count("watch");
  await setup.clock.advance(89_000);
  assert.equal(setup.count("watch"), watches);
  await setup.clock.advance(61_000);
  assert.ok(setup.count("watch") > watches);
});

test("one namespace only", async () => {
  await using setup = new Setup({ namespace: "demo" });
  await setup.create("a");
  await setup.create("b", "other");
  await setup.start();
  assert.deepEqual(setup.names(), ["a"]);
});

test("a late handler hears of what is there; a removed one of nothing; one that throws harms nobody", async () => {
  await using setup = new Setup();
  await setup.create("a");
  await setup.start();
  const late: string[] = [];
  setup.informer.addHandler({
    added: () => {
      throw new Error("broken handler");
    },
  });
  const remove = setup.informer.addHandler({ added: ({ metadata }) => late.push(metadata.name ?? "") });
  await setup.create("b");
  await settle();
  remove();
  await setup.create("c");
  await settle();
  assert.deepEqual(late, ["a", "b"]);
  assert.deepEqual(setup.heard, ["+a", "+b", "+c"]);
});

test("waiting for the cache ends with it or with the signal", async () => {
  await using setup = new Setup();
  const never = setup.informer.whenSynced(AbortSignal.abort(new Error("enough")));
  await assert.rejects(never, /enough/);
  const synced = setup.informer.whenSynced(setup.abort.signal);
  await setup.start();
  await synced;
});

test("one informer per type and namespace, also when asked for late", async () => {
  const clock = new FakeClock();
  const informers = new SharedInformers({ client: new FakeClient(clock), clock, log: silentLogger });
  const first = informers.informer(type);
  assert.equal(informers.informer({ ...type }), first);
  assert.notEqual(informers.informer(type, "demo"), first);
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  const late = informers.informer(type, "late");
  await informers.whenSynced(abort.signal);
  assert.ok(late.synced);
  abort.abort();
  await running;
});
