import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { aWidget, brief, take } from "../../../test/support/objects.ts";
import { listOptions, refused, WidgetServer, watchOptions } from "../../../test/support/widgets.ts";
import { StatusError } from "../../errors/status-error.ts";
import { parseFieldSelector, parseLabelSelector } from "../../machinery/selectors.ts";
import type { ListOptions, WatchOptions } from "../rest/interface.ts";
import { encodeContinue } from "./continue-token.ts";

async function populated(t: TestContext, names: readonly string[] = ["c", "a", "b"]) {
  const backend = new MemoryBackend();
  const server = new WidgetServer(t, { backend });
  for (const name of names) await server.create(aWidget(name, { metadata: { labels: { name } } }));
  await server.settle();
  const list = async (options: Partial<ListOptions> = {}, namespace = "demo") => {
    const { items, metadata } = await server.store.list(server.context({ namespace }), listOptions(options));
    const names = items.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`);
    return { names: names.map((name) => name.replace(/^demo\//, "")), metadata };
  };
  const watch = async (options: Partial<WatchOptions> = {}, namespace = "demo") => {
    const events = await server.store.watch(server.context({ namespace }), watchOptions(options));
    return events[Symbol.asyncIterator]();
  };
  return { server, backend, list, watch };
}

// API L-02, L-03
test("list: in key order, with the revision it is consistent at", async (t) => {
  const { list, server } = await populated(t);
  await server.create(aWidget("z", { metadata: { namespace: "demo-2" } }));
  await server.create(aWidget("y", { metadata: { namespace: "another" } }));
  assert.deepEqual(await list(), { names: ["a", "b", "c"], metadata: { resourceVersion: "6" } });
  assert.deepEqual((await list({}, "")).names, ["another/y", "demo-2/z", "a", "b", "c"]);
  assert.deepEqual((await list({}, "nowhere")).names, []);
});

// API G-01, T-06, T-17
test("list and get see every acknowledged write, also of another server", async (t) => {
  const { list, server, backend } = await populated(t);
  const other = new WidgetServer(t, { backend });
  await other.create(aWidget("d"));
  assert.deepEqual((await list()).names, ["a", "b", "c", "d"]);
  await other.create(aWidget("e"));
  const { object } = await server.store.get(server.context(), "e", { resourceVersion: "" });
  assert.equal(object.metadata.name, "e");
});

// API L-08, L-13
test("list: pages show one state, count what is left, and end", async (t) => {
  const { list, server } = await populated(t, ["a", "b", "c", "d", "e"]);
  const first = await list({ limit: 2 });
  assert.deepEqual([first.names, first.metadata.remainingItemCount], [["a", "b"], 3]);
  await server.store.delete(server.context(), "c", { dryRun: false });
  await server.create(aWidget("cc"));
  const second = await list({ limit: 2, continue: first.metadata.continue ?? "" });
  assert.deepEqual([second.names, second.metadata.remainingItemCount], [["c", "d"], 1]);
  const third = await list({ limit: 2, continue: second.metadata.continue ?? "" });
  assert.deepEqual(third.names, ["e"]);
  assert.deepEqual(third.metadata, { resourceVersion: first.metadata.resourceVersion });
  assert.deepEqual((await list()).names, ["a", "b", "cc", "d", "e"]);
});

// API L-14, T-07
test("list: pages are read from storage's history when the cache no longer has them", async (t) => {
  const { list, server, backend } = await populated(t, ["a", "b", "c", "d", "e"]);
  const first = await list({ limit: 2 });
  await server.store.delete(server.context(), "c", { dryRun: false });
  const fresh = new WidgetServer(t, { backend });
  await fresh.settle();
  const options = listOptions({ limit: 2, continue: first.metadata.continue ?? "" });
  const { items, metadata } = await fresh.store.list(fresh.context(), options);
  assert.deepEqual(
    items.map(({ object }) => object.metadata.name),
    ["c", "d"],
  );
  assert.deepEqual([metadata.resourceVersion, metadata.remainingItemCount], [first.metadata.resourceVersion, 1]);
  const odd = parseFieldSelector("metadata.name!=b,metadata.name!=d");
  const exact = { resourceVersion: "6", resourceVersionMatch: "Exact", fields: odd, limit: 2 } as const;
  const selected = await fresh.store.list(fresh.context(), listOptions(exact));
  assert.deepEqual(
    selected.items.map(({ object }) => object.metadata.name),
    ["a", "c"],
  );
  assert.equal(selected.metadata.remainingItemCount, undefined);
  assert.ok(selected.metadata.continue !== undefined);
});

// API L-15, L-16, L-35, L-37
test("list: selectors", async (t) => {
  const { list } = await populated(t);
  const cases: [Partial<ListOptions>, string[]][] = [
    [{ labels: parseLabelSelector("name in (a,c)") }, ["a", "c"]],
    [{ fields: parseFieldSelector("metadata.name=b") }, ["b"]],
    [{ fields: parseFieldSelector("metadata.name=../b") }, []],
    [{ fields: parseFieldSelector("metadata.name!=b"), limit: 1 }, ["a"]],
    [{ fields: parseFieldSelector("spec.color=grey"), labels: parseLabelSelector("name=c") }, ["c"]],
    [{ fields: parseFieldSelector("metadata.namespace=other") }, []],
  ];
  for (const [options, names] of cases) assert.deepEqual((await list(options)).names, names);
  const narrowed = await list({ fields: parseFieldSelector("metadata.namespace=demo,metadata.name=a") }, "");
  assert.deepEqual(narrowed.names, ["a"]);
  await assert.rejects(
    list({ fields: parseFieldSelector("spec.nope=1") }),
    refused(400, '"spec.nope" is not a known field selector: only "metadata.name", "metadata.namespace", "spec.color"'),
  );
});

// API L-04
test("list: the resourceVersion matrix", async (t) => {
  const { list, server } = await populated(t, ["a", "b"]);
  await server.create(aWidget("c"));
  await server.store.delete(server.context(), "a", { dryRun: false });
  await server.settle();
  const cases: [Partial<ListOptions>, string[], string][] = [
    [{ resourceVersion: "0", limit: 1 }, ["b", "c"], "5"],
    [{ resourceVersion: "3" }, ["b", "c"], "5"],
    [{ resourceVersion: "3", limit: 10 }, ["a", "b"], "3"],
    [{ resourceVersion: "3", resourceVersionMatch: "Exact" }, ["a", "b"], "3"],
    [{ resourceVersion: "3", resourceVersionMatch: "NotOlderThan", limit: 5 }, ["b", "c"], "5"],
  ];
  for (const [options, names, revision] of cases) {
    const { names: found, metadata } = await list(options);
    assert.deepEqual([found, metadata.resourceVersion], [names, revision], JSON.stringify(options));
  }
});

test("a revision from the future is 504 after 3 s, for get and every list", async (t) => {
  const { list, server } = await populated(t);
  const reads = [
    server.store.get(server.context(), "a", { resourceVersion: "1000" }),
    list({ resourceVersion: "1000" }),
    list({ resourceVersion: "1000", resourceVersionMatch: "Exact" }),
  ];
  const refusals = reads.map((read) =>
    assert.rejects(read, (error) => {
      assert.ok(error instanceof StatusError);
      assert.match(error.message, /^Timeout: Too large resource version: 1000, current: 4$/);
      assert.equal(error.status.details?.causes?.[0]?.reason, "ResourceVersionTooLarge");
      return true;
    }),
  );
  await server.clock.advance(3000);
  await Promise.all(refusals);
});

test("a watch from the future waits (API W-13), but for who refuses to: in this process nobody may wait for ever", async (t) => {
  const { watch, server } = await populated(t);
  const refusing = watch({ resourceVersion: "1000", refusesFuture: true });
  await server.clock.advance(3000);
  assert.deepEqual((await take(await refusing, 1)).map(brief), ["ERROR 504"]);
  const waiting = take(await watch({ resourceVersion: "5" }), 1);
  await server.create(aWidget("later"));
  await server.create(aWidget("latest"));
  assert.deepEqual((await waiting).map(brief), ["ADDED demo/latest"]);
  const reached = await watch({ resourceVersion: "5", refusesFuture: true });
  assert.deepEqual((await take(reached, 1)).map(brief), ["ADDED demo/latest"]);
});

// API L-06, L-09, L-12, E-12
test("compacted history: 410, and a token to go on with for a continued list", async (t) => {
  const { list, backend } = await populated(t);
  await backend.compact(4);
  const exact = list({ resourceVersion: "2", resourceVersionMatch: "Exact" });
  await assert.rejects(exact, refused(410, "The resourceVersion for the provided list is too old."));
  const stale = list({ limit: 1, continue: encodeContinue({ revision: 2, start: "a\0" }) });
  await assert.rejects(stale, (error) => {
    assert.ok(error instanceof StatusError);
    assert.match(error.message, /^The provided continue parameter is too old to display a consistent list result\./);
    assert.equal(error.status.metadata.continue, encodeContinue({ revision: -1, start: "a\0" }));
    return true;
  });
  const rest = await list({ limit: 1, continue: encodeContinue({ revision: -1, start: "a\0" }) });
  assert.deepEqual(rest.names, ["b"]);
  assert.deepEqual((await list({ limit: 5, continue: rest.metadata.continue ?? "" })).names, ["c"]);
});

// API L-10, L-11
test("continue: bad tokens and a version beside it are 400", async (t) => {
  const { list } = await populated(t);
  const encoded = (token: object): string => Buffer.from(JSON.stringify(token)).toString("base64url");
  const v = "meta.k8s.io/v1";
  const bad: Record<string, string> = {
    x: "it is not one that this server issued",
    e30: "server does not recognize this encoded version ",
    [encoded({ v: "y" })]: "server does not recognize this encoded version y",
    [encoded({ v, start: "a" })]: "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
    [encoded({ v, rv: 5 })]: "encoded start key empty (version meta.k8s.io/v1)",
    [encodeContinue({ revision: 3, start: "../x" })]: "../x",
    [encodeContinue({ revision: -2, start: "a" })]: "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
  };
  for (const [token, why] of Object.entries(bad)) {
    await assert.rejects(
      list({ continue: token }),
      refused(400, `invalid continue token: continue key is not valid: ${why}`),
      token,
    );
  }
  const token = encodeContinue({ revision: 3, start: "a\0" });
  await assert.rejects(
    list({ continue: token, resourceVersion: "3" }),
    refused(400, "specifying resource version is not allowed when using continue"),
  );
});

// API W-11, W-23, W-24, W-28
test("watch: where it starts", async (t) => {
  const { watch, server } = await populated(t, ["a", "b"]);
  const cases: [Partial<WatchOptions>, string[]][] = [
    [{}, ["ADDED demo/a", "ADDED demo/b"]],
    [{ resourceVersion: "0", allowBookmarks: true }, ["ADDED demo/a", "ADDED demo/b", "BOOKMARK 3 end"]],
    [
      { sendInitialEvents: true, allowBookmarks: true, resourceVersion: "2" },
      ["ADDED demo/a", "ADDED demo/b", "BOOKMARK 3 end"],
    ],
    [{ resourceVersion: "2" }, ["ADDED demo/b"]],
  ];
  for (const [options, expected] of cases) {
    assert.deepEqual((await take(await watch(options), expected.length)).map(brief), expected, JSON.stringify(options));
  }
  const later = await Promise.all([
    watch({ sendInitialEvents: false }),
    watch({ resourceVersion: "3", allowBookmarks: true }),
  ]);
  await server.create(aWidget("c"));
  for (const events of later) assert.deepEqual((await take(events, 1)).map(brief), ["ADDED demo/c"]);
});

// API W-35
test("watch: one name is not the beginning of another", async (t) => {
  const { watch, server } = await populated(t, ["a", "ab"]);
  const events = await watch({ fields: parseFieldSelector("metadata.name=a") });
  assert.deepEqual((await take(events, 1)).map(brief), ["ADDED demo/a"]);
  await server.create(aWidget("abc"));
  await server.store.delete(server.context(), "a", { dryRun: false });
  assert.deepEqual((await take(events, 1)).map(brief), ["DELETED demo/a"]);
});

// API W-12, W-14, W-15, W-22
test("watch: positions that cannot be had", async (t) => {
  const { watch, server, backend } = await populated(t);
  await assert.rejects(watch({ resourceVersion: "abc" }), refused(400, /resourceVersion: Invalid value: "abc"/));
  const future = watch({ resourceVersion: "1000", sendInitialEvents: true });
  await server.clock.advance(3000);
  assert.deepEqual((await take(await future, 2)).map(brief), ["ERROR 504"]);
  await backend.compact(3);
  const restarted = new WidgetServer(t, { backend });
  await restarted.settle();
  const expired = await restarted.store.watch(restarted.context(), watchOptions({ resourceVersion: "1" }));
  assert.deepEqual((await take(expired[Symbol.asyncIterator](), 2)).map(brief), ["ERROR 410"]);
});

// API W-44, E-24
test("while the cache is rebuilt, gets and limited lists are served from storage, the rest is 429", async (t) => {
  const { list, watch, server, backend } = await populated(t);
  backend.breakWatches();
  await new Promise((resolve) => setImmediate(resolve));
  const { object } = await server.store.get(server.context(), "a", { resourceVersion: "" });
  assert.equal(object.metadata.name, "a");
  assert.deepEqual((await list({ limit: 2 })).names, ["a", "b"]);
  const broken = t.mock.method(backend, "range", () => Promise.reject(new Error("still down")));
  const refusals = [list(), watch()].map((read) =>
    assert.rejects(read, refused(429, /^storage is \(re\)initializing/)),
  );
  await server.clock.advance(3000);
  await Promise.all(refusals);
  broken.mock.restore();
  await server.clock.advance(10_000);
  assert.deepEqual((await list()).names, ["a", "b", "c"]);
});

// API L-17, W-38, KC-05
test("a stored value that is no object fails what would have to show it, and nothing else", async (t) => {
  const { list, watch, server, backend } = await populated(t, ["a", "b"]);
  await server.create(aWidget("x", { metadata: { namespace: "other" } }));
  const key = "/registry/test.example/widgets/demo/a";
  const { value } = await backend.get(key);
  assert.ok(value !== undefined);
  const [here, elsewhere] = [await watch({ resourceVersion: "4" }), await watch({ resourceVersion: "4" }, "other")];
  const corrupted = await backend.update(key, Buffer.from("\0"), value.revision);
  assert.deepEqual((await take(here, 2)).map(brief), ["ERROR 500"]);
  await assert.rejects(list(), refused(500, /cannot be decoded/));
  await assert.rejects(list({}, ""), refused(500, /cannot be decoded/));
  assert.deepEqual((await list({}, "other")).names, ["other/x"]);
  assert.deepEqual((await take(await watch(), 2)).map(brief), ["ERROR 500"]);
  await assert.rejects(server.store.get(server.context(), "a", { resourceVersion: "" }), "not a 404");
  const b = await server.store.get(server.context(), "b", { resourceVersion: "" });
  assert.equal(b.object.metadata.name, "b");
  assert.deepEqual((await take(await watch({ resourceVersion: "4" }), 2)).map(brief), ["ERROR 500"]);

  await backend.update(key, value.value, corrupted);
  assert.deepEqual((await list()).names, ["a", "b"]);
  await server.create(aWidget("y", { metadata: { namespace: "other" } }));
  assert.deepEqual((await take(elsewhere, 1)).map(brief), ["ADDED other/y"]);
});
