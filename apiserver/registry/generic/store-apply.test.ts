/** Server-side apply and managedFields on the way through the write stages (API 5.5). */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { aWidget, take } from "../../../test/support/objects.ts";
import {
  aContext,
  applyOf,
  isFullStorage,
  laterWidgets,
  patchOf,
  putTo,
  refused,
  WidgetServer,
  watchOptions,
  writeOf,
} from "../../../test/support/widgets.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { newForbidden } from "../../errors/status-error.ts";
import { StorageError } from "../../storage/errors.ts";
import type { RequestContext, WriteOptions } from "../rest/interface.ts";

const apiVersion = "test.example/v1";
const widget = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion,
  kind: "Widget",
  metadata: { name: "a", ...metadata },
  spec,
});
const newest = { resourceVersion: "" };

class Applies {
  readonly server: WidgetServer;

  constructor(t: TestContext, options: ConstructorParameters<typeof WidgetServer>[1] = {}) {
    this.server = new WidgetServer(t, options);
  }

  async apply(
    manager: string,
    wanted: JsonObject | string,
    options: Partial<WriteOptions> = {},
    context: Partial<RequestContext> = {},
  ) {
    return this.server.store.patch(this.server.context(context), applyOf("a", wanted, manager, options));
  }

  async stored(): Promise<KubeObject> {
    return (await this.server.store.get(this.server.context(), "a", newest)).object;
  }

  async managers(): Promise<string[]> {
    const { managedFields = [] } = (await this.stored()).metadata;
    return managedFields.map((entry) => [entry.manager, entry.operation, entry.subresource].filter(Boolean).join(" "));
  }

  async fieldsOf(manager: string): Promise<JsonObject | undefined> {
    return (await this.stored()).metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
  }
}

test("apply creates what is not there and changes what is (API S-04, S-05)", async (t) => {
  const applies = new Applies(t);
  const first = await applies.apply("m", widget({ size: 1 }));
  assert.deepEqual([first.created, first.item.object.spec], [true, { size: 1, color: "grey" }]);
  const second = await applies.apply("m", widget({ size: 2 }));
  assert.deepEqual([second.created, second.item.object.spec], [false, { size: 2, color: "grey" }]);
  assert.equal(second.item.object.metadata.generation, 2);
  assert.deepEqual(second.item.object, await applies.stored(), "read as it was answered (API S-53)");
  assert.deepEqual(await applies.fieldsOf("m"), { "f:spec": { "f:size": {} } });
});

test("YAML and JSON say the same (API N-11)", async (t) => {
  const applies = new Applies(t);
  const yaml = "# wanted\napiVersion: test.example/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n  size: 3\n";
  const { item } = await applies.apply("m", yaml);
  assert.equal((await applies.apply("m", widget({ size: 3 }))).item, item, "the very object");
});

test("creating by apply needs the verb create; existing objects need patch alone (API Z-11)", async (t) => {
  const applies = new Applies(t);
  const asked: string[] = [];
  const requireVerb = async (verb: string) => {
    asked.push(verb);
    throw newForbidden({ group: "test.example", resource: "widgets" }, "a", "no");
  };
  await assert.rejects(applies.apply("m", widget({ size: 1 }), {}, { requireVerb }), refused(403, /is forbidden: no/));
  assert.deepEqual(asked, ["create"]);
  await applies.apply("m", widget({ size: 1 }));
  await applies.apply("m", widget({ size: 2 }), {}, { requireVerb });
  assert.deepEqual(asked, ["create"]);
});

test("an unchanged apply commits nothing and tells nobody, by any clock (API S-15, U-07)", async (t) => {
  const backend = new MemoryBackend();
  const applies = new Applies(t, { backend });
  const { item } = await applies.apply("m", widget({ size: 1 }));
  const revision = await backend.currentRevision();
  applies.server.clock.advance(60_000);
  for (const force of [false, true])
    assert.equal((await applies.apply("m", widget({ size: 1 }), { force })).item, item);
  assert.equal(
    (
      await applies.server.store.patch(
        applies.server.context(),
        patchOf("a", { spec: { size: 1 } }, { fieldManager: "o" }),
      )
    ).item,
    item,
  );
  assert.equal(await backend.currentRevision(), revision);
});

test("a write whose only trace would be the time of an entry is none (API U-07)", async (t) => {
  const backend = new MemoryBackend();
  // Admission puts back what the manager changes, again and again.
  const plugin = {
    name: "red",
    admit: async ({ object }: { object: KubeObject | undefined }) =>
      object === undefined ? undefined : { ...object, spec: { size: 1, color: "red" } },
  };
  const applies = new Applies(t, { backend, plugins: [plugin] });
  await applies.apply("m", widget({ color: "blue" }));
  const revision = await backend.currentRevision();
  applies.server.clock.advance(60_000);
  await applies.apply("m", widget({ color: "blue" }));
  assert.equal(await backend.currentRevision(), revision);
});

test("watchers see one event for each apply that changes something", async (t) => {
  const applies = new Applies(t);
  const events = await applies.server.store.watch(applies.server.context(), watchOptions({ sendInitialEvents: true }));
  await applies.apply("m", widget({ size: 1 }));
  await applies.apply("m", widget({ size: 1 }));
  await applies.apply("m", widget({ size: 2 }));
  const seen = await take(events[Symbol.asyncIterator](), 2);
  assert.deepEqual(
    seen.map((event) => ("item" in event ? event.item.object.spec : event.type)),
    [
      { size: 1, color: "grey" },
      { size: 2, color: "grey" },
    ],
  );
});

test("resourceVersion and uid in the body are preconditions (API S-04, S-05)", async (t) => {
  const applies = new Applies(t);
  await assert.rejects(
    applies.apply("m", widget({}, { uid: "u" })),
    refused(409, /uid mismatch: the provided object specified uid u, and no existing object was found/),
  );
  const { item } = await applies.apply("m", widget({ size: 1 }));
  const { resourceVersion = "", uid = "" } = item.object.metadata;
  await applies.apply("m", widget({ size: 2 }, { resourceVersion, uid }));
  await assert.rejects(
    applies.apply("m", widget({ size: 3 }, { resourceVersion })),
    refused(409, /the object has been modified/),
  );
  await assert.rejects(
    applies.apply("m", widget({ size: 3 }, { uid: "other" })),
    refused(422, /metadata.uid: Invalid value: "other": field is immutable/),
  );
});

test("a name that an apply leaves out is the one of the URL, and the rest of metadata stays", async (t) => {
  const applies = new Applies(t);
  const { item } = await applies.apply("m", widget({}, { labels: { x: "1" } }));
  const { item: after } = await applies.apply("m", { apiVersion, kind: "Widget" });
  const { labels: _labels, managedFields: _managers, ...rest } = item.object.metadata;
  const { generation: _generation, resourceVersion: _version, ...kept } = rest;
  const { generation, resourceVersion: _newVersion, ...now } = after.object.metadata;
  assert.deepEqual([now, generation], [kept, 2]);
});

test("a field with a default that is given up comes back as the default, and is nobody's (API S-25)", async (t) => {
  const applies = new Applies(t);
  await applies.apply("m", widget({ size: 1, color: "red" }));
  const { item } = await applies.apply("m", widget({ size: 1 }));
  assert.deepEqual(item.object.spec, { size: 1, color: "grey" });
  assert.deepEqual(await applies.fieldsOf("m"), { "f:spec": { "f:size": {} } });
  await applies.apply("n", widget({ color: "blue" }));
  assert.deepEqual(await applies.managers(), ["m Apply", "n Apply"]);
});

test("a dry run says what would be, conflicts included, and writes nothing (API V-13, V-14)", async (t) => {
  const applies = new Applies(t);
  const created = await applies.apply("m", widget({ size: 1 }), { dryRun: true });
  assert.deepEqual([created.created, created.item.object.metadata.resourceVersion], [true, undefined]);
  await assert.rejects(applies.stored(), refused(404, /not found/));
  await applies.apply("m", widget({ size: 1 }));
  await assert.rejects(
    applies.apply("n", widget({ size: 2 }), { dryRun: true }),
    refused(409, /Apply failed with 1 conflict/),
  );
  const forced = await applies.apply("n", widget({ size: 2 }), { dryRun: true, force: true });
  assert.deepEqual(forced.item.object.spec, { size: 2, color: "grey" });
  assert.deepEqual(await applies.managers(), ["m Apply"]);
});

const refusals: Record<string, { body: JsonObject | string; code: number; message: RegExp }> = {
  "another name (API U-05)": {
    body: widget({}, { name: "b" }),
    code: 400,
    message: /the name of the object \(b\) does not match the name on the URL \(a\)/,
  },
  "no name for a new object": {
    body: { apiVersion, kind: "Widget", spec: {} },
    code: 400,
    message: /undeterminable: name must be provided/,
  },
  "another namespace (API V-22)": {
    body: widget({}, { namespace: "other" }),
    code: 400,
    message: /does not match the namespace sent on the request/,
  },
  "another version (API S-02)": {
    body: { ...widget({}), apiVersion: "test.example/v9" },
    code: 400,
    message: /invalid object type: test.example\/v9, Kind=Widget/,
  },
  "what is no YAML (API S-07)": { body: "a: [", code: 400, message: /error decoding patch: / },
  "what is no object": { body: "- 1", code: 400, message: /error decoding patch: / },
  "an undeclared field (API S-52)": {
    body: widget({ foo: 1 }),
    code: 400,
    message:
      /failed to create typed patch object \(\/a; test.example\/v1, Kind=Widget\): .spec.foo: field not declared in schema/,
  },
  "what its schema refuses": { body: widget({ size: 1.5 }), code: 422, message: /spec.size/ },
};
for (const [name, { body, code, message }] of Object.entries(refusals)) {
  test(`apply refuses ${name}, and nothing is created`, async (t) => {
    const applies = new Applies(t);
    await assert.rejects(applies.apply("m", body), refused(code, message));
    await assert.rejects(applies.stored(), refused(404, /not found/));
  });
}

test("fields given twice follow fieldValidation (API S-06)", async (t) => {
  const applies = new Applies(t);
  const body = `{"apiVersion":"${apiVersion}","kind":"Widget","metadata":{"name":"a"},"spec":{"size":1,"size":2}}`;
  await assert.rejects(
    applies.apply("m", body, { fieldValidation: "Strict" }),
    refused(400, /^error strict decoding patch: line 1: key "size" already set in map$/),
  );
  await applies.apply("m", body, { fieldValidation: "Ignore" });
  assert.deepEqual(applies.server.warnings, []);
  await applies.apply("m", body, { fieldValidation: "Warn" });
  assert.deepEqual(applies.server.warnings, ['line 1: key "size" already set in map']);
});

test("managers come from the fieldManager, else from the User-Agent (API S-14)", async (t) => {
  const applies = new Applies(t);
  const { store } = applies.server;
  const context = applies.server.context({ userAgent: "my-tool/v1 (linux)" });
  await store.create(context, writeOf("", aWidget("a")));
  await store.patch(context, patchOf("a", { spec: { size: 5 } }, { fieldManager: "patcher" }));
  await putTo(store, applies.server.context({ userAgent: "" }), "a", (shown) => ({ ...shown, spec: { size: 6 } }));
  assert.deepEqual(await applies.managers(), ["my-tool Update", "unknown Update"].toSorted());
});

test("subresources are entries of their own; status and scale are applied to, and create nothing (API S-17, S-38, S-39)", async (t) => {
  const applies = new Applies(t);
  const context = applies.server.context();
  const [status, scale] = [applies.server.subresource("status"), applies.server.subresource("scale")];
  assert.ok(status.patch !== undefined && scale.patch !== undefined);
  const statusBody = {
    apiVersion,
    kind: "Widget",
    metadata: { name: "a" },
    spec: { size: 9 },
    status: { phase: "Up" },
  };
  await assert.rejects(status.patch(context, applyOf("a", statusBody, "s")), refused(404, /not found/));
  await applies.apply("m", { ...widget({ replicas: 1 }), status: { phase: "ignored" } });
  await status.patch(context, applyOf("a", statusBody, "s"));
  assert.deepEqual((await applies.stored()).status, { phase: "Up" });
  assert.deepEqual(await applies.fieldsOf("s"), { "f:status": { "f:phase": {} } });
  const scaleBody = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "a" }, spec: { replicas: 3 } };
  await assert.rejects(
    scale.patch(context, applyOf("a", scaleBody, "h")),
    refused(409, /conflict with "m": .spec.replicas/),
  );
  const { item } = await scale.patch(context, applyOf("a", scaleBody, "h", { force: true }));
  assert.deepEqual([item.object.kind, item.object.spec], ["Scale", { replicas: 3 }]);
  assert.deepEqual(await applies.managers(), ["h Apply scale", "s Apply status"], "m has nothing left");
  await assert.rejects(
    scale.patch(context, applyOf("a", widget({}), "h")),
    refused(400, /invalid object type: test.example\/v1, Kind=Widget/),
  );
  await assert.rejects(
    scale.patch(context, applyOf("a", { ...scaleBody, spec: { replicas: -1 } }, "h")),
    refused(422, /spec.replicas/),
  );
  await scale.patch(context, applyOf("a", { ...scaleBody, spec: {} }, "h"));
  assert.equal((await applies.stored()).spec, undefined, "nobody wants anything of it");
});

test("what admission changes is nobody's (API S-37), and a webhook cannot garble the managers (API S-36)", async (t) => {
  let managedFields: NonNullable<KubeObject["metadata"]["managedFields"]> | undefined;
  const plugin = {
    name: "labels",
    admit: async ({ object }: { object: KubeObject | undefined }) =>
      object === undefined
        ? undefined
        : {
            ...object,
            metadata: { ...object.metadata, labels: { admitted: "yes" }, ...(managedFields && { managedFields }) },
          },
  };
  const applies = new Applies(t, { plugins: [plugin] });
  await applies.server.create(aWidget("a"), { fieldManager: "c" });
  assert.deepEqual((await applies.stored()).metadata.labels, { admitted: "yes" });
  assert.deepEqual(Object.keys((await applies.fieldsOf("c")) ?? {}), ["f:spec"]);
  managedFields = [{ manager: "x", operation: "Nonsense" }];
  await applies.apply("m", widget({ size: 7 }), { force: true });
  assert.deepEqual(await applies.managers(), ["m Apply", "c Update"]);
  assert.match(applies.server.warnings.join(), /managedFields was in an invalid state after admission/);
});

test("an apply that loses a race is merged into what won", async (t) => {
  const backend = new MemoryBackend();
  const applies = new Applies(t, { backend });
  await applies.apply("m", widget({ size: 1 }));
  const all = await Promise.all(
    ["a", "b", "c", "d"].map((manager) => applies.apply(manager, widget({ free: { [manager]: 1 } }))),
  );
  assert.ok(all.every(({ created }) => !created));
  assert.deepEqual((await applies.stored()).spec, { size: 1, color: "grey", free: { a: 1, b: 1, c: 1, d: 1 } });
  assert.equal((await applies.managers()).length, 5);
});

test("applies that create at once: one does, the others are merged into that", async (t) => {
  const applies = new Applies(t);
  const all = await Promise.all(
    ["a", "b", "c"].map((manager) => applies.apply(manager, widget({ free: { [manager]: 1 } }))),
  );
  assert.deepEqual(all.map(({ created }) => created).toSorted(), [false, false, true]);
  assert.deepEqual((await applies.stored()).spec, { color: "grey", free: { a: 1, b: 1, c: 1 } });
});

test("a terminating object takes applies without new finalizers, and goes with its last (API S-40)", async (t) => {
  const applies = new Applies(t);
  await applies.apply("m", widget({ size: 1 }, { finalizers: ["x.y/a"] }));
  await applies.server.store.delete(applies.server.context(), "a", { dryRun: false });
  await assert.rejects(
    applies.apply("m", widget({ size: 1 }, { finalizers: ["x.y/a", "x.y/b"] })),
    refused(422, /no new finalizers can be added/),
  );
  await applies.apply("m", widget({ size: 2 }, { finalizers: ["x.y/a"] }));
  await applies.apply("m", widget({ size: 2 }));
  await assert.rejects(applies.stored(), refused(404, /not found/));
});

test("fields are owned in every version, whichever they were written in (API S-33)", async (t) => {
  const server = new WidgetServer(t, { definition: { otherVersions: [laterWidgets] } });
  const { storage: v2 } = server.inVersion("v2");
  assert.ok(isFullStorage(v2));
  const context = aContext();
  await server.store.patch(context, applyOf("a", widget({ size: 1 }), "one"));
  const later = (spec: JsonObject): JsonObject => ({ ...widget(spec), apiVersion: "test.example/v2" });
  await assert.rejects(
    v2.patch(context, applyOf("a", later({ measures: { size: 2 } }), "two")),
    refused(409, /conflict with "one": .spec.size$/),
  );
  const { item } = await v2.patch(context, applyOf("a", later({ colour: "red" }), "two"));
  assert.deepEqual(
    [item.object.apiVersion, item.object.spec],
    ["test.example/v2", { measures: { size: 1 }, colour: "red" }],
  );
  const entries = item.object.metadata.managedFields ?? [];
  assert.deepEqual(
    entries.map(({ manager, apiVersion: version, fieldsV1 }) => [manager, version, fieldsV1]),
    [
      ["one", "test.example/v1", { "f:spec": { "f:size": {} } }],
      ["two", "test.example/v2", { "f:spec": { "f:colour": {} } }],
    ],
  );
  await v2.patch(context, patchOf("a", { spec: { measures: { size: 5 } } }, { fieldManager: "edit" }));
  const { metadata, spec } = (await server.store.get(context, "a", newest)).object;
  assert.deepEqual(spec, { size: 5, color: "red" });
  assert.deepEqual(
    metadata.managedFields?.map(({ manager }) => manager),
    ["two", "edit"],
    "v1's owner lost it to v2's writer",
  );
  await assert.rejects(
    server.store.patch(context, applyOf("a", widget({ size: 1 }), "one")),
    refused(409, /conflict with "edit" using test.example\/v2: .spec.measures.size$/),
  );
});

test("an object too large with its managers is stored without, unless it is applied (API C-10)", async (t) => {
  class SmallBackend extends MemoryBackend {
    override async create(key: string, value: Uint8Array): Promise<number> {
      if (value.length > 330) throw new StorageError("TooLarge", { key });
      return super.create(key, value);
    }
  }
  const applies = new Applies(t, { backend: new SmallBackend() });
  await assert.rejects(applies.apply("m", widget({ size: 1 })), refused(413, /larger than storage accepts/));
  const { object } = await applies.server.create(aWidget("a"));
  assert.equal(object.metadata.managedFields, undefined);
});

test("applies keep unknown numbers as they are written, of others too", async (t) => {
  const applies = new Applies(t);
  await applies.apply(
    "m",
    `{"apiVersion":"${apiVersion}","kind":"Widget","metadata":{"name":"a"},"spec":{"free":{"big":9007199254740993,"x":1.0}}}`,
  );
  await applies.apply("n", widget({ free: { y: 1 } }));
  assert.match(JSON.stringify((await applies.stored()).spec), /"free":\{"big":9007199254740993,"x":1\.0,"y":1\}/);
});
