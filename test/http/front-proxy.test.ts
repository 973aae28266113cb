/** Behind a front proxy: who is believed, and what a tenant whom the proxy names may do, the host's RBAC deciding. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { issueOdd, nameOf, type OddRequest, oids, type Signed } from "../support/certificates.ts";
import { eventually } from "../support/processes.ts";
import { aggregatedServerForFile } from "./support/aggregated.ts";
import type { Client, Send } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";

const server = await aggregatedServerForFile();
const { host, proxies, clients } = server;
const functions = pathOf("ten-a", "functions");
const ofProxy = (request: Partial<OddRequest> = {}, issuer: Signed = proxies): Signed =>
  issueOdd({ name: nameOf("front-proxy"), usages: [oids.clientAuth], issuer, ...request });
const proxy = server.clientWith(ofProxy());

/** Bytes of UTF-8 as Node writes headers: one character each. */
const sent = (text: string): string => Buffer.from(text).toString("latin1");
const as = (user: string, more: { readonly [name: string]: string } = {}) => ({ "x-remote-user": sent(user), ...more });
const master = as("root", { "x-remote-group": "system:masters" });

async function grant(user: string, rule: JsonObject): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/ten-a";
  const name = encodeURIComponent(user).toLowerCase().replaceAll("%", ".").replaceAll("..", ".");
  const apiGroup = "rbac.authorization.k8s.io";
  ok(await host.admin.post(`${rbac}/roles`, { metadata: { name }, rules: [rule] }), 201);
  const subjects = [{ kind: "User", name: user, apiGroup }];
  ok(
    await host.admin.post(`${rbac}/rolebindings`, {
      metadata: { name },
      roleRef: { kind: "Role", name, apiGroup },
      subjects,
    }),
    201,
  );
}

/** Whoever `headers` names, through `client`, sees an answer: roles have arrived where they are read. */
async function seen(client: Client, path: string, headers: Send["headers"]): Promise<void> {
  for (let attempt = 0; attempt < 200 && (await client.get(path, headers)).status !== 200; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  ok(await client.get(path, headers));
}

await createNamespace(host.admin, "ten-a");
ok(
  await proxy.send("POST", functions, {
    body: JSON.stringify(aFunction("mine")),
    headers: { ...master, "content-type": "application/json" },
  }),
  201,
);
ok(
  await proxy.send("POST", functions, {
    body: JSON.stringify(aFunction("other")),
    headers: { ...master, "content-type": "application/json" },
  }),
  201,
);
await grant("carol", {
  apiGroups: ["compute.functionmesh.io"],
  resources: ["*"],
  resourceNames: ["mine"],
  verbs: ["*"],
});
await grant("jürgen", { apiGroups: ["compute.functionmesh.io"], resources: ["functions"], verbs: ["list"] });
await seen(proxy, `${functions}/mine`, as("carol"));

const selector = "fieldSelector=metadata.name%3Dmine";
const merge = "application/merge-patch+json";
const json = "application/json";
const attempts: readonly (readonly [string, string, string, number, (readonly [string, string])?])[] = [
  ["read mine", "GET", `${functions}/mine`, 200],
  ["select mine", "GET", `${functions}?${selector}`, 200],
  ["create", "POST", functions, 403, [json, JSON.stringify(aFunction("evil"))]],
  ["create beside a selector", "POST", `${functions}?${selector}`, 403, [json, JSON.stringify(aFunction("evil"))]],
  [
    "create by the old prefix",
    "POST",
    `${functions.replace("/namespaces", "/watch/namespaces")}?${selector}`,
    405,
    [json, JSON.stringify(aFunction("evil"))],
  ],
  ["replace another", "PUT", `${functions}/other?${selector}`, 403, [json, JSON.stringify(aFunction("other"))]],
  ["patch another", "PATCH", `${functions}/other?${selector}`, 403, [merge, "{}"]],
  ["scale another", "PATCH", `${functions}/other/scale?${selector}`, 403, [merge, "{}"]],
  ["delete another", "DELETE", `${functions}/other?${selector}`, 403],
  ["delete all", "DELETE", functions, 403],
  ["list all", "GET", functions, 403],
  ["list everywhere", "GET", `/apis/compute.functionmesh.io/v1alpha1/functions?${selector}`, 403],
];
for (const [what, method, path, code, content] of attempts) {
  test(`a tenant with a right to "mine" alone: ${what} is ${code}`, async () => {
    const [type, body] = content ?? [];
    const headers = { ...as("carol"), ...(type === undefined ? {} : { "content-type": type }) };
    const reply = await proxy.send(method, path, {
      headers,
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    assert.equal(reply.status, code, reply.text.slice(0, 300));
  });
}

test("a user is who the proxy's UTF-8 says, and nobody else is", async () => {
  await seen(proxy, functions, as("jürgen"));
  assertFailure(await proxy.get(functions, as(sent("jürgen"))), { code: 403 });
  assertFailure(await proxy.get(functions, { "x-remote-user": "j\xfcrgen" }), { code: 401 });
  const reply = await proxy.get(functions, as("山田"));
  assertFailure(reply, {
    code: 403,
    message: /^functions\.compute\.functionmesh\.io is forbidden: User "山田" cannot list/,
  });
  const extra = { ...as("jürgen"), "x-remote-extra-%ff": "x" };
  assertFailure(await proxy.get(functions, extra), { code: 401 });
});

const clientCa = issueOdd({ name: nameOf("below the users' CA"), ca: true, issuer: clients });
const short = issueOdd({ name: nameOf("short"), ca: true, issuer: proxies, pathLength: 0 });
const tooDeep = issueOdd({ name: nameOf("too deep"), ca: true, issuer: short });
const forServers = issueOdd({ name: nameOf("servers"), ca: true, issuer: proxies, usages: [oids.serverAuth] });
const stranger = issueOdd({ name: nameOf("proxies"), ca: true });

/** All with headers that name an administrator. Code 403: it is somebody, and not the one the headers name. */
const pretenders: Record<string, { readonly chain: readonly Signed[]; readonly code: number }> = {
  "no certificate": { chain: [], code: 403 },
  "a proxy": { chain: [ofProxy()], code: 200 },
  "a proxy by an intermediate": { chain: [ofProxy({}, short), short], code: 200 },
  "a name that is not allowed": { chain: [ofProxy({ name: nameOf("front-proxy-2") })], code: 401 },
  "an allowed name of the users' CA": { chain: [ofProxy({}, clients)], code: 403 },
  "an allowed name below the users' CA": { chain: [ofProxy({}, clientCa), clientCa], code: 403 },
  "another CA of the same name": { chain: [ofProxy({}, stranger), stranger], code: 401 },
  expired: { chain: [ofProxy({ from: -2, to: -1 })], code: 401 },
  "not yet valid": { chain: [ofProxy({ from: 1, to: 2 })], code: 401 },
  "a certificate for servers": { chain: [ofProxy({ usages: [oids.serverAuth] })], code: 401 },
  "a critical extension nobody knows": { chain: [ofProxy({ unknownCritical: true })], code: 401 },
  "a path that is too long": { chain: [ofProxy({}, tooDeep), tooDeep, short], code: 401 },
  "an intermediate for servers only": { chain: [ofProxy({}, forServers), forServers], code: 401 },
  "a user's own certificate as a CA": { chain: [ofProxy({}, ofProxy()), ofProxy()], code: 401 },
};
for (const [what, { chain, code }] of Object.entries(pretenders)) {
  // API K-15, A-02, A-08
  test(`identity headers from ${what} are ${code === 200 ? "believed" : `not believed: ${code}`}`, async () => {
    const reply = await server.clientWith(...chain).get(functions, master);
    assert.equal(reply.status, code, reply.text.slice(0, 300));
  });
}

/** Ways to say that one is an administrator, as lines of a request; those that a proxy itself may say are `claims`. */
const claims: Record<string, readonly string[]> = {
  "as a proxy writes them": ["X-Remote-User: root", "X-Remote-Group: system:masters"],
  "in upper case": ["X-REMOTE-USER: root", "X-REMOTE-GROUP: system:masters"],
  "over a name of one's own": ["X-Remote-User: carol", "X-Remote-User: root", "X-Remote-Group: system:masters"],
  "as the uid of somebody": ["X-Remote-User: root", "X-Remote-Uid: 0", "X-Remote-Group: system:masters"],
};
const tricks: Record<string, readonly string[]> = {
  "with underscores": ["X_Remote_User: root", "X_Remote_Group: system:masters"],
  "a second time": ["X-Remote-User: root"],
  "folded over two lines": ["X-Remote-Group: devs", " system:masters"],
  "folded from another header": ["X-Note: a", "\tX-Remote-Group: system:masters"],
  "with a space before the colon": ["X-Remote-Group : system:masters"],
  "with a space before the name": [" X-Remote-Group: system:masters"],
  "as one of a list": ["X-Remote-Group: devs, system:masters"],
  "behind a bare line feed": ["X-Note: a\nX-Remote-Group: system:masters"],
  "behind a bare carriage return": ["X-Note: a\rX-Remote-Group: system:masters"],
  "behind a zero byte": ["X-Remote-Group\0: system:masters"],
  "under a name that begins alike": ["X-Remote-Groups: system:masters", "X-Remote-User-Name: root"],
  "as an extra": ["X-Remote-Extra-Group: system:masters", "X-Remote-Extra-User: root"],
  "named by Connection": ["Connection: X-Remote-User, X-Remote-Group", "X_Remote_User: root"],
  "by impersonation": ["Impersonate-User: root", "Impersonate-Group: system:masters"],
  "by a password": [`Authorization: Basic ${Buffer.from("root:root").toString("base64")}`],
  "after the body": [
    "Transfer-Encoding: chunked",
    "Trailer: X-Remote-Group",
    "",
    "0",
    "X-Remote-Group: system:masters",
  ],
};

/** The answer to a request written line by line, which its sender leaves no time to be kept alive. */
async function answerTo(client: Client, lines: readonly string[]): Promise<string> {
  const socket = await client.connect();
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const head = [`GET ${functions}/other HTTP/1.1`, "Host: a", "Connection: close"];
  socket.write([...head, ...lines, "", ""].join("\r\n"), "latin1");
  await closed;
  return Buffer.concat(chunks).toString();
}

const carolHerself = server.clientWith(issueOdd({ name: nameOf("carol"), usages: [oids.clientAuth], issuer: clients }));
const nobody = server.clientWith();
const senders: readonly {
  readonly who: string;
  readonly client: Client;
  readonly lines: readonly string[];
  readonly ways: typeof tricks;
}[] = [
  { who: "nobody", client: nobody, lines: [], ways: { ...claims, ...tricks } },
  { who: "a user", client: carolHerself, lines: [], ways: { ...claims, ...tricks } },
  { who: "the proxy of a user", client: proxy, lines: ["X-Remote-User: carol"], ways: tricks },
  {
    who: "the proxy of somebody whose name got lost",
    client: proxy,
    lines: [],
    ways: { "as a group alone": ["X-Remote-Group: system:masters"], ...tricks, "a second time": [] },
  },
];
for (const { who, client, lines, ways } of senders) {
  for (const [way, more] of Object.entries(ways)) {
    // API A-02, A-05, A-08
    test(`${who} who claims to be an administrator ${way} is none`, async () => {
      const answer = await answerTo(client, [...lines, ...more]);
      assert.match(answer, /^HTTP\/1\.1 40[013] /);
      assert.doesNotMatch(answer, /User \\"root/);
    });
  }
}

test("an administrator whom the proxy names, in whatever case, is one", async () => {
  for (const lines of Object.values(claims).slice(0, 2)) assert.match(await answerTo(proxy, lines), /^HTTP\/1\.1 200 /);
});

test("a user by certificate is that user, whatever else the headers say", async () => {
  const carol = server.clientWith(issueOdd({ name: nameOf("carol"), usages: [oids.clientAuth], issuer: clients }));
  ok(await carol.get(`${functions}/mine`, master));
  assertFailure(await carol.get(functions, master), { code: 403, message: /User "carol" cannot list/ });
});

test("the aggregator's probes, together, and what it fetches: documents of this group alone, revalidated (API K-01, K-02, K-05, K-09, K-13, D-20)", async () => {
  const root = "/apis/compute.functionmesh.io/v1alpha1";
  const prober = as("system:kube-aggregator", { "x-remote-group": "system:masters" });
  const probes = await Promise.all(Array.from({ length: 5 }, () => proxy.get(root, prober)));
  for (const probe of probes) assert.equal(probe.at("kind") ?? "", "APIResourceList");
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const found = ok(await proxy.get("/apis", { ...prober, accept }));
  assert.equal(found.at("items", 0, "metadata", "name"), "compute.functionmesh.io");
  assert.equal(found.at("items", 1), undefined);
  ok(await proxy.get("/apis", { ...prober, accept, "if-none-match": String(found.headers.etag) }), 304);
  const { paths } = ok(await proxy.get("/openapi/v3", as("system:aggregator"))).body;
  const groups = Object.keys(Object(paths));
  assert.ok(groups.length > 0);
  assert.deepEqual(
    groups.filter((path) => !path.startsWith("apis/compute.functionmesh.io")),
    [],
  );
  const document = ok(await proxy.get("/openapi/v2", as("system:aggregator")));
  ok(
    await proxy.get("/openapi/v2", { ...as("system:aggregator"), "if-none-match": String(document.headers.etag) }),
    304,
  );
  ok(await proxy.get("/api", prober), 404);
});

// API A-07
test("a CA that is exchanged counts for new connections and for those that exist", async () => {
  const next = issueOdd({ name: nameOf("next proxies"), ca: true, to: 10 });
  const [old, young] = [ofProxy(), ofProxy({}, next)];
  await server.trust(proxies.certificate + next.certificate);
  await answers(young, 200);
  ok(await server.clientWith(old).get(functions, master));

  // A watch keeps its connection busy, so that it is there when the CA has changed.
  const kept = server.clientWith(old);
  const socket = await kept.connect();
  const ask = (path: string) =>
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Remote-User: root\r\nX-Remote-Group: system:masters\r\n\r\n`);
  const received: string[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk.toString()));
  socket.on("error", () => undefined);
  ask(`${functions}?watch=1&timeoutSeconds=2`);
  await eventually(async () => assert.match(received.join(""), /^HTTP\/1\.1 200 /));
  await server.trust(next.certificate);
  await answers(old, 401);
  ok(await server.clientWith(young).get(functions, master));
  ask(`${functions}/mine`);
  await eventually(async () => assert.match(received.join(""), /HTTP\/1\.1 401 /));
  socket.destroy();
});

/** New connections with this certificate are answered so, as soon as the change has arrived. */
const answers = (certificate: Signed, code: number): Promise<void> =>
  eventually(async () => {
    const { status } = await server.clientWith(certificate).get(functions, master);
    assert.equal(status, code);
  });
