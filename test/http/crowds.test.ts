/**
 * What one tenant may hold of a server, or ask of it again and again, and what strangers may: others are served as ever. The
 * same behind a front proxy is in `proxied-costs.test.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { beside } from "./support/crowd.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const server = await serverForFile();
const { admin, anonymous } = server;
const [alice, bob] = [await server.clientFor("alice"), await server.clientFor("bob")];
const rbac = "rbac.authorization.k8s.io";
for (const [namespace, name] of [
  ["ten-a", "alice"],
  ["ten-b", "bob"],
] as const) {
  await createNamespace(admin, namespace);
  const binding = {
    metadata: { name },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "admin" },
    subjects: [{ apiGroup: rbac, kind: "User", name }],
  };
  ok(await admin.post(`/apis/${rbac}/v1/namespaces/${namespace}/rolebindings`, binding), 201);
}
const own = "/api/v1/namespaces/ten-a/configmaps";
const others = "/api/v1/namespaces/ten-b/configmaps";
const functions = pathOf("ten-a", "functions");
for (let i = 0; i < 50; i++) {
  ok(await alice.post(own, { metadata: { name: `c${i}` }, data: { text: "x".repeat(20_000) } }), 201);
}
/** As deep as JSON may be: indented it has 200 MB. */
const depth = 9_900;
const nested = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const deep = JSON.stringify({
  ...aFunction("deep"),
  spec: { ...Object(aFunction("deep").spec), funcConfig: { a: 0 } },
});
const json = { "content-type": "application/json" };
ok(await alice.send("POST", functions, { headers: json, body: deep.replace('{"a":0}', `{"a":${nested}}`) }), 201);

let serial = 0;
async function assertServed(): Promise<void> {
  ok(await bob.post(others, { metadata: { name: `b${serial++}` } }), 201);
  ok(await bob.get(`${others}?limit=1`));
  assert.equal((await anonymous.get("/livez")).status, 200);
  assert.equal((await anonymous.get("/readyz")).status, 200);
}

const head = (method: string, path: string, more: readonly string[] = []): string =>
  [`${method} ${path} HTTP/1.1`, "Host: a", ...more, "", ""].join("\r\n");
const posted = (path: string): string =>
  `${head("POST", path, ["Content-Type: application/json", "Content-Length: 1000000"])}{`;
const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const terms = Array.from({ length: 20_000 }, (_, i) => `k${i}!%3Dv`).join();

for (const [what, count, text] of [
  ["bodies that hardly come", 200, posted(own)],
  ["reviews that hardly come, which need no right,", 200, posted(reviews)],
  ["requests behind a watch", 6, head("GET", `${own}?watch=1`) + head("GET", own).repeat(5000)],
  ["watches that nobody reads, with all that is there,", 40, head("GET", `${own}?watch=1&resourceVersion=0`)],
  ["watches of twenty thousand terms", 20, head("GET", `${own}?watch=1&labelSelector=${terms}`)],
  ["indented lists that nobody reads", 40, head("GET", `${own}?pretty=1`)],
  ["lists as YAML that nobody reads", 40, head("GET", own, ["Accept: application/yaml"])],
  ["the deepest object, indented, that nobody reads", 30, head("GET", `${functions}/deep?pretty=1`)],
] as const) {
  test(`${what} of one tenant keep no other from being served`, async () => {
    const before = process.memoryUsage().rss;
    await beside(alice, count, text, assertServed);
    const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
    // One held whole would be hundreds of times that.
    assert.ok(grownMiB < 512, `memory grew by ${Math.round(grownMiB)} MiB`);
  });
}

test("lists of old revisions of one tenant keep no other from being served", async () => {
  const { metadata } = Object(ok(await alice.get(`${own}?limit=1`)).body);
  await assertServed();
  const path = `${own}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`;
  const exact = Array.from({ length: 100 }, () => alice.get(path));
  await assertServed();
  for (const { status } of await Promise.all(exact)) assert.equal(status, 200);
});

test("what strangers and tenants ask for is no label of a metric", async () => {
  const before = (await admin.get("/metrics")).bytes.length;
  for (let i = 0; i < 200; i++) {
    await anonymous.get(`${own}/x/label-${i}`);
    await alice.get(`${own}/x/label-${i}${"a".repeat(1000)}`);
    await alice.send("GET", `/apis/label-${i}/v1/labels`, { headers: { "user-agent": `label-${i}` } });
  }
  const { text, bytes } = ok(await admin.get("/metrics"));
  assert.doesNotMatch(text, /label-\d/);
  assert.ok(bytes.length < before + 20_000, `${before} bytes became ${bytes.length}`);
});
