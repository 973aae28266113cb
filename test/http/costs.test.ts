/** Requests made to be expensive, over HTTPS: each is answered as its sender can use it, in few bytes and little time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../apiserver/limits.ts";
import { cpuClock } from "../support/cpu-clock.ts";
import type { Client, Reply } from "./support/client.ts";
import { serverForFile } from "./support/server.ts";

const server = await serverForFile();
const tenant = await server.clientFor("bob");
const { admin } = server;

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const namespace = "costs";
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const functions = `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functions`;
const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
await admin.send("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
await admin.send("POST", `${rbac}/namespaces/${namespace}/rolebindings`, {
  body: {
    metadata: { name: "bob" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "bob" }],
  },
});

const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const owner = (i: number) => ({ apiVersion: "v1", kind: "ConfigMap", name: `n${i}`, uid: `u${i}` });
const spec = { className: "a.B", input: { topics: ["a"] }, pulsar: { pulsarConfig: "p" }, java: { jar: "/a.jar" } };
const huge = 2 ** 31 - 1;
const json = { "content-type": "application/json" };
const yaml = { "content-type": "application/yaml" };
const named = (more: object) => JSON.stringify({ metadata: { name: "hostile" }, ...more });

type Case = {
  readonly what: string;
  readonly client?: Client;
  readonly method?: string;
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  readonly code: number;
  readonly message?: RegExp;
};
const pod = { containers: [{ name: "c", image: "i" }] };

const cases: readonly Case[] = [
  {
    what: "digits of a timeout, from a stranger",
    client: server.anonymous,
    method: "GET",
    path: `/livez?timeout=${"1".repeat(200_000)}`,
    code: 400,
    message: /^invalid timeout specified in the request URL/,
  },
  {
    what: "parameters of a query, from a stranger",
    client: server.anonymous,
    method: "GET",
    path: `/api/v1/namespaces/x/secrets?${"a&".repeat(250_000)}`,
    code: 400,
    message: /^the query has 250001 parameters, at most 1000 are allowed$/,
  },
  {
    what: "clauses of Accept, from a stranger",
    client: server.anonymous,
    method: "GET",
    path: "/livez",
    headers: { accept: "a/b,".repeat(10_000) },
    code: 400,
    message: /^header accept has 40000 characters, at most 8192 are allowed$/,
  },
  {
    what: "a role that multiplies",
    path: `${rbac}/namespaces/${namespace}/roles?dryRun=All`,
    body: named({
      rules: [
        {
          verbs: list(300, (i) => `v${i}`),
          apiGroups: list(300, (i) => `g${i}`),
          resources: list(300, (i) => `r${i}`),
        },
      ],
    }),
    code: 403,
    message: /is attempting to grant RBAC permissions not currently held:\n(?:.*\n)*and 26999900 more$/,
  },
  {
    what: "two thousand controllers",
    path: `${configMaps}?dryRun=All`,
    body: named({ metadata: { name: "x", ownerReferences: list(2000, (i) => ({ ...owner(i), controller: true })) } }),
    code: 422,
    message: /Only one reference can have Controller set to true.*more errors are left out$/,
  },
  {
    what: "twelve thousand owners",
    path: `${configMaps}?dryRun=All`,
    body: named({ metadata: { name: "x", ownerReferences: list(12_000, owner) } }),
    code: 201,
  },
  {
    what: "a million empty containers",
    path: `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
    body: `{"metadata":{"name":"x"},"spec":{"containers":[${"{},".repeat(999_999)}{}]}}`,
    code: 400,
    message: /more than 50000 items of all lists/,
  },
  {
    what: "unknown members below a long key, strictly",
    path: `${functions}?dryRun=All&fieldValidation=Strict`,
    body: named({
      spec: {
        ...spec,
        input: { sourceSpecs: { ["k".repeat(1_000_000)]: Object.fromEntries(list(6000, (i) => [`u${i}`, 1])) } },
      },
    }),
    code: 400,
    message: /^Function in version "v1alpha1" cannot be handled as a Function: strict decoding error: unknown field/,
  },
  {
    what: "megabytes of digits",
    path: `${functions}?dryRun=All`,
    body: named({ spec: { ...spec, resources: { limits: { cpu: `-${"1".repeat(2_500_000)}` } } } }),
    code: 422,
  },
  { what: "YAML aliases", path: reviews, headers: yaml, body: `a: &x 1\nb: [${"*x,".repeat(10_000)}]\n`, code: 422 },
  {
    what: "more YAML than anybody writes",
    path: reviews,
    headers: yaml,
    body: `a: [${"1,".repeat(100_000)}]\n`,
    code: 400,
    message: /more than 50000 parts: send it as JSON/,
  },
  {
    what: "YAML that multiplies",
    path: configMaps,
    headers: yaml,
    body: `a: &a [web,web]\n${list(30, (i) => `${"bcdefghijklmnopqrstuvwxyzABCDEFG"[i]}: &${"bcdefghijklmnopqrstuvwxyzABCDEFG"[i]} [${`*${"abcdefghijklmnopqrstuvwxyzABCDEFG"[i]},`.repeat(9)}]\n`).join("")}`,
    code: 400,
    message: /excessive aliasing/,
  },
  {
    what: "terms of a selector",
    method: "GET",
    path: `${configMaps}?labelSelector=${list(60_000, (i) => `k${i}`).join()}`,
    code: 400,
    message: new RegExp(`^the label selector has more than ${limits.maxSelectorTerms.value} terms and values$`),
  },
  {
    what: "more variables than anybody has",
    path: functions,
    body: named({ spec: { ...spec, pod: { env: list(5001, (i) => ({ name: `V${i}`, value: "x" })) } } }),
    code: 413,
    message: /the object has 5001 objects in all of its lists, at most 5000 are allowed/,
  },
  {
    what: "more labels than anybody has",
    path: functions,
    body: JSON.stringify({
      metadata: { name: "hostile", labels: Object.fromEntries(list(5001, (i) => [`k${i}`, "v"])) },
      spec,
    }),
    code: 413,
    message: /the object has 5001 entries in metadata\.labels, at most 5000 are allowed/,
  },
  {
    what: "a Function of two billion pods",
    path: functions,
    body: named({ spec: { ...spec, replicas: huge } }),
    code: 422,
    message: /spec\.replicas: .*--max-replicas/,
  },
  {
    what: "a StatefulSet of two billion pods",
    path: `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
    body: named({
      spec: {
        replicas: huge,
        serviceName: "x",
        selector: { matchLabels: { a: "b" } },
        template: { metadata: { labels: { a: "b" } }, spec: pod },
      },
    }),
    code: 422,
    message: /spec\.replicas: .*--max-replicas/,
  },
  {
    what: "a Job of two billion pods",
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    body: named({
      spec: { parallelism: huge, completions: huge, template: { spec: { ...pod, restartPolicy: "Never" } } },
    }),
    code: 422,
    message: /spec\.parallelism: .*spec\.completions: .*--max-replicas/,
  },
];

function assertCheap(reply: Reply, elapsedMs: number, { code, message }: Case): void {
  assert.equal(reply.status, code, reply.text.slice(0, 500));
  if (message !== undefined) assert.match(String(reply.at("message")), message);
  if (code >= 400) assert.ok(reply.bytes.length < limits.maxStatusBytes.value, `${reply.bytes.length} bytes`);
  assert.ok(elapsedMs < 2000, `${elapsedMs} ms`);
}

for (const each of cases) {
  test(`${each.what}: ${each.code}, at once`, async () => {
    const { client = tenant, method = "POST", path, headers = json, body } = each;
    const elapsedMs = cpuClock();
    const reply = await client.send(method, path, { headers, ...(body === undefined ? {} : { body }) });
    assertCheap(reply, elapsedMs(), each);
  });
}

test("insertions into a long list are told to be too many", async () => {
  const l = Array(50_000).fill(0);
  const created = await tenant.send("POST", functions, {
    body: { metadata: { name: "long" }, spec: { ...spec, funcConfig: { l } } },
  });
  assert.equal(created.status, 201, created.text.slice(0, 500));
  const patch = JSON.stringify(list(10_000, () => ({ op: "add", path: "/spec/funcConfig/l/0", value: 1 })));
  const elapsedMs = cpuClock();
  const reply = await tenant.send("PATCH", `${functions}/long?dryRun=All`, {
    headers: { "content-type": "application/json-patch+json" },
    body: patch,
  });
  assertCheap(reply, elapsedMs(), { what: "", path: "", code: 413, message: /move more than 20000000 list items/ });
});

test("a scale of nothing is not found, whatever it says", async () => {
  const body = { metadata: { name: "absent" }, spec: { replicas: 1 }, x: [0] };
  const reply = await tenant.send("PUT", `${functions}/absent/scale`, { body });
  assert.equal(reply.status, 404, reply.text);
});

test("a scale of two billion is refused with its path", async () => {
  await tenant.send("POST", functions, { body: { metadata: { name: "scaled" }, spec } });
  const body = {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: "scaled", namespace },
    spec: { replicas: huge },
  };
  const reply = await tenant.send("PUT", `${functions}/scaled/scale`, { body });
  assert.equal(reply.status, 422);
  assert.match(String(reply.at("message")), /spec\.replicas: Invalid value: 2147483647: .*--max-replicas/);
});

for (const { what, type, body, code, message } of [
  {
    what: "copies of an item",
    type: "application/json-patch+json",
    body: [
      { op: "add", path: "/spec/pod", value: { env: [{ name: "V", value: "x" }] } },
      ...list(9_000, () => ({ op: "copy", from: "/spec/pod/env/0", path: "/spec/pod/env/-" })),
    ],
    code: 413,
    message: /the object has 9001 objects in all of its lists/,
  },
  {
    what: "copies of copies (API P-14)",
    type: "application/json-patch+json",
    body: [
      { op: "add", path: "/spec/funcConfig", value: { a: "x".repeat(1000) } },
      ...list(30, (i) => ({ op: "copy", from: "/spec/funcConfig", path: `/spec/funcConfig/c${i}` })),
    ],
    code: 422,
    message: undefined,
  },
  {
    what: "moves that push a list along",
    type: "application/json-patch+json",
    body: [
      { op: "add", path: "/spec/funcConfig", value: { l: Array(40_000).fill(0) } },
      ...list(9_000, () => ({ op: "move", from: "/spec/funcConfig/l/39999", path: "/spec/funcConfig/l/0" })),
    ],
    code: 413,
    message: /move more than 20000000 list items/,
  },
  {
    what: "a strategic merge of more variables than anybody has",
    type: "application/strategic-merge-patch+json",
    body: { spec: { pod: { env: list(5001, (i) => ({ name: `V${i}`, value: "x" })) } } },
    code: 413,
    message: /the object has 5001 objects in all of its lists/,
  },
  {
    what: "an apply of more variables than anybody has",
    type: "application/apply-patch+yaml",
    body: {
      apiVersion: "compute.functionmesh.io/v1alpha1",
      kind: "Function",
      metadata: { name: "patched" },
      spec: { ...spec, pod: { env: list(5001, (i) => ({ name: `V${i}`, value: "x" })) } },
    },
    code: 413,
    message: /the object has 5001 objects in all of its lists/,
  },
]) {
  test(`a patch that multiplies: ${what}: ${code}, at once`, async () => {
    await tenant.send("POST", functions, { body: { metadata: { name: "patched" }, spec } });
    const elapsedMs = cpuClock();
    const reply = await tenant.send("PATCH", `${functions}/patched?fieldManager=m`, {
      headers: { "content-type": type },
      body: JSON.stringify(body),
    });
    assertCheap(reply, elapsedMs(), { what, path: "", code, ...(message === undefined ? {} : { message }) });
  });
}
