/**
 * What nobody may do who may do a little: tables of what was tried, with what is answered. Each of these was a way round
 * authorization somewhere, here or in another API server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import type { Client, Send } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const server = await serverForFile();
const { admin } = server;
for (const name of ["ten-a", "ten-b"]) await createNamespace(admin, name);
const core = (namespace: string, ...rest: readonly string[]): string =>
  ["/api/v1/namespaces", namespace, ...rest].join("/");
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const group = "rbac.authorization.k8s.io";

async function grant(user: string, namespace: string, rules: readonly JsonObject[]): Promise<void> {
  const metadata = { name: user };
  ok(await admin.post(`${rbac}/namespaces/${namespace}/roles`, { metadata, rules: [...rules] }), 201);
  const subjects = [{ kind: "User", name: user, apiGroup: group }];
  const roleRef = { kind: "Role", name: user, apiGroup: group };
  ok(await admin.post(`${rbac}/namespaces/${namespace}/rolebindings`, { metadata, roleRef, subjects }), 201);
}

/** Whoever `client` is, sees an answer once the roles have arrived where they are read. */
async function seen(client: Client, path: string): Promise<void> {
  for (let attempt = 0; attempt < 200 && (await client.get(path)).status === 403; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  ok(await client.get(path));
}

ok(await admin.post(core("ten-a", "secrets"), { metadata: { name: "mine" } }), 201);
ok(
  await admin.post(core("ten-a", "secrets"), { metadata: { name: "topsecret" }, data: { password: "UzNDUjNU" } }),
  201,
);
ok(await admin.post(pathOf("ten-a", "functions"), aFunction("mine")), 201);
ok(await admin.post(pathOf("ten-a", "functions"), aFunction("other")), 201);
await grant("carol", "ten-a", [
  { apiGroups: ["", "compute.functionmesh.io"], resources: ["*"], resourceNames: ["mine"], verbs: ["*"] },
]);
const carol = await server.clientFor("carol");
await seen(carol, core("ten-a", "secrets", "mine"));

const selector = "fieldSelector=metadata.name%3Dmine";
const evil = { metadata: { name: "evil" } };
const merge = { "content-type": "application/merge-patch+json" };
type Attempt = readonly [what: string, method: string, path: string, code: number, send?: Send];

/** With all verbs on what is called `mine`, and a selector that says so. */
const attempts: readonly Attempt[] = [
  ["read mine", "GET", core("ten-a", "secrets", "mine"), 200],
  ["select mine", "GET", `${core("ten-a", "secrets")}?${selector}`, 200],
  ["create", "POST", core("ten-a", "secrets"), 403, { body: evil }],
  ["create beside a selector", "POST", `${core("ten-a", "secrets")}?${selector}`, 403, { body: evil }],
  [
    "create a Function beside a selector",
    "POST",
    `${pathOf("ten-a", "functions")}?${selector}`,
    403,
    { body: aFunction("evil") },
  ],
  ["create by a label", "POST", `${core("ten-a", "secrets")}?labelSelector=metadata.name%3Dmine`, 403, { body: evil }],
  ["create by a name in the query", "POST", `${core("ten-a", "secrets")}?name=mine`, 403, { body: evil }],
  ["create below mine", "POST", core("ten-a", "secrets", "mine"), 405, { body: evil }],
  ["replace another", "PUT", `${core("ten-a", "secrets", "topsecret")}?${selector}`, 403, { body: evil }],
  ["replace the collection", "PUT", `${core("ten-a", "secrets")}?${selector}`, 403, { body: evil }],
  [
    "patch another",
    "PATCH",
    `${core("ten-a", "secrets", "topsecret")}?${selector}`,
    403,
    { body: "{}", headers: merge },
  ],
  ["patch the collection", "PATCH", `${core("ten-a", "secrets")}?${selector}`, 403, { body: "{}", headers: merge }],
  ["delete another", "DELETE", `${core("ten-a", "secrets", "topsecret")}?${selector}`, 403],
  ["read another", "GET", `${core("ten-a", "secrets", "topsecret")}?${selector}`, 403],
  ["watch another", "GET", `${core("ten-a", "secrets", "topsecret")}?watch=1&${selector}`, 403],
  ["list all", "GET", core("ten-a", "secrets"), 403],
  ["select all but one", "GET", `${core("ten-a", "secrets")}?fieldSelector=metadata.name!%3Dmine`, 403],
  [
    "select what is called both (nothing)",
    "GET",
    `${core("ten-a", "secrets")}?fieldSelector=metadata.name%3Dmine,metadata.name%3Dtopsecret`,
    200,
  ],
  ["select twice", "GET", `${core("ten-a", "secrets")}?fieldSelector=metadata.name%3Dtopsecret&${selector}`, 403],
  ["watch by the old prefix", "GET", "/api/v1/watch/namespaces/ten-a/secrets/topsecret", 403],
  ["create by the old prefix", "POST", `/api/v1/watch/namespaces/ten-a/secrets?${selector}`, 405, { body: evil }],
  ["reach another through mine", "GET", core("ten-a", "secrets", "mine", "..", "topsecret"), 404],
  ["reach another through an escape", "GET", core("ten-a", "secrets", "mine%2f..%2ftopsecret"), 404],
  ["select mine elsewhere", "GET", `${core("ten-b", "secrets")}?${selector}`, 403],
  ["select mine everywhere", "GET", `/api/v1/secrets?${selector}`, 403],
  [
    "scale another",
    "PATCH",
    `${pathOf("ten-a", "functions", "other", "scale")}?${selector}`,
    403,
    { body: '{"spec":{"replicas":0}}', headers: merge },
  ],
  ["delete a collection of everything", "DELETE", core("ten-a", "secrets"), 403],
];
for (const [what, method, path, code, send = {}] of attempts) {
  test(`a right to "mine" alone: ${what} is ${code}`, async () => {
    const headers = { ...(send.body === undefined ? {} : { "content-type": "application/json" }), ...send.headers };
    const reply = await carol.send(method, path, { ...send, headers });
    assert.equal(reply.status, code, reply.text.slice(0, 300));
    assert.ok(!reply.text.includes("UzNDUjNU"), "nothing of the other secret is shown");
  });
}

test('a right to "mine" alone: the collection that is deleted by name is that one object', async () => {
  ok(await carol.delete(`${core("ten-a", "secrets")}?${selector}`));
  assertFailure(await admin.get(core("ten-a", "secrets", "mine")), { code: 404 });
  ok(await admin.get(core("ten-a", "secrets", "topsecret")));
});

// API E-07
test("the denial says who, what, and where (API E-31)", async () => {
  const reply = await carol.post(`${core("ten-a", "secrets")}?${selector}`, evil);
  assertFailure(reply, {
    code: 403,
    reason: "Forbidden",
    message:
      'secrets is forbidden: User "carol" cannot create resource "secrets" in API group "" in the namespace "ten-a"',
  });
});

/** Bytes of UTF-8 as Node writes headers: one character each. */
const sent = (text: string): string => Buffer.from(text).toString("latin1");
/** As bytes: Node would encode the headers as it does a body of text. */
const noMembers = Buffer.from("{}");
const whoAmI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
for (const name of ["jürgen", "山田", "Zoë 👩‍💻", "plain"]) {
  test(`a user called ${name} is that user`, async () => {
    const headers = {
      "impersonate-user": sent(name),
      "impersonate-group": sent(`équipe ${name}`),
      "impersonate-extra-example.org%2f%C3%A9": sent(name),
    };
    const reply = ok(await admin.post(whoAmI, noMembers, headers), 201);
    assert.equal(reply.at("status", "userInfo", "username"), name);
    assert.equal(reply.at("status", "userInfo", "groups", 0), `équipe ${name}`);
    assert.deepEqual(reply.at("status", "userInfo", "extra"), { "example.org/é": [name] });
  });
}

test("rights of somebody whose name is not ASCII are theirs, and of nobody whose bytes look alike", async () => {
  await grant("jürgen", "ten-b", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }]);
  const list = (user: string) => admin.get(core("ten-b", "configmaps"), { "impersonate-user": user });
  for (let attempt = 0; attempt < 200 && (await list(sent("jürgen"))).status !== 200; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  ok(await list(sent("jürgen")));
  assertFailure(await list(sent(sent("jürgen"))), { code: 403 });
  assertFailure(await list("j\xfcrgen"), { code: 400, message: /not valid UTF-8/ });
});

const clusterRoles = `${rbac}/clusterroles`;
// API M-02
test("paths reach what is of their scope, and nothing else", async () => {
  const count = async () => Object(ok(await admin.get(clusterRoles)).at("items")).length;
  const before = await count();
  const table: readonly Attempt[] = [
    ["a collection of another scope", "DELETE", `${rbac}/namespaces/ten-a/clusterroles`, 404],
    ["an item of another scope", "GET", `${rbac}/namespaces/ten-a/clusterroles/admin`, 404],
    ["an item without its namespace", "GET", "/api/v1/secrets/topsecret", 404],
    ["a create without a namespace", "POST", "/api/v1/configmaps", 405, { body: evil }],
    ["a collection without a namespace", "DELETE", "/api/v1/configmaps", 405],
    ["namespaces in a namespace", "GET", core("ten-a", "namespaces", "ten-b"), 404],
    [
      "a review in a namespace",
      "POST",
      "/apis/authorization.k8s.io/v1/namespaces/ten-a/selfsubjectaccessreviews",
      404,
      { body: {} },
    ],
    [
      "a review of rules nowhere",
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
      400,
      { body: { spec: {} } },
    ],
  ];
  for (const [what, method, path, code, { body = undefined } = {}] of table) {
    const reply = await admin.send(method, path, body === undefined ? {} : { body });
    assert.equal(reply.status, code, `${what}: ${reply.text.slice(0, 200)}`);
  }
  assert.equal(await count(), before);
});

test("nobody grants what they do not have: rules, roles by name, aggregation", async () => {
  const metadata = { name: "granter" };
  const rules = [
    {
      apiGroups: [group],
      resources: ["clusterroles", "clusterrolebindings"],
      verbs: ["create", "update", "patch", "get"],
    },
    { apiGroups: [group], resources: ["clusterroles"], resourceNames: ["view"], verbs: ["bind"] },
  ];
  ok(await admin.post(clusterRoles, { metadata, rules }), 201);
  const roleRef = { apiGroup: group, kind: "ClusterRole", name: "granter" };
  const subjects = [{ apiGroup: group, kind: "User", name: "dave" }];
  ok(await admin.post(`${rbac}/clusterrolebindings`, { metadata, roleRef, subjects }), 201);
  const dave = await server.clientFor("dave");
  await seen(dave, `${clusterRoles}/granter`);

  const bind = (name: string) =>
    dave.post(`${rbac}/clusterrolebindings?dryRun=All`, {
      metadata: { name: "x" },
      roleRef: { ...roleRef, name },
      subjects: [],
    });
  ok(await bind("view"), 201);
  assertFailure(await bind("edit"), {
    code: 403,
    message: /attempting to grant RBAC permissions not currently held/,
  });
  const role = (content: JsonObject) =>
    dave.post(`${clusterRoles}?dryRun=All`, { metadata: { name: "x" }, ...content });
  assertFailure(await role({ rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }] }), { code: 403 });
  assertFailure(await role({ aggregationRule: { clusterRoleSelectors: [{}] } }), { code: 403 });
  assertFailure(
    await dave.send("PATCH", `${clusterRoles}/granter`, {
      body: JSON.stringify({ rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] }),
      headers: merge,
    }),
    { code: 403 },
  );
  ok(await role({ rules: rules.slice(1) }), 201);
});
