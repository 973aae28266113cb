import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget } from "../../../test/support/objects.ts";
import { patchOf, putTo, refused, WidgetServer } from "../../../test/support/widgets.ts";
import type { AdmissionAttributes } from "../../admission/interface.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import type { WriteOptions } from "../rest/interface.ts";
import { withStatus } from "./object-meta-rules.ts";

function subresource(server: WidgetServer, subresourceName: string) {
  const storage = server.subresource(subresourceName);
  const { get } = storage;
  assert.ok(get !== undefined);
  return {
    get: (name = "a") => get(server.context(), name, { resourceVersion: "" }),
    put: (change: (existing: KubeObject) => KubeObject, options: Partial<WriteOptions> = {}) =>
      putTo(storage, server.context(), "a", change, options),
  };
}

test("status: only its own errors count, and only it is written", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a", { metadata: { labels: { a: "b" } } }));
  const status = subresource(server, "status");
  const { object } = await status.put((old) => ({
    ...old,
    metadata: { ...old.metadata, labels: { c: "d" }, finalizers: ["example.com/x"] },
    spec: { size: "wrong" },
    status: { phase: "Up", zoo: 1 },
  }));
  assert.deepEqual(
    [object.status, object.spec, object.metadata.labels, object.metadata.finalizers, object.metadata.generation],
    [{ phase: "Up" }, { size: 1, color: "grey" }, { a: "b" }, undefined, 1],
  );
  assert.deepEqual(server.warnings, ['unknown field "status.zoo"']);
  await assert.rejects(
    status.put((old) => ({ ...old, status: { replicas: "x" } })),
    refused(422, /status\.replicas/),
  );
  const removed = await status.put((old) => withStatus(old, undefined));
  assert.equal(removed.object.status, undefined);
  await assert.rejects(
    status.put((old) => ({ ...old, metadata: { ...old.metadata, resourceVersion: "1" }, status: { phase: "x" } })),
    refused(409, /has been modified/),
  );
});

test("status of our kinds: the uid that a patch claims is restored like the rest of metadata (API M-10)", async (t) => {
  const server = new WidgetServer(t);
  const { object: born } = await server.create(aWidget("a"));
  const { patch } = server.subresource("status");
  assert.ok(patch !== undefined);
  const { object } = (await patch(server.context(), patchOf("a", { metadata: { uid: "x" }, status: { phase: "Up" } })))
    .item;
  assert.deepEqual([object.metadata.uid, object.status], [born.metadata.uid, { phase: "Up" }]);
});

test("status of built-in kinds: labels and annotations are taken too, and nothing else of metadata (API M-10)", async (t) => {
  const server = new WidgetServer(t, { strategy: { statusTakesLabels: true } });
  await server.create(aWidget("a", { metadata: { labels: { a: "b", gone: "x" }, annotations: { kept: "1" } } }));
  const { patch } = server.subresource("status");
  assert.ok(patch !== undefined);
  const metadata = { labels: { e2e: "yes", gone: null }, annotations: { seen: "2" }, finalizers: ["example.com/x"] };
  const write = patchOf("a", { metadata, spec: { size: 9 }, status: { phase: "Up" } });
  const { object } = (await patch(server.context(), write)).item;
  assert.deepEqual(
    [object.metadata.labels, object.metadata.annotations, object.metadata.finalizers, object.spec, object.status],
    [{ a: "b", e2e: "yes" }, { kept: "1", seen: "2" }, undefined, { size: 1, color: "grey" }, { phase: "Up" }],
  );
  assert.equal(object.metadata.generation, 1);
  await assert.rejects(
    patch(server.context(), patchOf("a", { metadata: { labels: { "-": "x" } } })),
    refused(422, /metadata\.labels/),
  );
});

test("scale: a patch is of the Scale, and one that changes nothing writes nothing", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a", { spec: { size: 4, replicas: 1 } }));
  const { patch, patchTypes } = server.subresource("scale");
  assert.ok(patch !== undefined);
  assert.deepEqual(patchTypes, [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
  ]);
  const scaled = await patch(server.context(), patchOf("a", [{ op: "replace", path: "/spec/replicas", value: 2 }]));
  assert.deepEqual(
    [scaled.created, scaled.item.object.kind, scaled.item.object.spec],
    [false, "Scale", { replicas: 2 }],
  );
  const again = await patch(server.context(), patchOf("a", { spec: { replicas: 2 } }));
  assert.deepEqual(again.item.object, scaled.item.object);
  assert.equal(String(await server.backend.currentRevision()), again.item.object.metadata.resourceVersion);
  await assert.rejects(
    patch(server.context(), patchOf("a", { spec: { replicas: "x" } })),
    refused(422, /^ "" is invalid: patch: Invalid value: .*spec\.replicas/),
  );
});

test("scale: a view with the declared members, also without replicas", async (t) => {
  const server = new WidgetServer(t);
  const { object } = await server.create(aWidget("a"));
  const scale = subresource(server, "scale");
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const expected = {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: 1 },
    status: { replicas: 0 },
  };
  const { object: shown, json } = await scale.get();
  assert.deepEqual(shown, expected);
  assert.deepEqual(JSON.parse(Buffer.from(json).toString()), expected);
  await subresource(server, "status").put((old) => ({ ...old, status: { replicas: 2, selector: "app=a" } }));
  assert.deepEqual((await scale.get()).object.status, { replicas: 2, selector: "app=a" });
  await assert.rejects(scale.get("nope"), refused(404, 'widgets.test.example "nope" not found'));
});

// API KC-14
test("scale: writes replicas and nothing else, without a version unconditionally", async (t) => {
  const seen: AdmissionAttributes[] = [];
  const server = new WidgetServer(t, {
    plugins: [{ name: "spy", validate: async (attributes) => void seen.push(attributes) }],
  });
  await server.create(aWidget("a", { spec: { size: 4, replicas: 1 } }));
  const scale = subresource(server, "scale");
  const to =
    (replicas: number | string, metadata = {}) =>
    (shown: KubeObject) => ({
      ...shown,
      metadata: { name: "a", ...metadata },
      spec: { replicas },
    });
  const { object } = await scale.put(to(3));
  assert.deepEqual([object.spec, object.metadata.name], [{ replicas: 3 }, "a"]);
  const parent = await server.store.get(server.context(), "a", { resourceVersion: "" });
  assert.deepEqual(
    [parent.object.spec, parent.object.metadata.generation],
    [{ size: 4, replicas: 3, color: "grey" }, 2],
  );
  assert.deepEqual(
    [seen[1]?.subresource, seen[1]?.kind.kind, seen[1]?.object?.kind, seen[1]?.oldObject?.spec],
    ["scale", "Scale", "Scale", { replicas: 1 }],
  );
  await assert.rejects(
    scale.put(to(-1)),
    refused(422, /^Scale\.autoscaling "a" is invalid: spec\.replicas: Invalid value: -1/),
  );
  await assert.rejects(scale.put(to("x")), refused(400, /cannot be handled as a Scale/));
  await assert.rejects(
    scale.put((shown) => ({ ...to(2)(shown), kind: "Foo" })),
    refused(400, /cannot be handled as a Scale/),
  );
  await assert.rejects(scale.put(to(2, { name: "b" })), refused(400, /does not match the name on the URL \(a\)/));
  await assert.rejects(
    scale.put(to(2, { namespace: "x" })),
    refused(400, /does not match the namespace sent on the request/),
  );
  await assert.rejects(scale.put(to(2, { uid: "x" })), refused(409, /Precondition failed: UID in precondition: x/));
  await assert.rejects(scale.put(to(2, { resourceVersion: "1" })), refused(409, /has been modified/));
  const pretended = await scale.put(to(9), { dryRun: true });
  assert.deepEqual(pretended.object.spec, { replicas: 9 });
  assert.deepEqual((await scale.get()).object.spec, { replicas: 3 });
});
