/** Watches over HTTPS (API section 6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, valueAt, type Watch } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf, root } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
async function newNamespace(name: string): Promise<string> {
  await createNamespace(admin, name);
  return pathOf(name, "functions");
}
const create = async (functions: string, name: string, labels: { [key: string]: string } = {}) =>
  ok(await admin.post(functions, aFunction(name, { metadata: { labels } })), 201);
const label = async (functions: string, name: string, labels: { [key: string]: string | null }) =>
  ok(await admin.patch(`${functions}/${name}`, "merge", { metadata: { labels } }));
const briefs = async (watch: Watch, count: number) => (await watch.take(count)).map(brief);

// API W-01, W-02, W-03, W-09, W-11, W-33
test("a watch begins with what is there, then tells each change as it happens", async () => {
  const functions = await newNamespace("begin");
  await create(functions, "a");
  await using watch = await admin.watch(`${functions}?watch=true`);
  assert.deepEqual(
    [
      watch.reply.headers["content-type"],
      watch.reply.headers["transfer-encoding"],
      watch.reply.headers["cache-control"],
    ],
    ["application/json", "chunked", "no-cache, private"],
  );
  assert.deepEqual(await briefs(watch, 1), ["ADDED a"]);
  await create(functions, "b");
  await label(functions, "a", { x: "y" });
  ok(await admin.delete(`${functions}/a`));
  const events = await watch.take(3);
  assert.deepEqual(events.map(brief), ["ADDED b", "MODIFIED a", "DELETED a"]);
  const revisions = events.map(({ object }) => Number(valueAt(object, "metadata", "resourceVersion")));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  assert.equal(valueAt(events[2]?.object, "metadata", "labels", "x"), "y", "the last state");
});

// API L-02, W-10, KB-07
test("a watch goes on exactly behind the position it names", async () => {
  const functions = await newNamespace("resume");
  await create(functions, "a");
  const list = ok(await admin.get(functions));
  await create(functions, "b");
  await create(await newNamespace("resume-not"), "c");
  await using watch = await admin.watch(
    `${functions}?watch=1&resourceVersion=${list.at("metadata", "resourceVersion")}`,
  );
  assert.deepEqual(await briefs(watch, 1), ["ADDED b"]);
  await create(functions, "d");
  assert.deepEqual(await briefs(watch, 1), ["ADDED d"]);
});

// API W-20, W-21, W-29, W-30, KC-17
test("a streaming list: what is there, the mark of its end even if there is nothing, then changes", async () => {
  const functions = await newNamespace("streaming");
  const query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  await using empty = await admin.watch(`${functions}?${query}`);
  assert.deepEqual(await briefs(empty, 1), ["BOOKMARK end"]);
  await create(functions, "a");
  const last = await create(functions, "b");
  await using watch = await admin.watch(`${functions}?${query}`);
  const events = await watch.take(3);
  assert.deepEqual(events.map(brief), ["ADDED a", "ADDED b", "BOOKMARK end"]);
  const bookmark = events[2]?.object;
  assert.deepEqual(Object.keys(bookmark ?? {}).sort(), ["apiVersion", "kind", "metadata"]);
  assert.ok(Number(valueAt(bookmark, "metadata", "resourceVersion")) >= Number(last.at("metadata", "resourceVersion")));
  await create(functions, "c");
  assert.deepEqual([await briefs(watch, 1), await briefs(empty, 3)], [["ADDED c"], ["ADDED a", "ADDED b", "ADDED c"]]);
});

// API W-24
test("without initial events a watch begins with the next change", async () => {
  const functions = await newNamespace("changes-only");
  await create(functions, "a");
  await using watch = await admin.watch(
    `${functions}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`,
  );
  await create(functions, "b");
  assert.deepEqual(await briefs(watch, 1), ["ADDED b"]);
});

// API W-34, W-35, W-36
test("objects come and go as selectors see them", async () => {
  const functions = await newNamespace("selecting");
  await create(functions, "a", { on: "no" });
  await using watch = await admin.watch(`${functions}?watch=1&labelSelector=on%3Dyes`);
  await using one = await admin.watch(`${functions}?watch=1&fieldSelector=metadata.name%3Db`);
  await label(functions, "a", { on: "yes" });
  await label(functions, "a", { more: "1" });
  const { body } = await label(functions, "a", { on: null });
  await create(functions, "b", { on: "no" });
  ok(await admin.delete(`${functions}/a`));
  await create(functions, "bb", { on: "yes" });
  const events = await watch.take(4);
  assert.deepEqual(events.map(brief), ["ADDED a", "MODIFIED a", "DELETED a", "ADDED bb"]);
  const gone = events[2]?.object;
  assert.equal(valueAt(gone, "metadata", "labels", "on"), "yes", "as it was while it was wanted");
  assert.equal(valueAt(gone, "metadata", "resourceVersion"), valueAt(body, "metadata", "resourceVersion"));
  assert.deepEqual(await briefs(one, 1), ["ADDED b"]);
});

// API V-03
test("a watch of all namespaces, and the old paths for watches", async () => {
  const functions = await newNamespace("everywhere");
  await using all = await admin.watch(`${root}/functions?watch=1&labelSelector=here%3Dx`);
  await using old = await admin.watch(`${root}/watch/namespaces/everywhere/functions/a`);
  await create(functions, "a", { here: "x" });
  await create(functions, "ab", { here: "x" });
  assert.deepEqual([await briefs(all, 2), await briefs(old, 1)], [["ADDED a", "ADDED ab"], ["ADDED a"]]);
});

// API W-31, W-40
test("a watch ends cleanly when its time is up, with a bookmark before", async () => {
  const functions = await newNamespace("ending");
  const started = performance.now();
  await using watch = await admin.watch(
    `${functions}?watch=1&resourceVersion=1&timeoutSeconds=1&allowWatchBookmarks=1`,
  );
  const events = await watch.rest();
  assert.ok(events.every(({ type }) => type === "BOOKMARK"));
  assert.ok(events.length > 0);
  const lived = performance.now() - started;
  assert.ok(lived > 900 && lived < 20_000, `it lived ${lived} ms`);
  assert.ok(watch.reply.complete);
});

// API W-50, W-51, W-52
test("events as metadata alone, and as Tables with their columns once", async () => {
  const functions = await newNamespace("shapes");
  await create(functions, "a");
  const as = (shape: string) => ({ accept: `application/json;as=${shape};g=meta.k8s.io;v=v1` });
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  await using partial = await admin.watch(`${functions}?${query}`, as("PartialObjectMetadata"));
  const [added, end] = await partial.take(2);
  assert.deepEqual(
    [added?.object.kind, added?.object.spec, end && brief(end)],
    ["PartialObjectMetadata", undefined, "BOOKMARK end"],
  );
  await using table = await admin.watch(`${functions}?${query}`, as("Table"));
  const [first, bookmark] = await table.take(2);
  await create(functions, "b");
  const [second] = await table.take(1);
  assert.deepEqual(
    [first, bookmark, second].map((event) => event?.object.kind),
    ["Table", "Table", "Table"],
  );
  assert.ok(Array.isArray(first?.object.columnDefinitions));
  assert.equal(second?.object.columnDefinitions ?? null, null);
  assert.deepEqual(
    [valueAt(first?.object, "rows", 0, "cells", 0), valueAt(second?.object, "rows", 0, "cells", 0)],
    ["a", "b"],
  );
  assert.equal(bookmark?.type, "BOOKMARK");
});

test("many watches of one resource all see every event in order", async () => {
  const functions = await newNamespace("crowd");
  const watches = await Promise.all(Array.from({ length: 30 }, () => admin.watch(`${functions}?watch=1`)));
  const names = Array.from({ length: 10 }, (_, i) => `f-${i}`);
  for (const name of names) await create(functions, name);
  const seen = await Promise.all(watches.map((watch) => briefs(watch, names.length)));
  for (const each of seen)
    assert.deepEqual(
      each,
      names.map((name) => `ADDED ${name}`),
    );
  await Promise.all(watches.map((watch) => watch[Symbol.asyncDispose]()));
});
