import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { partialClient } from "../../test/support/partial-client.ts";
import { newNotFound, newServiceUnavailable } from "../errors/status-error.ts";
import { parseServiceAccountUserName } from "./service-account.ts";
import { defaultIssuer, serviceAccountTokens, type UidLookup } from "./service-account-token.ts";
import { clientUidLookup } from "./uid-lookup.ts";

const signal = new AbortController().signal;
const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const ecKey = (): string => pemOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const account = { namespace: "demo", name: "builder", uid: "u-1" };
const present: UidLookup = async ({ kind }) => (kind === "ServiceAccount" ? "u-1" : "p-1");

function setup(options: { key?: string; uidOf?: UidLookup } = {}) {
  const clock = { now: Date.parse("2026-06-01T00:00:00Z") };
  const tokens = serviceAccountTokens({
    key: options.key ?? ecKey(),
    uidOf: options.uidOf ?? present,
    now: () => clock.now,
  });
  const issue = (more = {}) => tokens.issue({ account, audiences: [], lifetimeSeconds: 600, ...more }).token;
  return { clock, tokens, issue };
}

const keys: Record<string, string> = {
  ES256: ecKey(),
  RS256: pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
};
for (const [alg, key] of Object.entries(keys)) {
  test(`${alg}: what is issued is verified, with the account's groups`, async () => {
    const { tokens, issue } = setup({ key });
    const token = issue();
    const [header = ""] = token.split(".");
    assert.equal(JSON.parse(Buffer.from(header, "base64url").toString()).alg, alg);
    const identity = await tokens.verify(token, [], signal);
    assert.equal(identity?.user.name, "system:serviceaccount:demo:builder");
    assert.equal(identity?.user.uid, "u-1");
    assert.deepEqual(identity?.user.groups, ["system:serviceaccounts", "system:serviceaccounts:demo"]);
    assert.deepEqual(identity?.audiences, [defaultIssuer]);
  });
}

test("claims are those Kubernetes' clients read", () => {
  const { issue } = setup();
  const payload = issue({ boundObject: { kind: "Pod", name: "p", uid: "p-1" } }).split(".")[1] ?? "";
  const { jti, ...claims } = JSON.parse(Buffer.from(payload, "base64url").toString());
  assert.match(jti, /^[0-9a-f-]{36}$/);
  assert.deepEqual(claims, {
    aud: [defaultIssuer],
    exp: 1780272600,
    iat: 1780272000,
    iss: defaultIssuer,
    "kubernetes.io": {
      namespace: "demo",
      serviceaccount: { name: "builder", uid: "u-1" },
      pod: { name: "p", uid: "p-1" },
    },
    nbf: 1780272000,
    sub: "system:serviceaccount:demo:builder",
  });
});

test("a token ends with its time", async () => {
  const { tokens, issue, clock } = setup();
  const token = issue();
  clock.now += 599_999;
  assert.notEqual(await tokens.verify(token, [], signal), undefined);
  clock.now += 1;
  assert.equal(await tokens.verify(token, [], signal), undefined);
});

test("a token is good for its audiences only", async () => {
  const { tokens, issue } = setup();
  const token = issue({ audiences: ["vault", "other"] });
  assert.equal(await tokens.verify(token, [], signal), undefined, "not for the API server");
  assert.deepEqual((await tokens.verify(token, ["vault", "nobody"], signal))?.audiences, ["vault"]);
});

test("a token ends with what it is bound to", async () => {
  const uids = new Map([
    ["ServiceAccount", "u-1"],
    ["Pod", "p-1"],
  ]);
  const { tokens, issue } = setup({ uidOf: async ({ kind }) => uids.get(kind) });
  const token = issue({ boundObject: { kind: "Pod", name: "p", uid: "p-1" } });
  const user = (await tokens.verify(token, [], signal))?.user;
  assert.deepEqual(user?.extra?.["authentication.kubernetes.io/pod-name"], ["p"]);
  uids.set("Pod", "p-2");
  assert.equal(await tokens.verify(token, [], signal), undefined, "another pod of the same name");
  uids.delete("ServiceAccount");
  assert.equal(await tokens.verify(issue(), [], signal), undefined, "no account");
});

test("objects are looked up through a client", async () => {
  const uidOf = clientUidLookup(
    partialClient({
      get: async ({ type, name }) => {
        if (name === "gone") throw newNotFound({ group: "", resource: type.resource }, name);
        if (name === "odd") throw newServiceUnavailable("down");
        return { apiVersion: "v1", kind: type.kind, metadata: { name, uid: `${type.resource}-1` } };
      },
    }),
  );
  const lookUp = (name: string) => uidOf({ kind: "Pod", namespace: "demo", name }, signal);
  assert.equal(await lookUp("p"), "pods-1");
  assert.equal(await lookUp("gone"), undefined);
  await assert.rejects(lookUp("odd"), { message: "down" });
});

test("anything else is not ours", async () => {
  const { tokens, issue } = setup();
  const [head = "", payload = "", signature = ""] = issue().split(".");
  const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  const altered = Buffer.from(payload, "base64url").toString().replaceAll("builder", "admin01");
  const strangers = [
    "nope",
    "a.b.c",
    "x".repeat(2000),
    "",
    `${head}.${payload}`,
    `${none}.${payload}.`,
    `${head}.${Buffer.from(altered).toString("base64url")}.${signature}`,
    `${head}.${payload}.${signature}.x`,
    setup().issue(),
  ];
  for (const token of strangers) assert.equal(await tokens.verify(token, [], signal), undefined, token);
});

test("keys of other types are refused at start", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  assert.throws(() => setup({ key: pemOf(privateKey) }), /EC P-256 or RSA/);
  assert.throws(() => setup({ key: pemOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey) }), /P-256/);
});

test("service account user names", () => {
  assert.deepEqual(parseServiceAccountUserName("system:serviceaccount:a:b"), { namespace: "a", name: "b" });
  for (const name of ["jane", "system:serviceaccount:a", "system:serviceaccount::b", "system:serviceaccount:a:b:c"])
    assert.equal(parseServiceAccountUserName(name), undefined, name);
});
