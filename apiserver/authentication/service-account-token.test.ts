import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
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
  const issue = async (more = {}) =>
    (await tokens.issue({ account, audiences: [], lifetimeSeconds: 600, ...more })).token;
  return { clock, tokens, issue };
}

const keys: Record<string, string> = {
  ES256: ecKey(),
  RS256: pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
};
for (const [alg, key] of Object.entries(keys)) {
  test(`${alg}: what is issued is verified, with the account's groups`, async () => {
    const { tokens, issue } = setup({ key });
    const token = await issue();
    const [header = ""] = token.split(".");
    assert.equal(JSON.parse(Buffer.from(header, "base64url").toString()).alg, alg);
    const identity = await tokens.verify(token, [], signal);
    assert.equal(identity?.user.name, "system:serviceaccount:demo:builder");
    assert.equal(identity?.user.uid, "u-1");
    assert.deepEqual(identity?.user.groups, ["system:serviceaccounts", "system:serviceaccounts:demo"]);
    assert.deepEqual(identity?.audiences, [defaultIssuer]);
  });
}

test("claims are those Kubernetes' clients read", async () => {
  const { issue } = setup();
  const token = await issue({ boundObject: { kind: "Pod", name: "p", uid: "p-1" } });
  const payload = token.split(".")[1] ?? "";
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
  const token = await issue();
  clock.now += 599_999;
  assert.notEqual(await tokens.verify(token, [], signal), undefined);
  clock.now += 1;
  assert.equal(await tokens.verify(token, [], signal), undefined);
});

test("a token is good for its audiences only", async () => {
  const { tokens, issue } = setup();
  const token = await issue({ audiences: ["vault", "other"] });
  assert.equal(await tokens.verify(token, [], signal), undefined, "not for the API server");
  assert.deepEqual((await tokens.verify(token, ["vault", "nobody"], signal))?.audiences, ["vault"]);
});

test("a token ends with what it is bound to", async () => {
  const uids = new Map([
    ["ServiceAccount", "u-1"],
    ["Pod", "p-1"],
  ]);
  const { tokens, issue } = setup({ uidOf: async ({ kind }) => uids.get(kind) });
  const token = await issue({ boundObject: { kind: "Pod", name: "p", uid: "p-1" } });
  const user = (await tokens.verify(token, [], signal))?.user;
  assert.deepEqual(user?.extra?.["authentication.kubernetes.io/pod-name"], ["p"]);
  uids.set("Pod", "p-2");
  assert.equal(await tokens.verify(token, [], signal), undefined, "another pod of the same name");
  uids.delete("ServiceAccount");
  assert.equal(await tokens.verify(await issue(), [], signal), undefined, "no account");
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
  const key = ecKey();
  const { tokens, issue } = setup({ key });
  const [head = "", payload = "", signature = ""] = (await issue()).split(".");
  const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  const altered = Buffer.from(payload, "base64url").toString().replaceAll("builder", "admin01");
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = JSON.parse(Buffer.from(head, "base64url").toString());
  const strangers: Record<string, string> = {
    "no token": "nope",
    "three parts of nothing": "a.b.c",
    "one long word": "x".repeat(2000),
    nothing: "",
    "no signature": `${head}.${payload}`,
    "an algorithm that signs nothing": `${none}.${payload}.`,
    "other claims": `${head}.${Buffer.from(altered).toString("base64url")}.${signature}`,
    "a fourth part": `${head}.${payload}.${signature}.x`,
    "another key": await setup().issue(),
    "another key by the name of ours": signedBy(ecKey(), header, payload),
    "no name of a key": `${encoded({ alg: "ES256" })}.${payload}.${signature}`,
    "our public key as a secret": hmac(publicOf(key), encoded({ ...header, alg: "HS256" }), payload),
    "an extension that must be understood": signedBy(key, { ...header, crit: ["b64"], b64: false }, payload),
  };
  for (const [reason, token] of Object.entries(strangers))
    assert.equal(await tokens.verify(token, [], signal), undefined, reason);
});

const terms: Record<string, { readonly change: object; readonly good: boolean }> = {
  "as issued": { change: {}, good: true },
  "no end": { change: { exp: undefined }, good: false },
  "an end that is no number": { change: { exp: "2099" }, good: false },
  "a beginning to come": { change: { nbf: Date.parse("2026-06-01T00:00:01Z") / 1000 }, good: false },
  "another issuer": { change: { iss: "https://example.org" }, good: false },
  "no issuer": { change: { iss: undefined }, good: false },
  "no audience": { change: { aud: undefined }, good: false },
  "an audience alone": { change: { aud: defaultIssuer }, good: true },
  "somebody who is no account": { change: { sub: "admin" }, good: false },
  "another account": { change: { sub: "system:serviceaccount:demo:admin" }, good: false },
};
for (const [what, { change, good }] of Object.entries(terms)) {
  test(`claims that our key signed: ${what}`, async () => {
    const key = ecKey();
    const { tokens, issue } = setup({ key });
    const [head = "", payload = ""] = (await issue()).split(".");
    const [header, claims] = [head, payload].map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    const changed = Buffer.from(JSON.stringify({ ...claims, ...change })).toString("base64url");
    const identity = await tokens.verify(signedBy(key, header, changed), [], signal);
    assert.equal(identity !== undefined, good);
  });
}

/** A token as whoever has the key can make it. */
function signedBy(key: string, header: object, payload: string): string {
  const signed = `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${payload}`;
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

const publicOf = (key: string): string => createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
const hmac = (secret: string, head: string, payload: string): string =>
  `${head}.${payload}.${createHmac("sha256", secret).update(`${head}.${payload}`).digest("base64url")}`;

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
