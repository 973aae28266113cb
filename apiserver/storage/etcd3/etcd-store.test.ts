import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { storageConformance } from "../../../test/conformance/storage.ts";
import { collect, encode, rejectsWith, summary } from "../../../test/conformance/storage-case.ts";
import { EtcdProcess, findEtcd } from "../../../test/support/etcd.ts";
import { openEtcd } from "./etcd-store.ts";

const found = findEtcd();

if ("missing" in found) test("storage etcd", { skip: found.missing }, () => {});
else withEtcd(found.binary);

function withEtcd(binary: string): void {
  let etcd: EtcdProcess;
  before(async () => {
    etcd = await EtcdProcess.start(binary);
  });
  after(() => etcd[Symbol.asyncDispose]());

  storageConformance({
    name: "etcd",
    open: (store) => openEtcd({ endpoints: [etcd.endpoint], prefix: `/${store}` }),
    skip: [],
  });

  test("etcd: prefixes are stores of their own, and none is a store too", async () => {
    await using whole = await openEtcd({ endpoints: [etcd.endpoint] });
    await using part = await openEtcd({ endpoints: [etcd.endpoint], prefix: "/part" });
    assert.notEqual(whole.identity, part.identity);
    await part.create("/registry/g/r/n", encode("x"));
    assert.equal((await whole.get("/registry/g/r/n")).value, undefined);
    assert.equal((await whole.range({ prefix: "/part/registry/g/" })).count, 1);
  });

  test("etcd: clients of one store see each other's writes at once, and share its identity", async () => {
    await using one = await openEtcd({ endpoints: [etcd.endpoint], prefix: "/shared" });
    await using two = await openEtcd({ endpoints: [etcd.endpoint], prefix: "/shared" });
    assert.equal(one.identity, two.identity);
    const revision = await one.create("/p/a", encode("x"));
    assert.equal((await two.get("/p/a")).value?.revision, revision);
    assert.ok((await two.currentRevision()) >= revision);
    await rejectsWith(two.create("/p/a", encode("y")), "KeyExists");
  });

  // API T-07
  test("etcd: a list larger than a page is one state", { timeout: 60_000 }, async () => {
    await using store = await openEtcd({ endpoints: [etcd.endpoint], prefix: "/pages" });
    const value = new Uint8Array(20_000);
    const keys = Array.from({ length: 1200 }, (_, i) => `/p/${String(i).padStart(4, "0")}`);
    await Promise.all(keys.map((key) => store.create(key, value)));
    const listing = store.range({ prefix: "/p/" });
    await store.create("/p/9999", value);
    const { items, count, revision } = await listing;
    assert.equal(items.length, count);
    assert.deepEqual(
      items.slice(0, 1200).map((item) => item.key),
      keys,
    );
    const again = await store.range({ prefix: "/p/", revision });
    assert.deepEqual(
      again.items.map((item) => item.key),
      items.map((item) => item.key),
    );
  });

  // API T-16
  test("etcd: a watch goes on after etcd was away, without gaps; calls meanwhile are unreachable", async () => {
    await using own = await EtcdProcess.start(binary);
    await using store = await openEtcd({ endpoints: [own.endpoint], requestTimeoutMs: 1000 });
    await using watch = store.watch({ prefix: "/p/", after: await store.currentRevision(), previous: true });
    const seen = collect(watch, (events) => events.length === 3);
    const created = await store.create("/p/a", encode("1"));
    await own.kill();
    await rejectsWith(store.get("/p/a"), "Unreachable");
    await rejectsWith(store.ping(), "Unreachable");
    await rejectsWith(store.update("/p/a", encode("x"), created), "Unreachable");
    await own.start();
    const updated = await store.update("/p/a", encode("2"), created);
    watch.requestProgress();
    await store.delete("/p/a", updated);
    assert.deepEqual((await seen).map(summary), ["put /p/a=1", "put /p/a=2 was 1", "delete /p/a was 2"]);
  });

  test("etcd: nobody there is said at once", async () => {
    await using gone = await EtcdProcess.start(binary);
    await gone.kill();
    await rejectsWith(openEtcd({ endpoints: [gone.endpoint], requestTimeoutMs: 1000 }), "Unreachable");
  });
}
