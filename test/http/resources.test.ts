/** The verbs, as a well-behaved client uses them (API sections 3 to 5, 7). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { type Reply, valueAt } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf, root } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
/** A namespace of its own per test, so that lists hold what the test made. */
async function newNamespace(name: string): Promise<string> {
  await createNamespace(admin, name);
  return pathOf(name, "functions");
}

const rvOf = (reply: Reply): string => String(reply.at("metadata", "resourceVersion"));
function namesOf(reply: Reply): readonly string[] {
  const items = reply.at("items");
  assert.ok(Array.isArray(items), reply.text.slice(0, 200));
  return items.map((item) => String(valueAt(item, "metadata", "name")));
}

// API C-01, C-02, C-09, M-04, N-19, CR-22
test("create: system metadata is the server's, the rest is kept, defaults are filled in", async () => {
  const functions = await newNamespace("creating");
  const claimed = {
    uid: "mine",
    creationTimestamp: "2001-01-01T00:00:00Z",
    generation: 7,
    deletionTimestamp: "2001-01-01T00:00:00Z",
    labels: { a: "b" },
    annotations: { "example.org/c": "<d> & e" },
    finalizers: ["example.org/held"],
  };
  const reply = ok(await admin.post(functions, aFunction("a", { metadata: claimed, status: { replicas: 9 } })), 201);
  const metadata = objectOf(reply.body, "metadata") ?? {};
  assert.match(String(metadata.uid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(String(metadata.creationTimestamp), /^20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(metadata.generation, 1);
  assert.equal(metadata.deletionTimestamp, undefined);
  assert.deepEqual(
    [metadata.labels, metadata.annotations, metadata.finalizers],
    [claimed.labels, claimed.annotations, claimed.finalizers],
  );
  assert.equal(reply.body.status, undefined);
  assert.equal(reply.at("spec", "tenant"), "public");
  assert.deepEqual(ok(await admin.get(`${functions}/a`)).body, reply.body);
  assertFailure(await admin.post(functions, aFunction("a")), {
    code: 409,
    reason: "AlreadyExists",
    message: 'functions.compute.functionmesh.io "a" already exists',
  });
});

// API V-22, V-23, N-11
test("create: what is not said is taken from the URL, in JSON and YAML alike", async () => {
  const functions = await newNamespace("saying-little");
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = aFunction("json");
  assert.equal(ok(await admin.post(functions, rest), 201).at("metadata", "namespace"), "saying-little");
  const yaml =
    "metadata: {name: yaml}\nspec: {className: a, java: {jar: b}, input: {topics: [c]}, pulsar: {pulsarConfig: d}}";
  const reply = ok(
    await admin.post(functions, `${yaml}\n---\nignored: true\n`, { "content-type": "application/yaml" }),
    201,
  );
  assert.equal(reply.body.kind, "Function");
  const asYaml = ok(await admin.get(`${functions}/yaml`, { accept: "application/yaml" }));
  assert.equal(asYaml.headers["content-type"], "application/yaml");
  assert.match(asYaml.text, /^apiVersion: compute\.functionmesh\.io\/v1alpha1\nkind: Function\n/);
});

// API C-06, C-08, KC-12
test("create: names are generated, and a missing or ending namespace refused", async () => {
  const functions = await newNamespace("naming");
  const { metadata: _metadata, ...rest } = aFunction("");
  const body: JsonObject = { ...rest, metadata: { generateName: "made-" } };
  const replies = await Promise.all(Array.from({ length: 5 }, async () => ok(await admin.post(functions, body), 201)));
  const names = replies.map((reply) => String(reply.at("metadata", "name")));
  for (const name of names) assert.match(name, /^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(new Set(names).size, names.length);
  assertFailure(await admin.post(pathOf("nowhere", "functions"), aFunction("a")), {
    code: 404,
    reason: "NotFound",
    message: 'namespaces "nowhere" not found',
  });
});

// API V-13, V-14, KB-17
test("dry run: the answer of the real thing, and nothing stored", async () => {
  const functions = await newNamespace("trying");
  const created = ok(await admin.post(`${functions}?dryRun=All`, aFunction("a")), 201);
  assert.equal(created.at("metadata", "resourceVersion"), undefined);
  assert.equal(typeof created.at("metadata", "uid"), "string");
  assertFailure(await admin.get(`${functions}/a`), { code: 404 });
  const stored = ok(await admin.post(functions, aFunction("a")), 201);
  assertFailure(await admin.post(`${functions}?dryRun=All`, aFunction("a")), { code: 409, reason: "AlreadyExists" });
  const patched = ok(await admin.patch(`${functions}/a?dryRun=All`, "merge", { spec: { replicas: 5 } }));
  assert.deepEqual([patched.at("spec", "replicas"), rvOf(patched)], [5, rvOf(stored)]);
  assert.equal(ok(await admin.delete(`${functions}/a?dryRun=All`)).body.status, "Success");
  ok(await admin.delete(`${functions}?dryRun=All`));
  assert.equal(ok(await admin.get(`${functions}/a`)).text, stored.text);
});

// API U-01, U-02, U-07, M-07, M-09, P-09, P-10, P-20, KB-42
test("update and patch: generation counts wishes, a write that changes nothing is none", async () => {
  const functions = await newNamespace("changing");
  const item = `${functions}/a`;
  const created = ok(await admin.post(functions, aFunction("a")), 201);
  assert.equal(rvOf(ok(await admin.put(item, created.body))), rvOf(created));
  assert.equal(rvOf(ok(await admin.patch(item, "merge", {}))), rvOf(created));
  const labelled = ok(await admin.patch(item, "merge", { metadata: { labels: { a: "1", b: "2" } } }));
  assert.equal(labelled.at("metadata", "generation"), 1);
  assert.ok(Number(rvOf(labelled)) > Number(rvOf(created)));
  const operations = [
    { op: "test", path: "/spec/replicas", value: 1 },
    { op: "replace", path: "/spec/replicas", value: 2 },
    { op: "remove", path: "/metadata/labels/b" },
    { op: "add", path: "/spec/input/topics/-", value: "more" },
  ];
  const patched = ok(await admin.patch(item, "json", operations));
  assert.deepEqual(
    [patched.at("metadata", "generation"), patched.at("metadata", "labels"), patched.at("spec", "input", "topics", 1)],
    [2, { a: "1" }, "more"],
  );
  const replaced = ok(
    await admin.put(item, {
      ...patched.body,
      spec: { ...objectOf(created.body, "spec"), replicas: 3 },
      status: { replicas: 3 },
    }),
  );
  assert.deepEqual([replaced.at("metadata", "generation"), replaced.body.status], [3, undefined]);
  assertFailure(await admin.put(item, patched.body), { code: 409, reason: "Conflict" });
  const removed = ok(await admin.patch(item, "merge", { metadata: { labels: null } }));
  assert.equal(removed.at("metadata", "labels"), undefined);
});

// API P-03, T-05
test("patches of many clients at once all take effect", async () => {
  const functions = await newNamespace("racing");
  ok(await admin.post(functions, aFunction("a")), 201);
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
  const patch = (key: string) => admin.patch(`${functions}/a`, "merge", { metadata: { labels: { [key]: "x" } } });
  await Promise.all(keys.map(async (key) => ok(await patch(key))));
  const labels = objectOf(objectOf(ok(await admin.get(`${functions}/a`)).body, "metadata") ?? {}, "labels") ?? {};
  assert.deepEqual(Object.keys(labels).sort(), keys.sort());
});

// API M-10, M-11, KB-09
test("status: written by its own path, and nothing else is there", async () => {
  const functions = await newNamespace("observing");
  const created = ok(await admin.post(functions, aFunction("a")), 201);
  const status = { conditions: {}, replicas: 1, readyReplicas: 1, selector: "a=b", observedGeneration: 1 };
  const put = ok(await admin.put(`${functions}/a/status`, { ...created.body, status, spec: { className: "other" } }));
  assert.deepEqual([put.body.status, put.body.spec], [status, created.body.spec]);
  assert.equal(put.at("metadata", "generation"), 1);
  const patched = ok(await admin.patch(`${functions}/a/status`, "merge", { status: { readyReplicas: 0 } }));
  assert.equal(patched.at("status", "readyReplicas"), 0);
  assert.equal(ok(await admin.get(`${functions}/a/status`)).text, patched.text);
});

// API KC-13, KC-14, KB-22
test("scale: one number and a selector, as an autoscaler sees them", async () => {
  const functions = await newNamespace("scaling");
  ok(await admin.post(functions, aFunction("a", { spec: { maxReplicas: 5 } })), 201);
  const scale = ok(await admin.get(`${functions}/a/scale`));
  assert.deepEqual(
    [scale.body.kind, scale.body.apiVersion, scale.at("spec", "replicas")],
    ["Scale", "autoscaling/v1", 1],
  );
  const scaled = ok(await admin.put(`${functions}/a/scale`, { ...scale.body, spec: { replicas: 3 } }));
  assert.equal(scaled.at("spec", "replicas"), 3);
  ok(await admin.patch(`${functions}/a/scale`, "merge", { spec: { replicas: 4 } }));
  const parent = ok(await admin.get(`${functions}/a`));
  assert.deepEqual([parent.at("spec", "replicas"), parent.at("metadata", "generation")], [4, 3]);
});

// API U-09, X-01, X-02, X-03, X-07, X-12, M-14
test("delete: at once, or when the last finalizer is gone", async () => {
  const functions = await newNamespace("deleting");
  const created = ok(await admin.post(functions, aFunction("a")), 201);
  const gone = ok(await admin.delete(`${functions}/a`));
  assert.deepEqual(gone.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: "a",
      group: "compute.functionmesh.io",
      kind: "functions",
      uid: created.at("metadata", "uid"),
    },
  });
  assertFailure(await admin.delete(`${functions}/a`), { code: 404, reason: "NotFound" });

  ok(await admin.post(functions, aFunction("held", { metadata: { finalizers: ["example.org/held"] } })), 201);
  const held = ok(await admin.delete(`${functions}/held`));
  assert.equal(typeof held.at("metadata", "deletionTimestamp"), "string");
  assert.equal(held.at("metadata", "generation"), 2);
  assertFailure(
    await admin.patch(`${functions}/held`, "merge", { metadata: { finalizers: ["x.org/y", "example.org/held"] } }),
    {
      code: 422,
      fields: ["metadata.finalizers"],
    },
  );
  ok(await admin.patch(`${functions}/held`, "merge", { metadata: { finalizers: null } }));
  assertFailure(await admin.get(`${functions}/held`), { code: 404 });

  ok(await admin.post(functions, aFunction("parent")), 201);
  const waiting = ok(await admin.delete(`${functions}/parent`, { propagationPolicy: "Foreground" }));
  assert.deepEqual(waiting.at("metadata", "finalizers"), ["foregroundDeletion"]);
});

// API L-01, X-14
test("delete a collection: what the selectors say, as a list of what went", async () => {
  const functions = await newNamespace("clearing");
  for (const name of ["a", "b", "c"]) {
    ok(await admin.post(functions, aFunction(name, { metadata: { labels: { odd: String(name !== "b") } } })), 201);
  }
  const gone = ok(await admin.delete(`${functions}?labelSelector=odd%3Dtrue`));
  assert.deepEqual([gone.body.kind, namesOf(gone)], ["FunctionList", ["a", "c"]]);
  assert.deepEqual(namesOf(ok(await admin.get(functions))), ["b"]);
});

// API L-01, L-03, L-08, L-13, L-15, L-16, L-30, L-31, L-33, L-35, KB-03, KB-08, KB-10
test("list: selectors, pages of one snapshot, and all namespaces in order", async () => {
  const functions = await newNamespace("listing");
  const other = await newNamespace("listing-too");
  const names = Array.from({ length: 7 }, (_, i) => `f-${i}`);
  for (const [i, name] of names.entries()) {
    ok(
      await admin.post(functions, aFunction(name, { metadata: { labels: { n: String(i), half: i < 4 ? "1" : "2" } } })),
      201,
    );
  }
  ok(await admin.post(other, aFunction("f-0")), 201);
  const list = ok(await admin.get(functions));
  assert.deepEqual(
    [list.body.kind, list.body.apiVersion, namesOf(list)],
    ["FunctionList", "compute.functionmesh.io/v1alpha1", names],
  );

  const select = async (query: string) => namesOf(ok(await admin.get(`${functions}?${encodeURI(query)}`)));
  assert.deepEqual(await select("labelSelector=half=2"), ["f-4", "f-5", "f-6"]);
  assert.deepEqual(await select("labelSelector=half!=2,n notin (0,1)"), ["f-2", "f-3"]);
  assert.deepEqual(await select("labelSelector=n>4,!missing"), ["f-5", "f-6"]);
  assert.deepEqual(await select("fieldSelector=metadata.name=f-3"), ["f-3"]);
  assert.deepEqual(await select("fieldSelector=metadata.name!=f-3,metadata.namespace=listing&labelSelector=half=1"), [
    "f-0",
    "f-1",
    "f-2",
  ]);
  assert.deepEqual(await select("labelSelector=n=99"), []);

  const first = ok(await admin.get(`${functions}?limit=3`));
  assert.equal(first.at("metadata", "remainingItemCount"), 4);
  ok(await admin.delete(`${functions}/f-5`));
  const pages = [first];
  for (let page = first; page.at("metadata", "continue") !== undefined; pages.push(page)) {
    page = ok(await admin.get(`${functions}?limit=3&continue=${page.at("metadata", "continue")}`));
    assert.equal(rvOf(page), rvOf(first));
  }
  assert.deepEqual(pages.flatMap(namesOf), names);
  assert.equal(pages.at(-1)?.at("metadata", "remainingItemCount"), undefined);
  const exact = ok(await admin.get(`${functions}?resourceVersion=${rvOf(first)}&resourceVersionMatch=Exact`));
  assert.deepEqual(namesOf(exact), names);

  const everywhere = ok(await admin.get(`${root}/functions?fieldSelector=metadata.name%3Df-0`));
  assert.deepEqual(namesOf(everywhere), ["f-0", "f-0"]);
  assert.equal(everywhere.at("items", 0, "metadata", "namespace"), "listing-too");
});

// API N-02, N-03, N-30, N-31, N-32, N-33, N-38, N-39, KC-02, KC-03, KB-06
test("Tables and metadata alone, of one object, of lists, of answers to writes", async () => {
  const functions = await newNamespace("showing");
  const created = ok(await admin.post(functions, aFunction("a", { metadata: { labels: { x: "y" } } })), 201);
  const as = (shape: string, version = "v1") => ({ accept: `application/json;as=${shape};v=${version};g=meta.k8s.io` });

  const table = ok(await admin.get(functions, as("Table")));
  assert.deepEqual([table.body.kind, table.body.apiVersion], ["Table", "meta.k8s.io/v1"]);
  const columns = table.at("columnDefinitions");
  assert.ok(Array.isArray(columns));
  assert.deepEqual(
    columns.slice(0, 2).map((column) => valueAt(column, "name")),
    ["Name", "Ready"],
  );
  assert.equal(valueAt(columns, 0, "format"), "name");
  assert.equal(table.at("rows", 0, "cells", 0), "a");
  assert.equal(table.at("rows", 0, "object", "kind"), "PartialObjectMetadata");
  const whole = ok(await admin.get(`${functions}?includeObject=Object`, as("Table", "v1beta1")));
  assert.deepEqual([whole.body.apiVersion, whole.at("rows", 0, "object")], ["meta.k8s.io/v1beta1", created.body]);
  assert.equal(ok(await admin.get(`${functions}/a?includeObject=None`, as("Table"))).at("rows", 0, "object"), null);

  const partial = ok(await admin.get(`${functions}/a`, as("PartialObjectMetadata")));
  assert.deepEqual(partial.body, {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: created.body.metadata,
  });
  const list = ok(await admin.get(functions, as("PartialObjectMetadataList")));
  assert.deepEqual([list.body.kind, list.at("items", 0)], ["PartialObjectMetadataList", partial.body]);
  const patched = await admin.send("PATCH", `${functions}/a`, {
    body: { metadata: { labels: { x: "z" } } },
    headers: { "content-type": "application/merge-patch+json", ...as("PartialObjectMetadata") },
  });
  assert.equal(ok(patched).body.kind, "PartialObjectMetadata");
  const fallback = `application/json;as=Table;v=v9;g=meta.k8s.io,application/vnd.kubernetes.protobuf,application/json`;
  assert.equal(ok(await admin.get(functions, { accept: fallback })).body.kind, "FunctionList");
});

// API V-25, N-43, N-50, N-51
test("large answers are compressed for who accepts it, and long for people only", async () => {
  const functions = await newNamespace("packing");
  const noise = { funcConfig: { text: "words and words ".repeat(4000) } };
  for (const name of ["a", "b", "c"]) ok(await admin.post(functions, aFunction(name, { spec: noise })), 201);
  const plain = ok(await admin.get(functions));
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.equal(plain.headers["content-length"], String(plain.bytes.length));
  const packed = ok(await admin.get(functions, { "accept-encoding": "gzip, br" }));
  assert.deepEqual([packed.headers["content-encoding"], packed.headers.vary], ["gzip", "Accept-Encoding"]);
  assert.ok(packed.bytes.length < plain.bytes.length / 5);
  assert.deepEqual(JSON.parse(gunzipSync(packed.bytes).toString()), plain.body);
  const small = ok(await admin.get(`${functions}/a`, { "accept-encoding": "gzip" }));
  assert.equal(small.headers["content-encoding"], undefined);

  const pretty = ok(await admin.get(`${functions}/a`, { "user-agent": "curl/8.0" }));
  assert.match(pretty.text, /^\{\n {2}"apiVersion": .*\n\}$/s);
  assert.ok(small.text.endsWith("}\n"), "compact answers end with a newline, indented ones don't");
  assert.deepEqual(JSON.parse(pretty.text), small.body);
  assert.equal(ok(await admin.get(`${functions}/a?pretty=false`, { "user-agent": "curl/8.0" })).text, small.text);
});

// API N-60
test("every answer has an audit id and is nobody's to keep", async () => {
  const own = ok(await admin.get(`${root}/functions`, { "audit-id": "mine" }));
  assert.equal(own.headers["audit-id"], "mine");
  const given = await admin.get(`${root}/nothings`);
  assert.match(String(given.headers["audit-id"]), /^[0-9a-f-]{36}$/);
  assert.equal(given.headers["cache-control"], "no-cache, private");
});
