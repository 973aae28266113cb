import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { atomic, keyed, map, numeric, set, struct, text } from "../../../test/support/field-types.ts";
import type { JsonObject, KubeObject, ManagedFieldsEntry, ObjectMeta } from "../../apis/meta/v1.ts";
import { StatusError } from "../../errors/status-error.ts";
import { isObject } from "../json.ts";
import { type FieldSet, fieldSet, without } from "../structured-merge/field-set.ts";
import type { Version } from "../structured-merge/ownership.ts";
import { freeFormType } from "../structured-merge/types.ts";
import { FieldManager, type FieldManagerOptions } from "./field-manager.ts";
import { managerName } from "./manager-name.ts";

const widget = struct({
  apiVersion: text,
  kind: text,
  metadata: struct({
    name: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    labels: map(text),
    annotations: map(text),
    finalizers: set(text),
    managedFields: atomic(freeFormType),
  }),
  spec: struct({
    replicas: numeric,
    topic: text,
    ports: keyed([{ name: "port" }, { name: "protocol", default: "TCP" }], struct({ port: numeric, protocol: text })),
  }),
  status: struct({ replicas: numeric }),
});
const gvk = { group: "test.io", version: "v1", kind: "Widget" };
const apiVersion = "test.io/v1";

function manager(
  subresource = "",
  writable: (fields: FieldSet) => FieldSet = (fields) => fields,
  more: Partial<FieldManagerOptions> = {},
) {
  const version: Version = { apiVersion, type: widget, writable };
  const versions = {
    find: (wanted: string) => (wanted === apiVersion ? version : undefined),
    convert: (object: JsonObject) => object,
  };
  return new FieldManager({ gvk, versions, subresource, ...more });
}
const main = manager("", (fields) => without(fields, fieldSet(["f:status"])));
const scale = manager("scale", (fields) => within(fields, "f:spec", "f:replicas"), {
  seesPartOnly: true,
  shownVersion: "autoscaling/v1",
});

function within(fields: FieldSet, ...path: readonly string[]): FieldSet {
  const [first, ...rest] = path;
  const node = first === undefined ? undefined : fields.get(first);
  if (first === undefined || node === undefined) return new Map();
  const below = rest.length === 0 ? node.below : within(node.below, ...rest);
  const owned = rest.length === 0 && node.owned;
  return owned || below.size > 0 ? new Map([[first, { owned, below }]]) : new Map();
}

const at = (second: number): string => `2026-11-30T10:00:${String(second).padStart(2, "0")}Z`;
const object = (spec: JsonObject, metadata: ObjectMeta = {}): KubeObject => ({
  apiVersion,
  kind: "Widget",
  metadata: { name: "w", ...metadata },
  spec,
});

/** One object and its managers. */
class Story {
  live: KubeObject | undefined;
  second = 0;

  get entries(): readonly ManagedFieldsEntry[] {
    return this.live?.metadata.managedFields ?? [];
  }

  #store(next: JsonObject | KubeObject, managedFields: readonly ManagedFieldsEntry[]): this {
    const { metadata, ...rest } = next;
    const meta: ObjectMeta = { ...(metadata as ObjectMeta) };
    delete meta.managedFields;
    if (managedFields.length > 0) meta.managedFields = [...managedFields];
    this.live = { ...rest, apiVersion, kind: "Widget", metadata: meta };
    return this;
  }

  update(by: string, next: KubeObject, through = main): this {
    const sent =
      next.metadata.managedFields === undefined && this.live?.metadata.managedFields !== undefined
        ? { ...next, metadata: { ...next.metadata, managedFields: this.live.metadata.managedFields } }
        : next;
    return this.#store(next, through.update(this.live, sent, { manager: by, time: at(this.second) }));
  }

  apply(by: string, wanted: JsonObject, { force = false, through = main } = {}): this {
    const applied = through.apply(this.live, wanted, { manager: by, force, time: at(this.second) });
    return this.#store(applied.object, applied.managedFields);
  }

  refused(by: string, wanted: JsonObject, through = main): StatusError {
    try {
      this.apply(by, wanted, { through });
    } catch (error) {
      if (error instanceof StatusError) return error;
      throw error;
    }
    return assert.fail("was not refused");
  }

  get managers(): string[] {
    return this.entries.map(({ manager: name, operation, subresource }) =>
      [name, operation, subresource].filter(Boolean).join(" "),
    );
  }

  entry(name: string): ManagedFieldsEntry {
    return (
      this.entries.find((one) => one.manager === name) ??
      assert.fail(`no entry of ${name} in ${this.managers.join(", ")}`)
    );
  }

  fieldsOf(name: string): JsonObject | undefined {
    return this.entry(name).fieldsV1;
  }
}

test("a create is the creator's, system metadata is nobody's (API S-13, S-19)", () => {
  const story = new Story().update("creator", object({ replicas: 1 }, { uid: "u", labels: { a: "1" } }));
  assert.deepEqual(story.entries, [
    {
      manager: "creator",
      operation: "Update",
      apiVersion,
      time: at(0),
      fieldsType: "FieldsV1",
      fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:a": {} } }, "f:spec": { ".": {}, "f:replicas": {} } },
    },
  ]);
});

test("entries accumulate what their manager touches; their time moves with it alone (API S-15, S-21)", () => {
  const story = new Story().update("a", object({ replicas: 1, topic: "x" }));
  story.second = 5;
  story.update("b", object({ replicas: 2, topic: "x" }));
  assert.deepEqual([story.entry("a").time, story.entry("b").time], [at(0), at(5)]);
  assert.deepEqual(story.fieldsOf("a"), { "f:spec": { ".": {}, "f:topic": {} } });
  story.second = 9;
  story.update("b", object({ replicas: 2, topic: "y" }));
  assert.deepEqual(story.fieldsOf("b"), { "f:spec": { "f:replicas": {}, "f:topic": {} } });
  assert.equal(story.entry("b").time, at(9));
  const before = story.entries;
  story.second = 20;
  story.update("c", object({ replicas: 2, topic: "y" }));
  assert.deepEqual(story.entries, before, "who changes nothing manages nothing");
});

test("what goes is nobody's any more, and an entry without fields is dropped", () => {
  const story = new Story().apply("a", object({ replicas: 1 })).update("b", object({ topic: "x" }));
  assert.deepEqual(story.managers, ["b Update"]);
});

test("apply: the entry says what was applied; the same again changes nothing at all (API S-15)", () => {
  const story = new Story().apply("a", object({ replicas: 1, ports: [{ port: 80 }] }, { finalizers: ["x/y"] }));
  assert.deepEqual(story.fieldsOf("a"), {
    "f:metadata": { "f:finalizers": { 'v:"x/y"': {} } },
    "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {} } }, "f:replicas": {} },
  });
  const { live } = story;
  story.second = 30;
  const again = main.apply(live, object({ replicas: 1, ports: [{ port: 80 }] }, { finalizers: ["x/y"] }), {
    manager: "a",
    force: true,
    time: at(30),
  });
  assert.equal(again.object, live);
  assert.equal(again.managedFields, live?.metadata.managedFields);
});

test("an apply that changes nothing in the object leaves its entry without a time, or with the one it had (API section 17)", () => {
  const story = new Story().update("u", object({ replicas: 1, topic: "x" }));
  story.second = 5;
  story.apply("a", object({ replicas: 1 }));
  assert.equal(story.entry("a").time, undefined);
  story.apply("a", object({ replicas: 1, topic: "x" }));
  assert.deepEqual(
    [story.entry("a").time, story.fieldsOf("a")],
    [undefined, { "f:spec": { "f:replicas": {}, "f:topic": {} } }],
  );
});

test("entries come in order: Apply first, then by time, name, subresource (API S-12)", () => {
  const story = new Story().update("z", object({ replicas: 1 }));
  story.second = 1;
  story.update("a", object({ replicas: 1, topic: "x" })).apply("m", object({ ports: [{ port: 1 }] }));
  story.second = 2;
  story.apply("b", object({ ports: [{ port: 2 }] }));
  assert.deepEqual(story.managers, ["m Apply", "b Apply", "z Update", "a Update"]);
});

test("a conflict names manager, version and field (API S-26)", () => {
  const story = new Story().update("u", object({ replicas: 1 })).apply("a", object({ topic: "x" }));
  const one = story.refused("b", object({ topic: "y" })).status;
  assert.deepEqual(one, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'Apply failed with 1 conflict: conflict with "a": .spec.topic',
    reason: "Conflict",
    details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "a"', field: ".spec.topic" }] },
    code: 409,
  });
  const two = story.refused("b", object({ topic: "y", replicas: 2 })).status;
  assert.equal(
    two.message,
    'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.topic\nconflicts with "u" using test.io/v1:\n- .spec.replicas',
  );
  story.apply("b", object({ topic: "y", replicas: 2 }), { force: true });
  assert.deepEqual(story.managers, ["b Apply", "u Update"]);
  assert.deepEqual(story.fieldsOf("u"), { "f:spec": {} });
});

test("conflicts beyond number are counted, not all named", () => {
  const labels = (value: string) => ({
    labels: Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`k${index}`, value])),
  });
  const { status } = new Story().apply("a", object({}, labels("1"))).refused("b", object({}, labels("2")));
  assert.match(status.message ?? "", /^Apply failed with 3000 conflicts: /);
  assert.ok((status.details?.causes ?? []).length <= 100);
});

test("status is neither changed nor claimed through the object, nor anything else through the status (API S-17, S-28)", () => {
  const status = manager("status", (fields) => within(fields, "f:status"));
  const story = new Story().update("u", object({ replicas: 1 }));
  story.update("s", { ...object({ replicas: 1 }), status: { replicas: 1 } }, status);
  assert.deepEqual(story.managers, ["u Update", "s Update status"].toSorted());
  story.apply("a", { ...object({ topic: "x" }), status: { replicas: 7 } });
  assert.deepEqual(story.fieldsOf("a"), { "f:spec": { "f:topic": {} } });
  if (story.live !== undefined) story.live = { ...story.live, status: { replicas: 1 } };
  story.apply("st", { ...object({ topic: "other" }), status: { replicas: 1 } }, { through: status });
  assert.deepEqual(story.fieldsOf("st"), { "f:status": { "f:replicas": {} } });
});

test("through scale only replicas are managed, and conflicts speak of Scale (API S-39)", () => {
  const story = new Story().apply("a", object({ replicas: 1, topic: "x" }));
  const { status } = story.refused("s", object({ replicas: 2 }), scale);
  assert.equal(status.message, 'Apply failed with 1 conflict: conflict with "a": .spec.replicas');
  story.update("u", object({ replicas: 3, topic: "x" }), scale);
  assert.deepEqual(story.managers, ["a Apply", "u Update scale"]);
  assert.deepEqual(story.fieldsOf("u"), { "f:spec": { "f:replicas": {} } });
  const back = story.refused("s", object({ replicas: 1 }), scale).status;
  assert.equal(
    back.message,
    'Apply failed with 1 conflict: conflict with "u" with subresource "scale" using autoscaling/v1: .spec.replicas',
  );
});

test("a scale that nobody manages stays so on update, and is everybody's before the first apply", () => {
  const story = new Story().apply("a", object({ topic: "x" }));
  story.live = { ...object({ topic: "x", replicas: 1 }), metadata: { name: "w", managedFields: [...story.entries] } };
  story.update("u", object({ topic: "x", replicas: 2 }), scale);
  assert.deepEqual(story.managers, ["a Apply"]);
  assert.match(story.refused("s", object({ replicas: 3 }), scale).status.message ?? "", /"before-first-apply"/);
});

test("an untracked object stays so until the first apply, which finds owners for all that is there (API S-19)", () => {
  const story = new Story();
  story.live = object({ replicas: 1 }, { uid: "u" });
  story.update("u", object({ replicas: 2 }, { uid: "u" }));
  assert.deepEqual(story.entries, []);
  assert.match(
    story.refused("a", object({ replicas: 3 })).status.message ?? "",
    /conflict with "before-first-apply" using test.io\/v1: .spec.replicas/,
  );
  story.apply("a", object({ topic: "x" }));
  assert.deepEqual(story.managers, ["a Apply", "before-first-apply Update"]);
  assert.deepEqual(story.fieldsOf("before-first-apply"), { "f:spec": { ".": {}, "f:replicas": {} } });
});

test("managedFields in a body: absent keeps, [] and [{}] reset, a good list replaces, a bad one is ignored (API M-23, M-24)", () => {
  const begin = () => new Story().apply("a", object({ replicas: 1 }));
  const send = (managedFields: ManagedFieldsEntry[] | undefined, through = main) => {
    const { live } = begin();
    const sent: KubeObject = {
      ...object({ replicas: 1 }),
      metadata: { name: "w", ...(managedFields && { managedFields }) },
    };
    return through.update(live, sent, { manager: "w", time: at(9) }).map((entry) => entry.manager);
  };
  const good = { ...begin().entry("a"), manager: "renamed" };
  assert.deepEqual(send(undefined), ["a"]);
  assert.deepEqual(send([]), []);
  assert.deepEqual(send([{}]), []);
  assert.deepEqual(send([good]), ["renamed"]);
  // API S-13, S-18
  for (const meaningless of [
    { ...good, manager: "old", apiVersion: "test.example/v0" },
    { ...good, manager: "none", fieldsV1: {} },
    { ...good, manager: "nothing", fieldsV1: { ".": {} } },
    { manager: "missing", operation: "Update", apiVersion: "test.example/v1", fieldsType: "FieldsV1" },
  ]) {
    assert.deepEqual(send([meaningless, good]), ["renamed"], JSON.stringify(meaningless));
  }
  for (const bad of [
    { ...good, operation: "Frob" },
    { ...good, fieldsType: "V2" },
    { ...good, apiVersion: "" },
    { ...good, fieldsV1: { bad: {} } },
    { ...good, fieldsV1: { "k:{": {} } },
    { manager: "x" },
  ]) {
    assert.deepEqual(send([bad]), ["a"], JSON.stringify(bad));
  }
  assert.deepEqual(send([{}], scale), ["a"], "a subresource has no say");
});

test("stored entries that cannot be read: apply says so, an update begins anew (API S-35)", () => {
  const story = new Story();
  story.live = object(
    { replicas: 1 },
    {
      managedFields: [{ manager: "x", operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1: { bad: {} } }],
    },
  );
  const { status } = story.refused("x", object({ replicas: 2 }));
  assert.equal(status.code, 500);
  assert.match(status.message ?? "", /failed to decode managed fields/);
  story.update("u", object({ replicas: 2 }));
  assert.deepEqual(story.entries, []);
});

test("entries of versions that are not served are dropped when fields change (API S-18)", () => {
  const story = new Story().apply("a", object({ replicas: 1 }));
  const old = { ...story.entry("a"), manager: "old", apiVersion: "test.io/v0" };
  story.live = object({ replicas: 1 }, { managedFields: [...story.entries, old] });
  story.update("u", object({ replicas: 2 }));
  assert.deepEqual(story.managers, ["u Update"]);
});

test("Update entries are joined beyond ten, the oldest first, and nothing is lost (API S-16)", () => {
  const story = new Story().apply("app", object({ topic: "x" }));
  const labels: Record<string, string> = {};
  for (let count = 0; count < 30; count++) {
    story.second = count;
    labels[`k${count}`] = "1";
    story.update(`u${count}`, object({ topic: "x" }, { labels: { ...labels } }));
  }
  const updates = story.entries.filter(({ operation }) => operation === "Update");
  assert.equal(updates.length, 10);
  assert.deepEqual(
    updates.map(({ manager: name }) => name),
    ["ancient-changes", ...Array.from({ length: 9 }, (_, index) => `u${index + 21}`)],
  );
  const owned = updates.flatMap(({ fieldsV1 }) => Object.keys(labelsIn(fieldsV1)));
  assert.deepEqual(
    owned.filter((name) => name !== ".").toSorted(),
    Object.keys(labels)
      .map((key) => `f:${key}`)
      .toSorted(),
  );
  assert.equal(story.managers[0], "app Apply");
});

function labelsIn(fields: JsonObject = {}): JsonObject {
  const metadata = fields["f:metadata"];
  const labels = isObject(metadata) ? metadata["f:labels"] : undefined;
  return isObject(labels) ? labels : {};
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
test("kubectl takes over what its annotation says as it is, and renews the annotation (API S-34)", () => {
  const applied = object({ replicas: 1, topic: "x" });
  const begin = () =>
    new Story().update(
      "kubectl-client-side-apply",
      object({ replicas: 1, topic: "x" }, { annotations: { [lastApplied]: JSON.stringify(applied) } }),
    );
  assert.match(begin().refused("other", object({ replicas: 2 })).status.message ?? "", /kubectl-client-side-apply/);
  const story = begin().apply("kubectl", object({ replicas: 2, topic: "x" }));
  assert.equal(
    story.live?.metadata.annotations?.[lastApplied],
    '{"apiVersion":"test.io/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"replicas":2,"topic":"x"}}\n',
  );
  assert.deepEqual(story.fieldsOf("kubectl"), { "f:spec": { "f:replicas": {}, "f:topic": {} } });
  const edited = begin().update(
    "edit",
    object({ replicas: 5, topic: "x" }, { annotations: { [lastApplied]: JSON.stringify(applied) } }),
  );
  assert.deepEqual(
    edited.refused("kubectl", object({ replicas: 2, topic: "y" })).status.details?.causes,
    [{ reason: "FieldManagerConflict", message: 'conflict with "edit" using test.io/v1', field: ".spec.replicas" }],
    "only what the annotation doesn't explain",
  );
  const none = new Story().apply("kubectl", object({ replicas: 2 }));
  assert.equal(none.live?.metadata.annotations, undefined, "no annotation where none was");
});

test("an annotation that would make annotations too large goes", () => {
  const story = new Story().update("u", object({}, { annotations: { [lastApplied]: "{}" } }));
  story.apply("kubectl", object({ topic: "x".repeat(300_000) }));
  assert.deepEqual(story.live?.metadata.annotations, {});
});

const refusals: Record<string, { wanted: JsonObject; message: RegExp }> = {
  "another kind (API S-02)": {
    wanted: { ...object({}), kind: "Other" },
    message: /^invalid object type: test.io\/v1, Kind=Other$/,
  },
  "no kind": { wanted: { apiVersion: "v1" }, message: /^invalid object type: \/v1, Kind=$/ },
  "no type": { wanted: {}, message: /^invalid object type: \/, Kind=$/ },
  "managedFields (API S-03)": {
    wanted: object({}, { managedFields: [] }),
    message: /^metadata.managedFields must be nil$/,
  },
  "an undeclared field (API S-52)": {
    wanted: object({ foo: 1 }, { namespace: "ns" }),
    message:
      /^failed to create typed patch object \(ns\/w; test.io\/v1, Kind=Widget\): .spec.foo: field not declared in schema$/,
  },
  "several wrong types (API S-51)": {
    wanted: object({ replicas: "1", topic: 1 }),
    message:
      /: errors:\n {2}.spec.replicas: expected numeric \(int or float\), got string\n {2}.spec.topic: expected string, got number$/,
  },
  "metadata that is none": {
    wanted: { apiVersion, kind: "Widget", metadata: [] },
    message: /.metadata: expected map, got list$/,
  },
};
for (const [name, { wanted, message }] of Object.entries(refusals)) {
  test(`apply refuses ${name}`, () => {
    const { status } = new Story().refused("a", wanted);
    assert.equal(status.code, 400);
    assert.match(status.message ?? "", message);
  });
}

test("managers' names come from the client or its User-Agent (API S-14)", () => {
  assert.equal(managerName("given", "agent/1"), "given");
  assert.equal(managerName("", "my-tool/v1.2 (linux)"), "my-tool");
  assert.equal(managerName("", "no slash here"), "no slash here");
  assert.equal(managerName("", ""), "unknown");
  assert.equal(managerName("", "/x"), "unknown");
  assert.equal(managerName("", "a\u0000b\u00a0c\td/1"), "abcd");
  assert.equal(managerName("", "é".repeat(100)), "é".repeat(64));
});

test("any body and any managedFields: a StatusError or an answer, nothing else", () => {
  const live = new Story().apply("a", object({ replicas: 1 })).live;
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (body, fieldsV1) => {
      const wanted: JsonObject = JSON.parse(JSON.stringify({ ...body, apiVersion, kind: "Widget" }));
      const fields: JsonObject = JSON.parse(JSON.stringify({ "f:spec": fieldsV1 }));
      const forged: KubeObject = {
        ...object({ replicas: 2 }),
        metadata: {
          name: "w",
          managedFields: [{ manager: "x", operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1: fields }],
        },
      };
      try {
        main.apply(live, wanted, { manager: "m", force: true, time: at(1) });
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
      }
      assert.doesNotThrow(() => main.update(live, forged, { manager: "m", time: at(1) }));
    }),
  );
});
