import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { aWidget, objectAt } from "../../../test/support/objects.ts";
import { putTo, refused, WidgetServer, writeOf } from "../../../test/support/widgets.ts";
import type { AdmissionPlugin } from "../../admission/interface.ts";
import type { JsonObject, JsonValue, KubeObject, ObjectMeta } from "../../apis/meta/v1.ts";
import { invalid } from "../../errors/field-error.ts";
import { newBadRequest, StatusError } from "../../errors/status-error.ts";
import type { WriteOptions } from "../rest/interface.ts";

const gr = "widgets.test.example";

// API S-10, C-09
test("create: system members are the server's, status is dropped, defaults are filled in", async (t) => {
  const server = new WidgetServer(t);
  const body = {
    ...aWidget("a", {
      metadata: {
        uid: "mine",
        generation: 7,
        creationTimestamp: "2001-01-01T00:00:00Z",
        deletionTimestamp: "2001-01-01T00:00:00Z",
        finalizers: ["example.com/hold"],
        labels: {},
      },
    }),
    status: { phase: ["dropped, so not even judged"] },
  };
  const { object } = await server.create(body);
  const stored = await server.store.get(server.context(), "a", { resourceVersion: "" });
  assert.deepEqual(object, {
    apiVersion: "test.example/v1",
    kind: "Widget",
    metadata: {
      name: "a",
      namespace: "demo",
      uid: "uid-1",
      resourceVersion: "2",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
      finalizers: ["example.com/hold"],
      managedFields: [
        {
          manager: "tester",
          operation: "Update",
          apiVersion: "test.example/v1",
          time: "2026-01-01T00:00:00Z",
          fieldsType: "FieldsV1",
          fieldsV1: { "f:metadata": { "f:finalizers": {} }, "f:spec": { ".": {}, "f:color": {}, "f:size": {} } },
        },
      ],
    },
    spec: { size: 1, color: "grey" },
  });
  assert.deepEqual(stored.object, object);
  assert.deepEqual(JSON.parse(Buffer.from(stored.json).toString()), object);
});

// API V-22, V-23, V-24, C-03, C-04, C-05, E-09
test("create: what is refused", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("taken"));
  const cases: [string, ReturnType<typeof aWidget>, number, string | RegExp][] = [
    ["existing name", aWidget("taken"), 409, `${gr} "taken" already exists`],
    ["no name", aWidget(""), 422, /metadata.name: Required value: name or generateName is required/],
    ["version set", aWidget("a", { metadata: { resourceVersion: "5" } }), 400, /resourceVersion should not be set/],
    ["other kind", { ...aWidget("a"), kind: "Gadget" }, 400, /cannot be handled as a Widget/],
    ["other version", { ...aWidget("a"), apiVersion: "v2" }, 400, /^the API version in the data \(v2\) does not match/],
    ["bad type", aWidget("a", { spec: { size: "big" } }), 422, /spec.size/],
  ];
  for (const [name, object, code, message] of cases) {
    await assert.rejects(server.create(object), refused(code, message), name);
  }
  const elsewhere = server.store.create(server.context({ namespace: "other" }), writeOf("", aWidget("a")));
  await assert.rejects(elsewhere, refused(400, /namespace of the provided object does not match/));
});

// API C-11, M-25
test("create: metadata and schema errors come together", async (t) => {
  const server = new WidgetServer(t);
  const bad = aWidget("Bad_", { metadata: { labels: { "a b": "c" } }, spec: { size: "x", replicas: true } });
  await assert.rejects(server.create(bad), (error) => {
    assert.ok(error instanceof StatusError);
    const fields = error.status.details?.causes?.map(({ field }) => field);
    assert.deepEqual(new Set(fields), new Set(["metadata.name", "metadata.labels", "spec.size", "spec.replicas"]));
    return true;
  });
});

test("create: an existing object that is going away says so", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a", { metadata: { finalizers: ["example.com/hold"] } }));
  await server.store.delete(server.context(), "a", { dryRun: false });
  await assert.rejects(server.create(aWidget("a")), refused(409, `object is being deleted: ${gr} "a" already exists`));
});

test("field validation: warned, refused or silent; duplicates come before unknown fields, as of custom resources (API V-17)", async (t) => {
  const server = new WidgetServer(t);
  const create = async (name: string, options: Partial<WriteOptions> = {}) => {
    const text = JSON.stringify(aWidget(name, { spec: { size: 1, foo: 1 } })).replace('"size":1', '"size":2,"size":1');
    const write = writeOf("", null, options);
    const body = { bytes: Buffer.from(text), mediaType: "application/json" };
    return (await server.store.create(server.context(), { ...write, body })).item;
  };
  await create("warn");
  assert.deepEqual(server.warnings.splice(0), ['duplicate field "spec.size"', 'unknown field "spec.foo"']);
  await assert.rejects(
    create("strict", { fieldValidation: "Strict" }),
    refused(
      400,
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: duplicate field "spec.size", unknown field "spec.foo"',
    ),
  );
  const { object } = await create("ignore", { fieldValidation: "Ignore" });
  assert.deepEqual([object.spec, server.warnings], [{ size: 1, color: "grey" }, []]);
});

// API C-06, C-07
test("generateName: a suffix, a new one on collision, and 409 after eight", async (t) => {
  let rolls = 0;
  const server = new WidgetServer(t, { random: () => (rolls++ < 10 ? 0 : 0.5) });
  const nameless = () => aWidget("", { metadata: { name: "", generateName: "gen-", namespace: "demo" } });
  const first = await server.create(nameless());
  const second = await server.create(nameless());
  assert.equal(first.object.metadata.name, "gen-bbbbb");
  assert.match(second.object.metadata.name ?? "", /^gen-(?!bbbbb)[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(second.object.metadata.generateName, "gen-");
  const before = rolls;
  await assert.rejects(server.create(nameless()), (error) => {
    assert.ok(error instanceof StatusError);
    assert.equal((rolls - before) / "bbbbb".length, 8, "names that were tried");
    assert.equal(error.status.details?.retryAfterSeconds, 1);
    assert.match(error.message, /already exists, the server was not able to generate a unique name for the object$/);
    return true;
  });
});

test("dry run: the answer of a write without the write", async (t) => {
  const server = new WidgetServer(t);
  const dryRun = { dryRun: true } as const;
  const pretended = await server.create(aWidget("a"), dryRun);
  assert.equal(pretended.object.metadata.resourceVersion, undefined);
  assert.deepEqual(JSON.parse(Buffer.from(pretended.json).toString()), pretended.object);
  const real = await server.create(aWidget("a"));
  await assert.rejects(server.create(aWidget("a"), dryRun), refused(409, `${gr} "a" already exists`));
  const changed = await server.put("a", (old) => ({ ...old, spec: { size: 2 } }), dryRun);
  assert.deepEqual(
    [changed.object.spec, changed.object.metadata.generation, changed.object.metadata.resourceVersion],
    [{ size: 2, color: "grey" }, 2, real.object.metadata.resourceVersion],
  );
  assert.equal((await server.store.delete(server.context(), "a", dryRun)).deleted, true);
  assert.deepEqual((await server.store.get(server.context(), "a", { resourceVersion: "" })).object, real.object);
});

// API U-08, M-07, M-08, M-09, M-10, CR-27
test("update: generation counts changes of desired state only; status and system members stay", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a"));
  await putTo(server.subresource("status"), server.context(), "a", (old) => ({
    ...old,
    spec: { size: 99 },
    metadata: { ...old.metadata, labels: { x: "y" } },
    status: { phase: "Up" },
  }));
  const { object } = await server.put("a", (old) => ({
    ...old,
    metadata: { ...old.metadata, labels: { a: "b" }, generation: 50, creationTimestamp: "2001-01-01T00:00:00Z" },
    status: { phase: 5 },
  }));
  assert.deepEqual(
    [object.status, object.spec, object.metadata.generation, object.metadata.labels, object.metadata.creationTimestamp],
    [{ phase: "Up" }, { size: 1, color: "grey" }, 1, { a: "b" }, "2026-01-01T00:00:00Z"],
  );
  const next = await server.put("a", (old) => ({ ...old, spec: { size: 2 } }));
  assert.equal(next.object.metadata.generation, 2);
});

// API U-07
test("update: what changes nothing writes nothing, whatever the order of members", async (t) => {
  const server = new WidgetServer(t);
  const { object } = await server.create(aWidget("a", { metadata: { labels: { a: "b" } } }));
  await server.settle();
  const answer = await server.put("a", ({ metadata, spec: _spec, ...rest }) => ({
    spec: { color: "grey", size: 1 },
    ...rest,
    metadata: { ...metadata, finalizers: [] },
  }));
  assert.deepEqual(answer.object, object);
  assert.equal(String(await server.backend.currentRevision()), object.metadata.resourceVersion);
});

// API U-02, U-03, U-04, U-05, U-06, M-13, P-05, E-11
test("update: claims about version, uid and name", async (t) => {
  const server = new WidgetServer(t);
  const { object } = await server.create(aWidget("a"));
  const claim = (metadata: object) =>
    server.put("a", (old) => ({ ...old, metadata: { ...old.metadata, ...metadata } }));
  const modified = `Operation cannot be fulfilled on ${gr} "a": the object has been modified; please apply your changes to the latest version and try again`;
  await assert.rejects(claim({ resourceVersion: "1" }), refused(409, modified));
  await assert.rejects(claim({ resourceVersion: "99999" }), refused(409, modified));
  await assert.rejects(
    claim({ resourceVersion: "" }),
    refused(422, `${gr} "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`),
  );
  await assert.rejects(
    claim({ uid: "x" }),
    refused(409, /Precondition failed: UID in precondition: x, UID in object meta: uid-1/),
  );
  const patchUid = server.patch("a", { metadata: { uid: "x" } });
  await assert.rejects(patchUid, refused(422, /metadata\.uid: Invalid value: "x": field is immutable/));
  await assert.rejects(
    claim({ name: "b" }),
    refused(400, "the name of the object (b) does not match the name on the URL (a)"),
  );
  await assert.rejects(claim({ name: "" }), refused(400, /was undeterminable: name must be provided/));
  await assert.rejects(claim({ deletionTimestamp: "2030-01-01T00:00:00Z" }), refused(422, /field is immutable/));
  await assert.rejects(server.put("missing", aWidget("missing")), refused(404, `${gr} "missing" not found`));
  assert.deepEqual((await claim({ uid: "" })).object, object);
});

// API AD-02, AD-03
test("of everything that is wrong with a write, the first stage it meets tells", async (t) => {
  const refuseLabel = (label: string) => async (attributes: { object: KubeObject | undefined }) => {
    if (attributes.object?.metadata.labels?.[label] !== undefined) throw newBadRequest(`${label} admission`);
    return undefined;
  };
  const server = new WidgetServer(t, {
    strategy: { validate: (object) => (objectAt(object, "spec").size === 13 ? [invalid("spec.size", 13, "no")] : []) },
    plugins: [{ name: "judge", admit: refuseLabel("mutating"), validate: refuseLabel("validating") }],
  });
  const { object: stored } = await server.create(aWidget("a"));
  let body: KubeObject = {
    ...aWidget("b", { spec: { size: "big", foo: 1 } }),
    kind: "Gadget",
    metadata: { name: "b", uid: "x", resourceVersion: "1", labels: { mutating: "x", validating: "x" } },
  };
  const mend = (change: (metadata: ObjectMeta) => Partial<KubeObject>) => {
    body = { ...body, ...change(body.metadata) };
  };
  const next = async (refusal: RegExp, code: number, change: Parameters<typeof mend>[0]): Promise<void> => {
    await assert.rejects(server.put("a", body, { fieldValidation: "Strict" }), refused(code, refusal));
    mend(change);
  };
  await next(/cannot be handled as a Widget/, 400, () => ({ kind: "Widget" }));
  await next(/does not match the name/, 400, (metadata) => ({ metadata: { ...metadata, name: "a" } }));
  await next(/unknown field "spec.foo"/, 400, () => ({ spec: { size: "big" } }));
  await next(/UID in precondition/, 409, (metadata) => ({ metadata: { ...metadata, uid: "uid-1" } }));
  await next(/has been modified/, 409, (metadata) => ({
    metadata: { ...metadata, resourceVersion: stored.metadata.resourceVersion ?? "" },
  }));
  await next(/spec\.size in body must be of type integer/, 422, () => ({ spec: { size: 13 } }));
  await next(/^mutating admission$/, 400, (metadata) => ({ metadata: { ...metadata, labels: { validating: "x" } } }));
  await next(/spec\.size: Invalid value: 13: no/, 422, () => ({ spec: { size: 1 } }));
  await next(/^validating admission$/, 400, (metadata) => ({ metadata: { ...metadata, labels: { a: "b" } } }));
  assert.deepEqual((await server.put("a", body)).object.metadata.labels, { a: "b" });
});

// API P-03, T-03
test("update: a stale cache costs a second attempt, not a wrong answer", async (t) => {
  const backend = new MemoryBackend();
  let attempts = 0;
  const counter: AdmissionPlugin = { name: "counter", admit: async () => void attempts++ };
  const server = new WidgetServer(t, { backend, plugins: [counter] });
  const { object: first } = await server.create(aWidget("a"));
  await server.settle();
  const release = backend.hold();
  const other = new WidgetServer(t, { backend });
  await other.settle();
  await other.put("a", (old) => ({ ...old, spec: { size: 5 } }));
  attempts = 0;
  const patched = await server.patch("a", { metadata: { labels: { a: "b" } } });
  assert.deepEqual([patched.object.spec, attempts], [{ size: 5, color: "grey" }, 2]);
  const stale = server.put("a", { ...first, spec: { size: 9 } });
  await assert.rejects(stale, refused(409, /the object has been modified/));
  release();
});

test("update: concurrent changes without a version all take effect", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a", { spec: { free: {} } }));
  const add = (key: string) => server.patch("a", { spec: { free: { [key]: 1 } } });
  await Promise.all(["a", "b", "c", "d", "e", "f"].map(add));
  const { object } = await server.store.get(server.context(), "a", { resourceVersion: "" });
  assert.deepEqual(Object.keys(objectAt(objectAt(object, "spec"), "free")).sort(), ["a", "b", "c", "d", "e", "f"]);
  assert.equal(object.metadata.generation, 7);
});

// API M-26, E-16, CR-07
test("strategies: defaults, preparation, rules and warnings have their say", async (t) => {
  const server = new WidgetServer(t, {
    strategy: {
      default: (object) => ({ ...object, spec: { ...objectAt(object, "spec"), replicas: 3 } }),
      prepareForCreate: (object) => ({ ...object, status: { phase: "New" } }),
      validate: (object) => (objectAt(object, "spec").size === 13 ? [invalid("spec.size", 13, "must not be 13")] : []),
      validateUpdate: (_object, old) => (objectAt(old, "spec").size === 7 ? [invalid("spec.size", 7, "is final")] : []),
      warnings: () => ["beware"],
    },
  });
  const { object } = await server.create(aWidget("a", { spec: { size: 7 } }));
  assert.deepEqual([object.spec, object.status], [{ size: 7, color: "grey", replicas: 3 }, { phase: "New" }]);
  assert.deepEqual(server.warnings, ["beware"]);
  const bad = { ...aWidget("a"), spec: { size: 13 } };
  await assert.rejects(server.create({ ...bad, metadata: { name: "b" } }), refused(422, /must not be 13$/));
  await assert.rejects(
    server.put("a", (old) => ({ ...old, spec: bad.spec })),
    refused(422, /\[spec.size: Invalid value: 13: must not be 13, spec.size: Invalid value: 7: is final\]$/),
  );
});

// API U-10
test("owner references that come twice are kept once, with a warning", async (t) => {
  const server = new WidgetServer(t);
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "u" };
  const { object } = await server.create(aWidget("a", { metadata: { ownerReferences: [owner, { ...owner }] } }));
  assert.deepEqual(object.metadata.ownerReferences, [owner]);
  assert.match(server.warnings[0] ?? "", /^\.metadata\.ownerReferences contains duplicate entries;/);
});

test("mutating admission: its changes count, but not to system members, status or unknown fields", async (t) => {
  const server = new WidgetServer(t, {
    plugins: [
      {
        name: "mutator",
        admit: async ({ object }) =>
          object === undefined
            ? undefined
            : {
                ...object,
                metadata: { ...object.metadata, uid: "forged", labels: { mutated: "yes" } },
                spec: { ...objectAt(object, "spec"), bogus: 1 },
                status: { phase: "Forged" },
              },
      },
    ],
  });
  const { object } = await server.create(aWidget("a"), { fieldValidation: "Strict" });
  assert.deepEqual(
    [object.metadata.uid, object.metadata.labels, object.spec, object.status],
    ["uid-1", { mutated: "yes" }, { size: 1, color: "grey" }, undefined],
  );
});

test("numbers beyond 2^53 in free-form members are kept as written", async (t) => {
  const server = new WidgetServer(t);
  const big = JSON.rawJSON("12345678901234567890");
  await server.create(aWidget("a", { spec: { free: { n: big } } }));
  await server.put("a", (old) => ({ ...old, metadata: { ...old.metadata, labels: { a: "b" } } }));
  const { json } = await server.store.get(server.context(), "a", { resourceVersion: "" });
  assert.match(Buffer.from(json).toString(), /"free":\{"n":12345678901234567890\}/);
});

// API U-01, U-04
test("update: of kinds that allow it, a PUT creates what is not there", async (t) => {
  const server = new WidgetServer(t, { strategy: { createsOnUpdate: true, allowUnconditionalUpdate: true } });
  const asked: string[] = [];
  const context = server.context({ requireVerb: async (verb) => void asked.push(verb) });
  const put = (metadata: ObjectMeta) =>
    server.store.update(context, writeOf("a", aWidget("a", { metadata, spec: { size: 1 } })));
  await assert.rejects(
    put({ uid: "u" }),
    refused(409, /Precondition failed: UID in precondition: u, UID in object meta: $/),
  );
  const { created, item } = await put({ resourceVersion: "1" });
  assert.deepEqual([created, item.object.metadata.uid, asked], [true, "uid-1", ["create"]]);
  assert.equal((await put({})).created, false);
  const status = server.subresource("status");
  await assert.rejects(putTo(status, server.context(), "b", aWidget("b")), refused(404, /not found/));
});

test("update: what is no object of the kind is told as such also where there is none to replace", async (t) => {
  const server = new WidgetServer(t);
  const put = (spec: JsonObject) =>
    server.put("a", aWidget("a", { metadata: { resourceVersion: "1" }, spec }), { fieldValidation: "Strict" });
  await assert.rejects(put({ size: 1, unknown: 1 }), refused(400, /unknown field "spec.unknown"/));
  await assert.rejects(put({ size: 1 }), refused(404, /not found/));
});

// API P-05
test("patch: another uid is told with whatever else is wrong", async (t) => {
  let isStrict = false;
  const strategy = { validate: () => (isStrict ? [invalid("spec.size", 1, "must be more")] : []) };
  const server = new WidgetServer(t, { strategy });
  await server.create(aWidget("a"));
  isStrict = true;
  const both = /metadata.uid: Invalid value: "u": field is immutable, spec.size: Invalid value: 1: must be more/;
  await assert.rejects(server.patch("a", { metadata: { uid: "u" } }), refused(422, both));
});

test("an object from before a rule stays editable, where its mistake stays as it is (API CR-25)", async (t) => {
  const server = new WidgetServer(t);
  await server.create(aWidget("a"));
  const key = "/registry/test.example/widgets/demo/a";
  const { value } = await server.backend.get(key);
  const old = { ...JSON.parse(Buffer.from(value?.value ?? []).toString()), spec: { size: 1, color: 5 } };
  await server.backend.update(key, Buffer.from(JSON.stringify(old)), value?.revision ?? 0);
  await server.settle();
  const change = (color: JsonValue) => (stored: KubeObject) => ({ ...stored, spec: { size: 2, color } });
  for (const changed of [
    await server.put("a", change(5)),
    await server.patch("a", { metadata: { labels: { seen: "again" } } }),
  ]) {
    assert.deepEqual(changed.object.spec, { size: 2, color: 5 });
  }
  await assert.rejects(server.put("a", change(6)), refused(422, /spec\.color in body must be of type string/));
  await assert.rejects(
    server.patch("a", { spec: { color: 6 } }),
    refused(422, /spec\.color in body must be of type string/),
  );
});
