import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { ownerUidIndex } from "./interface.ts";
import { narrow } from "./lister.ts";
import { ObjectStore } from "./object-store.ts";

const anObject = (name: string, metadata: ObjectMeta = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "demo", uid: name, ...metadata, name },
});
const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name).sort();
const owner = (uid: string) => ({ apiVersion: "v1", kind: "Pod", name: uid, uid });

test("objects are found by key, namespace and index, and are the ones that were put", () => {
  const store = new ObjectStore();
  const a = anObject("a", { ownerReferences: [owner("o1"), owner("o2")] });
  store.put(a);
  store.put(anObject("b", { namespace: "other" }));
  assert.equal(store.get({ namespace: "demo", name: "a" }), a);
  assert.deepEqual(names(store.list()), ["a", "b"]);
  assert.deepEqual(names(store.list("other")), ["b"]);
  assert.deepEqual(store.byIndex(ownerUidIndex, "o2"), [a]);
  assert.throws(() => store.byIndex("nonesuch", ""), /no index named "nonesuch"/);
});

test("indexes follow changes, and may be added late", () => {
  const store = new ObjectStore();
  store.put(anObject("a", { labels: { tier: "1" }, resourceVersion: "1" }));
  store.addIndex("tier", ({ metadata }) => [metadata.labels?.tier ?? ""]);
  store.addIndex("tier", () => ["ignored"]);
  assert.deepEqual(names(store.byIndex("tier", "1")), ["a"]);
  store.put(anObject("a", { labels: { tier: "2" }, resourceVersion: "2" }));
  assert.deepEqual(names(store.byIndex("tier", "1")), []);
  assert.deepEqual(names(store.byIndex("tier", "2")), ["a"]);
  store.remove(anObject("a"));
  assert.deepEqual(names(store.byIndex("tier", "2")), []);
});

test("changes are told as what they are", () => {
  const store = new ObjectStore();
  const put = (metadata: ObjectMeta) => store.put(anObject("a", metadata))?.type;
  assert.equal(put({ resourceVersion: "1" }), "added");
  assert.equal(put({ resourceVersion: "1" }), undefined, "the same state is no change");
  assert.equal(put({ resourceVersion: "2" }), "updated");
  assert.equal(put({ resourceVersion: "3", uid: "another" }), "replaced");
  assert.equal(store.remove(anObject("a", { resourceVersion: "4" }))?.type, "deleted");
  assert.equal(store.remove(anObject("a")), undefined);
});

test("replacing all tells the differences only", () => {
  const store = new ObjectStore();
  for (const name of ["kept", "changed", "gone"]) store.put(anObject(name, { resourceVersion: "1" }));
  const changes = store.replace([
    anObject("kept", { resourceVersion: "1" }),
    anObject("changed", { resourceVersion: "2" }),
    anObject("new", { resourceVersion: "3" }),
  ]);
  assert.deepEqual(
    [...changes].map(({ type, object }) => `${type} ${object.metadata.name}`),
    ["deleted gone", "updated changed", "added new"],
  );
});

test("a narrowed lister shows one kind only", () => {
  type Pod = KubeObject & { kind: "Pod" };
  const store = new ObjectStore();
  store.put(anObject("a"));
  store.put({ ...anObject("p"), kind: "Pod" });
  const pods = narrow(store, (object): object is Pod => object.kind === "Pod");
  assert.deepEqual(names(pods.list()), ["p"]);
  assert.equal(pods.get({ namespace: "demo", name: "a" }), undefined);
});
