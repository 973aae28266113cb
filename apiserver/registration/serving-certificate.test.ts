import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  caBundleOf,
  fromSecretData,
  type Lifetimes,
  nextServingState,
  type ServingState,
  toSecretData,
} from "./serving-certificate.ts";

const names = ["functionmesh.demo.svc", "functionmesh.demo.svc.cluster.local"];
const hourMs = 60 * 60_000;
const lifetimes: Lifetimes = { caMs: 90 * hourMs, servingMs: 30 * hourMs, settleMs: 10 * 60_000, lookMs: 60_000 };
const startMs = Date.parse("2026-11-30T10:00:00Z");

const step = (state: ServingState | undefined, nowMs: number, trusted: string, lives = lifetimes) =>
  nextServingState(state, { names, nowMs, trusted, lifetimes: lives });

function made(nowMs = startMs): ServingState {
  const first = step(undefined, nowMs, "");
  assert.ok(first !== undefined);
  return first.state;
}

const certificatesOf = (bundle: string): readonly X509Certificate[] =>
  [...bundle.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
    ([pem]) => new X509Certificate(pem),
  );

const trusts = (bundle: string, serving: string): boolean => {
  const certificate = new X509Certificate(serving);
  return certificatesOf(bundle).some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
};

// API K-03
test("the first certificate has every name and is signed by its CA", () => {
  const state = made();
  const serving = new X509Certificate(state.serving.certificate);
  for (const name of names) assert.equal(serving.checkHost(name), name);
  assert.ok(trusts(caBundleOf(state), state.serving.certificate));
  assert.equal(step(state, startMs + hourMs, caBundleOf(state)), undefined);
});

test("the certificate is renewed at two thirds of its life, by the same CA", () => {
  const state = made();
  assert.equal(step(state, startMs + 19 * hourMs, caBundleOf(state)), undefined);
  const renewed = step(state, startMs + 20 * hourMs, caBundleOf(state));
  assert.ok(renewed !== undefined);
  assert.deepEqual(renewed.state.ca, state.ca);
  assert.notEqual(renewed.state.serving.certificate, state.serving.certificate);
});

test("a certificate without one of the names is replaced", () => {
  const [name = ""] = names;
  const state = nextServingState(undefined, { names: [name], nowMs: startMs, trusted: "", lifetimes })?.state;
  assert.ok(state !== undefined);
  const next = step(state, startMs, caBundleOf(state));
  assert.equal(new X509Certificate(next?.state.serving.certificate ?? "").checkHost(names[1] ?? ""), names[1]);
});

test("a next CA signs only after it has settled and clients trust it; the old one goes when nobody serves it", () => {
  const dueMs = startMs + 60 * hourMs;
  const renewed = step(made(), dueMs - hourMs, "");
  assert.ok(renewed !== undefined);
  let { state } = renewed;
  const before = caBundleOf(state);

  const published = step(state, dueMs, before);
  assert.ok(published !== undefined);
  assert.deepEqual(published.state.serving, state.serving);
  assert.equal(certificatesOf(caBundleOf(published.state)).length, 2);
  state = published.state;
  assert.equal(step(state, dueMs + 2 * lifetimes.settleMs, before), undefined, "clients have not seen it");
  assert.equal(step(state, dueMs + lifetimes.settleMs - 1, caBundleOf(state)), undefined, "replicas have not seen it");

  const switchedMs = dueMs + lifetimes.settleMs;
  const switched = step(state, switchedMs, caBundleOf(state));
  assert.ok(switched !== undefined);
  assert.ok(trusts(caBundleOf(state), switched.state.serving.certificate), "clients trust it already");
  assert.ok(trusts(caBundleOf(switched.state), state.serving.certificate), "the old one is still trusted");
  state = switched.state;
  assert.equal(step(state, switchedMs + lifetimes.settleMs - 1, caBundleOf(state)), undefined);

  const dropped = step(state, switchedMs + lifetimes.settleMs, caBundleOf(state));
  assert.ok(dropped !== undefined);
  assert.equal(certificatesOf(caBundleOf(dropped.state)).length, 1);
  assert.ok(trusts(caBundleOf(dropped.state), dropped.state.serving.certificate));
});

test("lives pass, and nobody is ever shown a certificate that clients don't trust", () => {
  const short: Lifetimes = { caMs: 9 * hourMs, servingMs: 3 * hourMs, settleMs: 10 * 60_000, lookMs: 60_000 };
  const first = step(undefined, startMs, "", short);
  assert.ok(first !== undefined);
  let { state } = first;
  let trusted = caBundleOf(state);
  const cas = new Set<string>();
  for (let nowMs = startMs; nowMs < startMs + 48 * hourMs; nowMs += 7 * 60_000) {
    const next = step(state, nowMs, trusted, short);
    // Clients see the bundle of the step before; replicas may serve what was current before this step.
    const served = [state.serving.certificate, next?.state.serving.certificate ?? state.serving.certificate];
    for (const certificate of served) {
      assert.ok(trusts(trusted, certificate), new Date(nowMs).toISOString());
      assert.ok(new X509Certificate(certificate).validToDate.getTime() > nowMs);
    }
    state = next?.state ?? state;
    trusted = caBundleOf(state);
    cas.add(state.ca.certificate);
  }
  assert.ok(cas.size > 5, `${cas.size} CAs`);
});

test("what is kept is read back as it was; what is damaged is named", () => {
  const state: ServingState = { ...made(), nextCa: made().ca, previousCa: made().ca.certificate };
  const data = toSecretData(state);
  assert.deepEqual(fromSecretData(data), state);
  assert.throws(() => fromSecretData({ ...data, "ca.key": "junk" }), /ca\.key cannot be read/);
  assert.throws(() => fromSecretData({ ...data, "tls.key": state.ca.key }), /tls\.key does not belong to tls\.crt/);
  const { "ca.crt": _, ...rest } = data;
  assert.throws(() => fromSecretData(rest), /ca\.crt is missing/);
});
