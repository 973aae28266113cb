import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { followByInformer } from "../../controllers/runtime/follow.ts";
import { silentLogger } from "../../controllers/runtime/logger.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { partialClient } from "../../test/support/partial-client.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import { newServiceUnavailable } from "../errors/status-error.ts";
import { systemClock } from "../machinery/clock.ts";
import { followAuthenticationConfig, parseAuthenticationConfig } from "./authentication-config.ts";
import type { Authenticator, Credentials } from "./authenticator.ts";
import { bearerToken, bearerTokenAuthenticator, cachedTokenVerifier, type TokenVerifier } from "./bearer-token.ts";
import { clientCertificateAuthenticator } from "./client-certificate.ts";
import { type FrontProxyConfig, frontProxyAuthenticator, isProxyHeader, noFrontProxy } from "./front-proxy.ts";
import { extraKey } from "./identity-text.ts";
import { issueCertificate } from "./issue-certificate.ts";
import { tokenReviewVerifier } from "./token-review.ts";
import { unionAuthenticator } from "./union.ts";

const signal = new AbortController().signal;
const validity = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 3_600_000) };

function authority(commonName: string) {
  const subject = { commonName };
  const pair = issueCertificate({ subject, usage: "ca", ...validity });
  const issuer = { subject, key: createPrivateKey(pair.key) };
  return {
    bundle: pair.certificate,
    clientCertificate: (user: string, organizations: readonly string[] = []): Uint8Array =>
      new X509Certificate(
        issueCertificate({ subject: { commonName: user, organizations }, usage: "client", ...validity }, issuer)
          .certificate,
      ).raw,
  };
}
const clients = authority("clients");
const proxies = authority("proxies");

function credentials(headers: Record<string, string | string[]>, certificate?: Uint8Array): Credentials {
  return {
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
    connection: {
      remoteAddress: "192.0.2.1",
      clientCertificates: certificate === undefined ? [] : [certificate],
      certificateError: undefined,
    },
  };
}

// API A-09
test("client certificates: common name and organizations are user and groups", async () => {
  const authenticator = clientCertificateAuthenticator({ bundle: () => clients.bundle });
  const jane = credentials({}, clients.clientCertificate("jane", ["devs", "ops"]));
  assert.deepEqual(await authenticator.authenticate(jane, signal), { name: "jane", groups: ["devs", "ops"] });
  assert.equal(await authenticator.authenticate(credentials({}), signal), undefined);
  await assert.rejects(authenticator.authenticate(credentials({}, proxies.clientCertificate("jane")), signal));
  await assert.rejects(authenticator.authenticate(credentials({}, clients.clientCertificate("")), signal));
  const off = clientCertificateAuthenticator({ bundle: () => "" });
  assert.equal(await off.authenticate(jane, signal), undefined);
});

const proxyConfig: FrontProxyConfig = {
  caBundle: proxies.bundle,
  allowedNames: ["front-proxy"],
  usernameHeaders: ["x-remote-user", "x-other-user"],
  uidHeaders: ["x-remote-uid"],
  groupHeaders: ["x-remote-group"],
  extraHeaderPrefixes: ["x-remote-extra-"],
};
const identityHeaders = {
  "x-remote-user": "jane",
  "x-remote-uid": "42",
  "x-remote-group": ["devs", "", "ops"],
  "x-remote-extra-scopes": ["a", "b"],
  "x-remote-extra-example.org%2fteam": "mesh",
};
const jane = {
  name: "jane",
  uid: "42",
  groups: ["devs", "ops"],
  extra: { scopes: ["a", "b"], "example.org/team": ["mesh"] },
};

// API
test("front proxy: a trusted proxy names the user", async () => {
  let config = proxyConfig;
  const authenticator = frontProxyAuthenticator({ config: () => config });
  const proxy = proxies.clientCertificate("front-proxy");
  const ask = (headers: Parameters<typeof credentials>[0], certificate?: Uint8Array) =>
    authenticator.authenticate(credentials(headers, certificate), signal);

  assert.deepEqual(await ask(identityHeaders, proxy), jane);
  assert.equal((await ask({ "x-remote-user": "", "x-other-user": "bob" }, proxy))?.name, "bob");
  assert.equal(await ask({}, proxy), undefined, "no name, no user");
  assert.equal(await ask(identityHeaders), undefined, "headers without a certificate are nothing");
  await assert.rejects(ask(identityHeaders, clients.clientCertificate("front-proxy")), /unknown authority/);
  await assert.rejects(ask(identityHeaders, proxies.clientCertificate("somebody")), /not allowed/);

  config = { ...proxyConfig, allowedNames: [], uidHeaders: [] };
  assert.deepEqual(await ask(identityHeaders, proxies.clientCertificate("somebody")), {
    name: jane.name,
    groups: jane.groups,
    extra: jane.extra,
  });
  config = noFrontProxy;
  assert.equal(await ask(identityHeaders, proxy), undefined);
});

test("front proxy: nobody has a name that is no UTF-8", async () => {
  const authenticator = frontProxyAuthenticator({ config: () => proxyConfig });
  const proxy = proxies.clientCertificate("front-proxy");
  for (const change of [
    { "x-remote-user": "j\ufffdrgen" },
    { "x-remote-uid": "\ufffd" },
    { "x-remote-group": ["devs", "\ufffd"] },
    { "x-remote-extra-scopes": "\ufffd" },
    { "x-remote-extra-%e4": "a" },
  ]) {
    const headers = { ...identityHeaders, ...change };
    await assert.rejects(authenticator.authenticate(credentials(headers, proxy), signal), /no UTF-8/);
  }
});

for (const [encoded, key] of [
  ["Scopes", "scopes"],
  ["example.org%2FTeam", "example.org/team"],
  ["%C3%A9quipe", "équipe"],
  ["100%25", "100%"],
  ["100%", "100%"],
  ["a%zz%20", "a%zz%20"],
  ["a+b", "a+b"],
] as const) {
  test(`front proxy: the key of extra ${encoded} is ${key}`, () => assert.equal(extraKey(encoded), key));
}

test("front proxy: standard and configured header names are recognised", () => {
  const config = { ...noFrontProxy, usernameHeaders: ["x-who"], extraHeaderPrefixes: ["x-more-"] };
  const names = ["x-remote-user", "x-remote-group", "x-remote-uid", "x-remote-extra-a", "x-who", "x-more-b"];
  for (const name of names) assert.equal(isProxyHeader(name, config), true, name);
  for (const name of ["x-remote", "accept", "x-forwarded-for"]) assert.equal(isProxyHeader(name, config), false, name);
});

// API
test("the host's ConfigMap is followed, and a broken one changes nothing", async () => {
  const type = { group: "", version: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true };
  const configMap = (allowed: string): KubeObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "extension-apiserver-authentication", namespace: "kube-system" },
    data: {
      "client-ca-file": clients.bundle,
      "requestheader-client-ca-file": proxies.bundle,
      "requestheader-allowed-names": allowed,
      "requestheader-username-headers": '["X-Remote-User"]',
    },
  });
  const client = new FakeClient(new FakeClock());
  const stop = new AbortController();
  const errors: unknown[] = [];
  let told: () => void = () => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (told = resolve));
  const created = await client.create(type, configMap('["front-proxy"]'));
  const config = await followAuthenticationConfig(client, {
    follow: followByInformer({ clock: systemClock, log: silentLogger }),
    signal: stop.signal,
    onError: (error) => {
      errors.push(error);
      told();
    },
  });
  assert.equal(config().clientCaBundle, clients.bundle);
  assert.deepEqual(config().frontProxy.allowedNames, ["front-proxy"]);
  assert.deepEqual(config().frontProxy.usernameHeaders, ["x-remote-user"]);

  // Answers to events arrive in order, so when the broken one was reported the good one before it has been taken.
  const reported = next();
  const changed = await client.update(type, { ...configMap('["next"]'), metadata: created.metadata });
  await client.update(type, { ...configMap("{"), metadata: changed.metadata });
  await reported;
  assert.deepEqual(config().frontProxy.allowedNames, ["next"]);
  assert.equal(errors.length, 1);
  stop.abort();
});

test("a ConfigMap without the keys trusts nobody", () => {
  const empty = parseAuthenticationConfig({ apiVersion: "v1", kind: "ConfigMap", metadata: {} });
  assert.deepEqual(empty, { clientCaBundle: "", frontProxy: noFrontProxy });
});

const websocketToken = `base64url.bearer.authorization.k8s.io.${Buffer.from("t.1").toString("base64url")}`;
const tokens: Record<string, { headers: Record<string, string>; token: string | undefined }> = {
  bearer: { headers: { authorization: "Bearer t.1" }, token: "t.1" },
  "in any case, with spaces": { headers: { authorization: " bearer t.1 " }, token: "t.1" },
  empty: { headers: { authorization: "Bearer " }, token: undefined },
  "basic is no claim": { headers: { authorization: "Basic dTpw" }, token: undefined },
  absent: { headers: {}, token: undefined },
  websocket: { headers: { "sec-websocket-protocol": `v4.channel.k8s.io, ${websocketToken}` }, token: "t.1" },
};
for (const [name, { headers, token }] of Object.entries(tokens)) {
  test(`bearer token: ${name}`, () => assert.equal(bearerToken(credentials(headers).headers), token));
}

// API A-15
test("a token nobody vouches for is refused, never anonymous", async () => {
  const authenticator = bearerTokenAuthenticator({ verify: async () => undefined });
  await assert.rejects(authenticator.authenticate(credentials({ authorization: "Bearer nope" }), signal));
  assert.equal(await authenticator.authenticate(credentials({}), signal), undefined);
});

// API
test("answers about tokens hold for ten seconds, failures not at all", async () => {
  let now = 0;
  let asked = 0;
  let failing = true;
  const inner: TokenVerifier = {
    verify: async (token) => {
      asked += 1;
      if (failing) throw new Error("unreachable");
      return token === "good" ? { user: { name: "jane", groups: [] }, audiences: [] } : undefined;
    },
  };
  const verifier = cachedTokenVerifier(inner, () => now);
  await assert.rejects(verifier.verify("good", [], signal));
  failing = false;
  for (const token of ["good", "good", "bad", "bad"]) await verifier.verify(token, [], signal);
  assert.equal(asked, 3);
  now = 9_999;
  assert.equal((await verifier.verify("good", [], signal))?.user.name, "jane");
  assert.equal(asked, 3);
  now = 10_000;
  await verifier.verify("good", [], signal);
  assert.equal(asked, 4);
});

// API A-10
test("the host is asked whose token it is, again when it is out of breath", async () => {
  const waits: number[] = [];
  const specs: unknown[] = [];
  const client = partialClient({
    create: async (_type, review) => {
      specs.push(review.spec);
      if (specs.length < 3) throw newServiceUnavailable("overloaded");
      const user = { username: "jane", uid: "1", groups: ["devs"], extra: { a: ["b"] } };
      return { ...review, status: { authenticated: true, user, audiences: ["api"] } };
    },
  });
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const verify = (apiAudiences: readonly string[]) =>
    tokenReviewVerifier({ client, apiAudiences, sleep }).verify("t", [], signal);
  const user = { name: "jane", groups: ["devs"], uid: "1", extra: { a: ["b"] } };
  assert.deepEqual(await verify([]), { user, audiences: ["api"] });
  assert.deepEqual(waits, [500, 750]);
  assert.deepEqual(specs.at(-1), { token: "t" }, "no audiences unless configured");
  assert.deepEqual(await verify(["other"]), undefined, "a token for somebody else");
  assert.deepEqual(specs.at(-1), { token: "t", audiences: ["other"] });
});

const answers = (name: string): Authenticator => ({ authenticate: async () => ({ name, groups: [] }) });
const silent: Authenticator = { authenticate: async () => undefined };
const failing: Authenticator = { authenticate: async () => Promise.reject(new Error("bad")) };
const unions: Record<string, { methods: Authenticator[]; user?: string; rejects?: true }> = {
  "first success wins": { methods: [silent, answers("a"), answers("b")], user: "a" },
  "a failure does not stop the next": { methods: [failing, answers("b")], user: "b" },
  "a failure stands when nobody succeeds": { methods: [failing, silent], rejects: true },
  "several failures": { methods: [failing, failing], rejects: true },
  "nobody claims": { methods: [silent, silent] },
};
for (const [name, { methods, user, rejects }] of Object.entries(unions)) {
  // API A-01
  test(`union: ${name}`, async () => {
    const result = unionAuthenticator(methods).authenticate(credentials({}), signal);
    if (rejects === true) await assert.rejects(result, /bad/);
    else assert.equal((await result)?.name, user);
  });
}
