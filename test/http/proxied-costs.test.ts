/**
 * What a stranger or a tenant may do to make a server expensive, behind a front proxy: everybody comes on the proxy's few
 * connections, so that nothing can be held against a connection, and all of it against the user it names.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../apiserver/limits.ts";
import { issueOdd, nameOf, oids } from "../support/certificates.ts";
import { cpuClock } from "../support/cpu-clock.ts";
import { eventually } from "../support/processes.ts";
import { aggregatedServerForFile } from "./support/aggregated.ts";
import { beside } from "./support/crowd.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";

const server = await aggregatedServerForFile();
const { host, proxies } = server;
const proxy = server.clientWith(issueOdd({ name: nameOf("front-proxy"), usages: [oids.clientAuth], issuer: proxies }));
const stranger = server.clientWith();
const namespace = "ten-a";
const functions = pathOf(namespace, "functions");
const json = { "content-type": "application/json" };
const as = (user: string) => ({ "x-remote-user": user });
const master = { ...as("root"), "x-remote-group": "system:masters" };
const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const created = (name: string, spec: object = {}, metadata: object = {}): string => {
  const made = aFunction(name);
  return JSON.stringify({
    ...made,
    metadata: { ...Object(made.metadata), ...metadata },
    spec: { ...Object(made.spec), ...spec },
  });
};

await createNamespace(host.admin, namespace);
const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
const apiGroup = "rbac.authorization.k8s.io";
const rules = [{ apiGroups: ["compute.functionmesh.io"], resources: ["*"], verbs: ["*"] }];
ok(await host.admin.post(`${rbac}/roles`, { metadata: { name: "tenants" }, rules }), 201);
const subjects = ["alice", "bob"].map((name) => ({ kind: "User", name, apiGroup }));
const roleRef = { kind: "Role", name: "tenants", apiGroup };
ok(await host.admin.post(`${rbac}/rolebindings`, { metadata: { name: "tenants" }, roleRef, subjects }), 201);
await eventually(async () => void ok(await proxy.get(functions, as("alice"))));
ok(await proxy.send("POST", functions, { headers: { ...as("alice"), ...json }, body: created("existing") }), 201);

type Case = {
  readonly what: string;
  readonly from?: "a stranger" | "a stranger whom the proxy names";
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly body?: string;
  readonly code: number;
  readonly message?: RegExp;
};
const owner = (i: number) => ({ apiVersion: "v1", kind: "ConfigMap", name: `n${i}`, uid: `u${i}` });
const huge = 2 ** 31 - 1;
const existing = `${functions}/existing`;
const cases: readonly Case[] = [
  ...(["a stranger", "a stranger whom the proxy names"] as const).flatMap((from): Case[] => [
    { what: "digits of a timeout", from, method: "GET", path: `/livez?timeout=${"1".repeat(200_000)}`, code: 400 },
    { what: "parameters", from, method: "GET", path: `${functions}?${"a&".repeat(250_000)}`, code: 400 },
    {
      what: "terms of a field selector",
      from,
      method: "GET",
      path: `${functions}?fieldSelector=${"metadata.name!%3Dx,".repeat(30_000)}`,
      code: 403,
    },
    {
      what: "a body of aliases",
      from,
      type: "application/yaml",
      body: `a: &x 1\nb: [${"*x,".repeat(20_000)}]\n`,
      code: 403,
    },
  ]),
  {
    what: "terms of a selector",
    method: "GET",
    path: `${functions}?labelSelector=${list(30_000, (i) => `k${i}`).join()}`,
    code: 400,
    message: /more than 25000 terms/,
  },
  {
    what: "aliases",
    type: "application/yaml",
    body: `a: &x 1\nb: [${"*x,".repeat(60_000)}]\n`,
    code: 400,
    message: /more than 50000 parts/,
  },
  {
    what: "aliases of aliases",
    type: "application/yaml",
    body: `l0: &l0 [x]\n${list(9, (i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]\n`).join("")}`,
    code: 400,
    message: /excessive aliasing/,
  },
  {
    what: "quotes of YAML",
    type: "application/yaml",
    body: `a: '${"''".repeat(1_000_000)}'`,
    code: 400,
    message: /send it as JSON/,
  },
  {
    what: "owners",
    body: created("many-owners", {}, { ownerReferences: list(12_000, owner) }),
    path: `${functions}?dryRun=All`,
    code: 201,
  },
  {
    what: "controllers",
    body: created("x", {}, { ownerReferences: list(6000, (i) => ({ ...owner(i), controller: true })) }),
    code: 422,
  },
  { what: "mistakes", body: created("x", { input: { topics: list(40_000, () => 0) } }), code: 422 },
  {
    what: "members without meaning",
    body: `{"metadata":{"name":"x"},${list(50_000, (i) => `"${"x".repeat(20)}${i}":1`).join()}}`,
    code: 413,
  },
  {
    what: "two billion pods",
    body: created("x", { replicas: huge }),
    code: 422,
    message: /spec\.replicas: .*--max-replicas/,
  },
  {
    what: "a scale of two billion",
    method: "PUT",
    path: `${existing}/scale`,
    body: JSON.stringify({ metadata: { name: "existing" }, spec: { replicas: huge } }),
    code: 422,
    message: /--max-replicas/,
  },
  {
    what: "a scale in words",
    method: "PUT",
    path: `${existing}/scale`,
    body: '{"metadata":{"name":"existing"},"spec":{"replicas":[1]}}',
    code: 400,
  },
  {
    what: "insertions into a long list",
    method: "PATCH",
    path: existing,
    type: "application/json-patch+json",
    body: JSON.stringify([
      { op: "add", path: "/spec/funcConfig", value: { l: Array(50_000).fill(0) } },
      ...list(9000, () => ({ op: "add", path: "/spec/funcConfig/l/0", value: 1 })),
    ]),
    code: 413,
  },
  {
    what: "time beyond the year 9999",
    method: "DELETE",
    path: `${existing}?dryRun=All`,
    body: '{"gracePeriodSeconds":9223372036854775807}',
    code: 200,
  },
  {
    what: "a period in words",
    method: "DELETE",
    path: `${existing}?dryRun=All`,
    body: '{"gracePeriodSeconds":"0"}',
    code: 400,
  },
  {
    what: "a policy that is a member of every object",
    method: "DELETE",
    path: `${existing}?dryRun=All`,
    body: '{"propagationPolicy":"constructor"}',
    code: 422,
  },
  {
    what: "an object of 1.4 MB",
    path: `${functions}?dryRun=All`,
    body: created("large", { funcConfig: { text: "x".repeat(1_400_000) } }),
    code: 201,
  },
];
for (const {
  what,
  from,
  method = "POST",
  path = functions,
  type = json["content-type"],
  body,
  code,
  message,
} of cases) {
  test(`${what}, from ${from ?? "a tenant"}: ${code}, at once`, async () => {
    const client = from === "a stranger" ? stranger : proxy;
    const who = from === undefined ? as("alice") : from === "a stranger" ? {} : as("system:anonymous");
    const elapsedMs = cpuClock();
    const headers = { ...who, ...(body === undefined ? {} : { "content-type": type }) };
    const reply = await client.send(method, path, { headers, ...(body === undefined ? {} : { body }) });
    assert.equal(reply.status, code, reply.text.slice(0, 500));
    if (message !== undefined) assert.match(reply.text, message);
    if (code >= 400) assert.ok(reply.bytes.length < limits.maxStatusBytes.value, `${reply.bytes.length} bytes`);
    assert.ok(elapsedMs() < 2000, `${elapsedMs()} ms`);
  });
}

const head = (method: string, path: string, user: string, more: readonly string[] = []): string =>
  [`${method} ${path} HTTP/1.1`, "Host: a", `X-Remote-User: ${user}`, ...more, "", ""].join("\r\n");

const deep = `${'{"a":'.repeat(9_900)}1${"}".repeat(9_900)}`;
const deepest = created("deep", { funcConfig: { a: "DEEP" } }).replace('"DEEP"', deep);
ok(await proxy.send("POST", functions, { headers: { ...as("alice"), ...json }, body: deepest }), 201);

let serial = 0;
/** Another tenant of the same proxy works as ever. */
async function assertServed(): Promise<void> {
  const headers = { ...as("bob"), ...json };
  ok(await proxy.send("POST", functions, { headers, body: created(`bob-${serial++}`) }), 201);
  ok(await proxy.get(`${functions}?limit=1`, as("bob")));
  assert.equal((await stranger.get("/livez")).status, 200);
}

for (const [what, count, text] of [
  [
    "bodies that hardly come",
    100,
    `${head("POST", functions, "alice", ["Content-Type: application/json", "Content-Length: 1000000"])}{`,
  ],
  ["watches that nobody reads", 40, head("GET", `${functions}?watch=1&resourceVersion=0`, "alice")],
  ["indented lists that nobody reads", 40, head("GET", `${functions}?pretty=1`, "alice")],
  ["the deepest object, indented, that nobody reads", 30, head("GET", `${functions}/deep?pretty=1`, "alice")],
  [
    "requests behind a watch",
    6,
    head("GET", `${functions}?watch=1`, "alice") + head("GET", functions, "alice").repeat(5000),
  ],
] as const) {
  test(`${what}, of one tenant, keep no other from being served`, () => beside(proxy, count, text, assertServed));
}

test("lists of old revisions, of one tenant, keep no other from being served", async () => {
  const { metadata } = Object(ok(await proxy.get(`${functions}?limit=1`, as("alice"))).body);
  const revision = Number(metadata.resourceVersion);
  await assertServed();
  const exact = list(100, () =>
    proxy.get(`${functions}?resourceVersion=${revision}&resourceVersionMatch=Exact`, as("alice")),
  );
  await assertServed();
  for (const { status } of await Promise.all(exact)) assert.equal(status, 200);
});

test("what users ask for is no label of a metric", async () => {
  for (let i = 0; i < 200; i++) {
    await proxy.get(`${existing}/label-${i}`, as("alice"));
    await stranger.get(`/apis/compute.functionmesh.io/v1alpha1/label-${i}`);
  }
  const { status, text } = await proxy.get("/metrics", master);
  assert.equal(status, 200);
  assert.doesNotMatch(text, /label-\d/);
});
