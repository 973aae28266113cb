/** Any number of served versions over the one that is stored (design D5). */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { aWidget, brief, take } from "../../../test/support/objects.ts";
import {
  aContext,
  isFullStorage,
  laterWidgets,
  listOptions,
  patchOf,
  putTo,
  refused,
  WidgetServer,
  watchOptions,
  writeOf,
} from "../../../test/support/widgets.ts";
import type { AdmissionAttributes } from "../../admission/interface.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import { parseFieldSelector } from "../../machinery/selectors.ts";

const key = "/registry/test.example/widgets/demo/a";
const context = aContext();
const newest = { resourceVersion: "" };

function twoVersions(t: TestContext, options: ConstructorParameters<typeof WidgetServer>[1] = {}) {
  const server = new WidgetServer(t, { ...options, definition: { otherVersions: [laterWidgets] } });
  const { storage: v2, subresources } = server.inVersion("v2");
  assert.ok(isFullStorage(v2));
  const subresource = (name: string) => subresources.find((each) => each.name === name)?.storage ?? assert.fail(name);
  return { server, v1: server.store, v2, status: subresource("status"), scale: subresource("scale") };
}

/** A widget as version 2 says it. */
function aLaterWidget(name: string, spec: object = { measures: { size: 1 }, colour: "red" }): KubeObject {
  return { ...aWidget(name), apiVersion: "test.example/v2", ...JSON.parse(JSON.stringify({ spec })) };
}

const storedText = async (backend: MemoryBackend): Promise<string> =>
  Buffer.from((await backend.get(key)).value?.value ?? []).toString();

// API CR-08
test("an object is stored once, in the stored version, whichever it came in", async (t) => {
  const backend = new MemoryBackend();
  const { server, v1, v2 } = twoVersions(t, { backend });
  const { item, created } = await v2.create(context, writeOf("", aLaterWidget("a")));
  assert.ok(created);
  assert.deepEqual(
    [item.object.apiVersion, item.object.spec],
    ["test.example/v2", { measures: { size: 1 }, colour: "red" }],
  );
  assert.deepEqual(JSON.parse(Buffer.from(item.json).toString()), item.object);
  assert.match(await storedText(backend), /^\{"apiVersion":"test\.example\/v1".*"spec":\{"size":1,"color":"red"\}\}$/);
  const asV1 = await v1.get(context, "a", newest);
  assert.deepEqual([asV1.object.apiVersion, asV1.object.spec], ["test.example/v1", { size: 1, color: "red" }]);
  const asV2 = await v2.get(context, "a", newest);
  assert.deepEqual(asV2.object, item.object);
  assert.equal(asV2.object.metadata.uid, asV1.object.metadata.uid);
  await server.settle();
  assert.equal(String(await backend.currentRevision()), asV1.object.metadata.resourceVersion);
});

test("lists and watches of both versions come from one cache, each object converted once", async (t) => {
  const { server, v1, v2 } = twoVersions(t);
  await server.create(aWidget("a"));
  const watches = await Promise.all(
    [v1, v2].map((storage) => storage.watch(context, watchOptions({ sendInitialEvents: true }))),
  );
  await v2.create(context, writeOf("", aLaterWidget("b")));
  for (const [index, events] of watches.entries()) {
    const seen = await take(events[Symbol.asyncIterator](), 2);
    assert.deepEqual(seen.map(brief), ["ADDED demo/a", "ADDED demo/b"]);
    for (const event of seen) {
      assert.ok("item" in event);
      assert.equal(event.item.object.apiVersion, `test.example/v${index + 1}`);
      const frame = JSON.parse(Buffer.from(event.frame).toString());
      assert.deepEqual(frame, { type: event.type, object: event.item.object });
    }
  }
  const [first, second] = await Promise.all([v2.list(context, listOptions()), v2.list(context, listOptions())]);
  assert.deepEqual(
    first.items.map(({ object }) => object.spec),
    [
      { measures: { size: 1 }, colour: "grey" },
      { measures: { size: 1 }, colour: "red" },
    ],
  );
  assert.ok(
    first.items.every((item, index) => item === second.items[index]),
    "shared by all readers",
  );
});

// API L-37
test("fields are selected by the names of the version", async (t) => {
  const { v1, v2 } = twoVersions(t);
  await v2.create(context, writeOf("", aLaterWidget("a")));
  const named = async (storage: typeof v1, selector: string) =>
    (await storage.list(context, listOptions({ fields: parseFieldSelector(selector) }))).items.length;
  assert.deepEqual([await named(v1, "spec.color=red"), await named(v2, "spec.colour=red")], [1, 1]);
  await assert.rejects(named(v2, "spec.color=red"), refused(400, /not a known field selector/));
});

test("a patch and a PUT are of the object in the version they come in (API P-04)", async (t) => {
  const backend = new MemoryBackend();
  const { server, v1, v2, status, scale } = twoVersions(t, { backend });
  await server.create(aWidget("a"));
  await v1.patch(context, patchOf("a", { spec: { color: "blue" } }));
  const operations = [{ op: "replace", path: "/spec/measures/size", value: 7 }];
  const patched = (await v2.patch(context, patchOf("a", operations))).item;
  assert.deepEqual(patched.object.spec, { measures: { size: 7 }, colour: "blue" });
  assert.equal(patched.object.metadata.generation, 3);
  const put = await putTo(v2, context, "a", (shown) => ({ ...shown, spec: { measures: { size: 8 } } }));
  assert.deepEqual(put.object.spec, { measures: { size: 8 }, colour: "grey" }, "defaults are those of the version");
  await putTo(status, context, "a", (shown) => ({ ...shown, status: { state: "Up" } }));
  await putTo(scale, context, "a", (shown) => ({ ...shown, spec: { replicas: 4 } }));
  assert.deepEqual((await v1.get(context, "a", newest)).object.status, { phase: "Up" });
  assert.match(
    await storedText(backend),
    /"spec":\{"size":8,"color":"grey","replicas":4\},"status":\{"phase":"Up"\}\}$/,
  );
  const before = await backend.currentRevision();
  await v2.patch(context, patchOf("a", { spec: { colour: "grey" }, status: { state: ["nothing", "to", "judge"] } }));
  assert.equal(await backend.currentRevision(), before, "what changes nothing writes nothing");
});

test("what is refused is told in the fields of the version", async (t) => {
  const { server, v1, v2, status } = twoVersions(t);
  await server.create(aWidget("a"));
  const patch = (spec: object) => v2.patch(context, patchOf("a", JSON.parse(JSON.stringify({ spec }))));
  await assert.rejects(
    patch({ measures: { size: "big" } }),
    refused(422, /spec\.measures\.size: .*must be of type integer/),
  );
  await assert.rejects(patch({ measures: 3 }), refused(422, /spec\.measures/));
  await assert.rejects(
    status.patch?.(context, patchOf("a", { status: { state: 1 } })) ?? assert.fail(),
    refused(422, /status\.state/),
  );
  await assert.rejects(
    v2.create(context, writeOf("", aWidget("b"))),
    refused(400, /\(test\.example\/v1\) does not match the expected API version \(test\.example\/v2\)/),
  );
  await assert.rejects(v1.create(context, writeOf("", aLaterWidget("b"))), refused(400, /expected API version/));
});

test("admission is shown the version of the request", async (t) => {
  const seen: AdmissionAttributes[] = [];
  const recolour = async (attributes: AdmissionAttributes): Promise<KubeObject | undefined> => {
    seen.push(attributes);
    return attributes.object && { ...attributes.object, spec: { measures: { size: 2 }, colour: "green" } };
  };
  const { v1, v2 } = twoVersions(t, { plugins: [{ name: "recolour", admit: recolour }] });
  await v2.create(context, writeOf("", aLaterWidget("a")));
  assert.deepEqual(
    [seen[0]?.kind.version, seen[0]?.resource.version, seen[0]?.object?.apiVersion, seen[0]?.object?.spec],
    ["v2", "v2", "test.example/v2", { measures: { size: 1 }, colour: "red" }],
  );
  assert.deepEqual((await v1.get(context, "a", newest)).object.spec, { size: 2, color: "green" });
});

test("a delete answers in the version of the request", async (t) => {
  const { server, v2 } = twoVersions(t);
  await server.create(aWidget("a", { metadata: { finalizers: ["example.com/hold"] } }));
  const { deleted, item } = await v2.delete(context, "a", { dryRun: false });
  assert.deepEqual([deleted, item.object.apiVersion], [false, "test.example/v2"]);
  const { items } = await v2.deleteCollection(context, listOptions(), { dryRun: false });
  assert.deepEqual(
    items.map(({ object }) => object.apiVersion),
    ["test.example/v2"],
  );
});

test("bytes of another known version are read, and stored in this one with the next write, even one that changes nothing", async (t) => {
  const backend = new MemoryBackend();
  await backend.create(key, Buffer.from(JSON.stringify(aLaterWidget("a"))));
  const { v1 } = twoVersions(t, { backend });
  const { object, json } = await v1.get(context, "a", newest);
  assert.deepEqual([object.apiVersion, object.spec], ["test.example/v1", { size: 1, color: "red" }]);
  assert.deepEqual(JSON.parse(Buffer.from(json).toString()), object);
  await v1.patch(context, patchOf("a", {}));
  assert.match(await storedText(backend), /^\{"apiVersion":"test\.example\/v1"/);
  const before = await backend.currentRevision();
  await v1.patch(context, patchOf("a", {}));
  assert.equal(await backend.currentRevision(), before);
});

test("bytes of a version nobody knows: 503 for that object, never another version's name on them", async (t) => {
  const backend = new MemoryBackend();
  await backend.create(key, Buffer.from(JSON.stringify({ ...aWidget("a"), apiVersion: "test.example/v9" })));
  const { server, v1, v2 } = twoVersions(t, { backend });
  await server.create(aWidget("b", { metadata: { namespace: "other" } }));
  const unknown = refused(503, /a stored Widget is of version "test\.example\/v9", which this server does not know/);
  await assert.rejects(v1.get(context, "a", newest), unknown);
  await assert.rejects(v2.list(context, listOptions()), unknown, "leaving it out would say that it is gone");
  await assert.rejects(v1.patch(context, patchOf("a", {})), unknown);
  await assert.rejects(v1.delete(context, "a", { dryRun: false }), unknown);
  await assert.rejects(v1.create(context, writeOf("", aWidget("a"))), unknown);
  const watched = await v1.watch(context, watchOptions({ sendInitialEvents: true }));
  assert.deepEqual((await take(watched[Symbol.asyncIterator](), 1)).map(brief), ["ERROR 503"]);
  const elsewhere = await v1.get(aContext({ namespace: "other" }), "b", newest);
  assert.equal(elsewhere.object.metadata.name, "b");
  assert.match(await storedText(backend), /v9/);
});
