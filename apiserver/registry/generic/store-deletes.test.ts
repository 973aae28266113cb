import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, objectAt } from "../../../test/support/objects.ts";
import { listOptions, refused, WidgetServer } from "../../../test/support/widgets.ts";
import type { AdmissionPlugin } from "../../admission/interface.ts";
import type { DeletionPropagation } from "../../apis/meta/v1.ts";
import { parseLabelSelector } from "../../machinery/selectors.ts";
import type { DeleteRequest } from "../rest/interface.ts";

const hold = "example.com/hold";

function remove(server: WidgetServer, name: string, request: Partial<DeleteRequest> = {}) {
  return server.store.delete(server.context(), name, { dryRun: false, ...request });
}

function read(server: WidgetServer, name: string) {
  return server.store.get(server.context(), name, { resourceVersion: "" });
}

// API X-10, E-08
test("delete: without finalizers the object is gone at once", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a"));
  const { deleted, item } = await remove(server, "a", { gracePeriodSeconds: 600 });
  assert.deepEqual([deleted, item.object.metadata.uid], [true, "uid-1"]);
  await assert.rejects(read(server, "a"), refused(404, 'widgets.test.example "a" not found'));
  await assert.rejects(remove(server, "a"), refused(404, 'widgets.test.example "a" not found'));
});

// API U-09, X-02, X-09, X-12, M-14, KC-06
test("delete: finalizers hold the object, the last one to go takes it along", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a", { metadata: { finalizers: [hold] } }));
  const { deleted, item } = await remove(server, "a");
  const { metadata } = item.object;
  assert.deepEqual(
    [deleted, metadata.deletionTimestamp, metadata.deletionGracePeriodSeconds, metadata.generation],
    [false, "2026-01-01T00:00:00Z", 0, 2],
  );
  await server.clock.advance(2000);
  const again = await remove(server, "a");
  assert.deepEqual(again.item.object, item.object, "a second delete changes nothing");
  const added = server.put("a", (old) => ({
    ...old,
    metadata: { ...old.metadata, finalizers: [hold, "example.com/x"] },
  }));
  await assert.rejects(added, refused(422, /no new finalizers can be added if the object is being deleted/));
  const last = await server.put("a", (old) => ({ ...old, metadata: { ...old.metadata, finalizers: [] } }));
  assert.deepEqual([last.object.metadata.finalizers, last.object.metadata.uid], [undefined, "uid-1"]);
  await assert.rejects(read(server, "a"), refused(404, /not found/));
});

// API X-06
test("delete: preconditions", async (t) => {
  const server = new WidgetServer(t);
  const { object } = await server.create(aWidget("a"));
  const { uid = "", resourceVersion = "" } = object.metadata;
  await assert.rejects(
    remove(server, "a", { preconditions: { uid: "x" } }),
    refused(
      409,
      'Operation cannot be fulfilled on Widget.test.example "a": the UID in the precondition (x) does not match the UID in record (uid-1). The object might have been deleted and then recreated',
    ),
  );
  await assert.rejects(
    remove(server, "a", { preconditions: { uid, resourceVersion: "1" } }),
    refused(409, /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(2\)/),
  );
  assert.equal((await remove(server, "a", { preconditions: { uid, resourceVersion } })).deleted, true);
});

const orphan = "orphan";
const foreground = "foregroundDeletion";
const policies: [string[], DeletionPropagation | boolean | undefined, string[] | "gone"][] = [
  [[], "Background", "gone"],
  [[], "Orphan", [orphan]],
  [[], "Foreground", [foreground]],
  [[], true, [orphan]],
  [[], false, "gone"],
  [[hold], "Orphan", [hold, orphan]],
  [[hold, orphan], "Background", [hold]],
  [[hold, orphan], "Foreground", [hold, foreground]],
  [[hold, foreground], undefined, [hold, foreground]],
  [[orphan], "Background", "gone"],
];
for (const [finalizers, policy, expected] of policies) {
  // API X-07
  test(`delete: [${finalizers}] under ${policy ?? "no policy"} becomes ${expected}`, async (t) => {
    const server = new WidgetServer(t);
    await server.create(aWidget("a", { metadata: { finalizers } }));
    const request =
      typeof policy === "boolean"
        ? { orphanDependents: policy }
        : policy === undefined
          ? {}
          : { propagationPolicy: policy };
    const { deleted, item } = await remove(server, "a", request);
    assert.deepEqual(deleted ? "gone" : item.object.metadata.finalizers, expected);
  });
}

test("delete: a later policy changes the collector, and Background ends the wait", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a"));
  const first = await remove(server, "a", { propagationPolicy: "Foreground" });
  await server.clock.advance(5000);
  const second = await remove(server, "a", { propagationPolicy: "Orphan" });
  const { metadata } = second.item.object;
  assert.deepEqual(
    [metadata.finalizers, metadata.deletionTimestamp, metadata.generation],
    [[orphan], first.item.object.metadata.deletionTimestamp, 2],
  );
  assert.equal((await remove(server, "a", { propagationPolicy: "Background" })).deleted, true);
});

// API X-11
test("graceful deletion: the deadline may only come nearer, 0 deletes now", async (t) => {
  const server = new WidgetServer(t, { strategy: { gracePeriodSeconds: (_object, requested) => requested ?? 30 } });
  await server.create(aWidget("a"));
  const grace = async (seconds?: number) => {
    const { deleted, item } = await remove(server, "a", seconds === undefined ? {} : { gracePeriodSeconds: seconds });
    const { deletionTimestamp, deletionGracePeriodSeconds } = item.object.metadata;
    return deleted ? "gone" : [deletionTimestamp, deletionGracePeriodSeconds];
  };
  assert.deepEqual(await grace(), ["2026-01-01T00:00:30Z", 30]);
  assert.deepEqual(await grace(60), ["2026-01-01T00:00:30Z", 30]);
  assert.deepEqual(await grace(10), ["2026-01-01T00:00:10Z", 10]);
  assert.deepEqual(await grace(-5), ["2026-01-01T00:00:01Z", 1]);
  assert.deepEqual(await grace(0), "gone");
});

test("a kind's own finalizers hold deletion as well, as those of a Namespace do", async (t) => {
  const server = new WidgetServer(t, {
    strategy: {
      prepareForDelete: (object) => ({ ...object, status: { phase: "Terminating" } }),
      holdsDeletion: (object) => objectAt(object, "spec").size === 1,
    },
  });
  await server.create(aWidget("a"));
  const { deleted, item } = await remove(server, "a");
  assert.deepEqual([deleted, item.object.status], [false, { phase: "Terminating" }]);
  await server.put("a", (old) => ({ ...old, spec: { size: 0 } }));
  await assert.rejects(read(server, "a"), refused(404, /not found/));
});

test("dry-run delete of a held object shows it as it would be", async (t) => {
  const server = new WidgetServer(t);
  const { object } = await server.create(aWidget("a", { metadata: { finalizers: [hold] } }));
  const { deleted, item } = await remove(server, "a", { dryRun: true });
  assert.deepEqual([deleted, item.object.metadata.deletionTimestamp], [false, "2026-01-01T00:00:00Z"]);
  assert.deepEqual((await read(server, "a")).object, object);
});

// API
test("deletecollection: what the selectors match, as it was; with a limit one page", async (t) => {
  const server = new WidgetServer(t);
  for (let index = 0; index < 6; index++) {
    await server.create(aWidget(`w${index}`, { metadata: { labels: { odd: String(index % 2) } } }));
  }
  const names = async (list = listOptions(), verb: "list" | "delete" = "list") => {
    const { items } =
      verb === "list"
        ? await server.store.list(server.context(), list)
        : await server.store.deleteCollection(server.context(), list, { dryRun: false });
    return items.map(({ object }) => object.metadata.name);
  };
  assert.deepEqual(await names(listOptions({ labels: parseLabelSelector("odd=1") }), "delete"), ["w1", "w3", "w5"]);
  assert.deepEqual(await names(), ["w0", "w2", "w4"]);
  assert.deepEqual(await names(listOptions({ limit: 2 }), "delete"), ["w0", "w2"]);
  assert.deepEqual(await names(listOptions(), "delete"), ["w4"]);
  assert.deepEqual(await names(), []);
});

test("delete: admission sees what goes, as it is, also of a collection; reads are nobody's to admit (API X-17, AD-05)", async (t) => {
  const seen: string[] = [];
  const judge: AdmissionPlugin = {
    name: "judge",
    admit: async ({ operation, object, oldObject }) => {
      seen.push(`admit ${operation} ${object?.metadata.name} ${oldObject?.metadata.labels?.now}`);
      return undefined;
    },
    validate: async ({ operation, oldObject }) => {
      seen.push(`validate ${operation} ${oldObject?.metadata.name}`);
    },
  };
  const server = new WidgetServer(t, { plugins: [judge] });
  for (const name of ["a", "b"]) await server.create(aWidget(name));
  await server.patch("a", { metadata: { labels: { now: "changed" } } });
  seen.length = 0;
  await read(server, "a");
  await server.store.list(server.context(), listOptions());
  assert.deepEqual(seen, []);
  await remove(server, "a");
  await server.store.deleteCollection(server.context(), listOptions(), { dryRun: false });
  assert.deepEqual(seen, [
    "admit DELETE undefined changed",
    "validate DELETE a",
    "admit DELETE undefined undefined",
    "validate DELETE b",
  ]);
});

// API X-13, Z-11
test("delete: what cannot be decoded goes by force, and only that", async (t) => {
  const server = new WidgetServer(t);
  const backend = server.backend;
  const byForce = (name: string, dryRun = false) => remove(server, name, { dryRun, ignoresReadErrors: true });
  await server.create(aWidget("a", { metadata: { finalizers: [hold] } }));
  await assert.rejects(
    byForce("a"),
    refused(409, /unsafe deletion is not allowed because the object is decodable from storage$/),
  );
  await assert.rejects(byForce("none"), refused(404, /not found/));

  const key = "/registry/test.example/widgets/demo/a";
  const { value } = await backend.get(key);
  await backend.update(key, Buffer.from("\0"), value?.revision ?? 0);
  const denied = { ...server.context(), requireVerb: (verb: string) => Promise.reject(new Error(`no ${verb}`)) };
  await assert.rejects(
    server.store.delete(denied, "a", { dryRun: false, ignoresReadErrors: true }),
    /no unsafe-delete-ignore-read-errors/,
  );
  assert.equal((await byForce("a", true)).deleted, true);
  assert.ok((await backend.get(key)).value !== undefined, "a dry run");
  const { deleted, item } = await byForce("a");
  assert.deepEqual([deleted, item.object.metadata], [true, { name: "a" }]);
  assert.equal((await backend.get(key)).value, undefined);
});

test("deletecollection: what somebody else deletes meanwhile is no failure, though it is one for who names it (API X-14)", async (t) => {
  const key = "/registry/test.example/widgets/demo/a";
  const faster: AdmissionPlugin = {
    name: "faster",
    admit: async ({ operation, oldObject }) => {
      if (operation !== "DELETE" || oldObject?.metadata.name !== "a") return undefined;
      const { value } = await server.backend.get(key);
      await server.backend.delete(key, value?.revision ?? 0);
      return undefined;
    },
  };
  const server = new WidgetServer(t, { plugins: [faster] });
  await server.create(aWidget("a"));
  await assert.rejects(remove(server, "a"), refused(404, 'widgets.test.example "a" not found'));
  for (const name of ["a", "b"]) await server.create(aWidget(name));
  const { items } = await server.store.deleteCollection(server.context(), listOptions(), { dryRun: false });
  assert.deepEqual(
    items.map(({ object }) => object.metadata.name),
    ["a", "b"],
  );
  for (const name of ["a", "b"]) await assert.rejects(read(server, name), refused(404, /not found/));
});
