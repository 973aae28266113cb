/**
 * The serving certificate that replicas of a server make for themselves and share, and its way through renewals: pure, from
 * what is kept and what clients trust to what is kept next.
 *
 * Invariant: at any moment what a replica may still serve is signed by a CA that clients trust: a new CA is published
 * beside the old one first, then it signs, then the old one goes.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { issueCertificate, type KeyPair } from "../authentication/issue-certificate.ts";

/** What the Secret holds. All PEM. */
export type ServingState = {
  readonly ca: KeyPair;
  /** Published, and signs once clients trust it. */
  readonly nextCa?: KeyPair;
  /** Certificate that signed what some replica may still serve. */
  readonly previousCa?: string;
  readonly serving: KeyPair;
};

export type Lifetimes = {
  readonly caMs: number;
  readonly servingMs: number;
  /** Time for every client and replica to see a change, in ms; several times `lookMs`. */
  readonly settleMs: number;
  /** How often a replica looks whether something is due, or was done by another, in ms. */
  readonly lookMs: number;
};

const dayMs = 24 * 60 * 60 * 1000;
export const defaultLifetimes: Lifetimes = {
  caMs: 10 * 365 * dayMs,
  servingMs: 365 * dayMs,
  settleMs: 10 * 60_000,
  lookMs: 60_000,
};
/** How far before now a certificate begins to be valid, in ms: clocks in a cluster differ a little. */
const backdateMs = 5 * 60_000;
const caName = "functionmesh-serving-ca";

export type ServingRequest = {
  /** DNS names the certificate must have. */
  readonly names: readonly string[];
  readonly nowMs: number;
  /** PEM of the CAs that clients were last seen to trust. */
  readonly trusted: string;
  readonly lifetimes?: Lifetimes;
};

/** The next step and why, `undefined` while nothing has to change. */
export type ServingStep = { readonly state: ServingState; readonly why: string };

/**
 * One step of the way; the caller stores its result and asks again.
 *
 * @param state `undefined`: nothing is kept yet
 */
export function nextServingState(state: ServingState | undefined, request: ServingRequest): ServingStep | undefined {
  const { nowMs, names, trusted, lifetimes = defaultLifetimes } = request;
  if (state === undefined) {
    const ca = newCa(nowMs, lifetimes);
    return { state: { ca, serving: sign(ca, request) }, why: "there is none yet" };
  }
  const { ca, nextCa, previousCa, serving } = state;
  if (
    nextCa !== undefined &&
    ageMs(nextCa.certificate, nowMs) >= lifetimes.settleMs &&
    contains(trusted, nextCa.certificate)
  )
    return {
      state: { ca: nextCa, previousCa: ca.certificate, serving: sign(nextCa, request) },
      why: "clients trust the next CA",
    };
  if (nextCa === undefined && isDue(ca.certificate, nowMs))
    return { state: { ...state, nextCa: newCa(nowMs, lifetimes) }, why: "two thirds of the CA's life are over" };
  if (isDue(serving.certificate, nowMs))
    return { state: { ...state, serving: sign(ca, request) }, why: "two thirds of the certificate's life are over" };
  if (!names.every((name) => new X509Certificate(serving.certificate).checkHost(name) !== undefined))
    return { state: { ...state, serving: sign(ca, request) }, why: "the certificate lacks a name" };
  if (previousCa !== undefined && ageMs(serving.certificate, nowMs) >= lifetimes.settleMs)
    return {
      state: { ca, serving, ...(nextCa === undefined ? {} : { nextCa }) },
      why: "nobody serves what the old CA signed",
    };
  return undefined;
}

/** PEM of every CA that clients must trust now. */
export function caBundleOf({ ca, nextCa, previousCa }: ServingState): string {
  return [ca.certificate, nextCa?.certificate, previousCa]
    .filter((pem) => pem !== undefined)
    .map((pem) => `${pem.trim()}\n`)
    .join("");
}

type SecretData = { readonly [key: string]: string };

/** As the Secret's `data`, before base64. `tls.crt` and `tls.key` are those of type `kubernetes.io/tls`. */
export function toSecretData({ ca, nextCa, previousCa, serving }: ServingState): SecretData {
  return {
    "tls.crt": serving.certificate,
    "tls.key": serving.key,
    "ca.crt": ca.certificate,
    "ca.key": ca.key,
    ...(nextCa === undefined ? {} : { "next-ca.crt": nextCa.certificate, "next-ca.key": nextCa.key }),
    ...(previousCa === undefined ? {} : { "previous-ca.crt": previousCa }),
  };
}

/** @throws Error that says which part is missing or damaged */
export function fromSecretData(data: SecretData): ServingState {
  const part = (key: string): string => {
    const value = data[key];
    if (value === undefined) throw new Error(`${key} is missing`);
    return value;
  };
  const pair = (name: string): KeyPair => {
    const [certificate, key] = [part(`${name}.crt`), part(`${name}.key`)];
    if (
      !parsed(`${name}.crt`, () => new X509Certificate(certificate)).checkPrivateKey(
        parsed(`${name}.key`, () => createPrivateKey(key)),
      )
    )
      throw new Error(`${name}.key does not belong to ${name}.crt`);
    return { certificate, key };
  };
  return {
    ca: pair("ca"),
    serving: pair("tls"),
    ...(data["next-ca.crt"] === undefined ? {} : { nextCa: pair("next-ca") }),
    ...(data["previous-ca.crt"] === undefined ? {} : { previousCa: part("previous-ca.crt") }),
  };
}

function parsed<Value>(key: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`${key} cannot be read`, { cause });
  }
}

const validity = (nowMs: number, lifetimeMs: number) => ({
  notBefore: new Date(nowMs - backdateMs),
  notAfter: new Date(nowMs + lifetimeMs),
});

const newCa = (nowMs: number, { caMs }: Lifetimes): KeyPair =>
  issueCertificate({ subject: { commonName: caName }, usage: "ca", ...validity(nowMs, caMs) });

function sign(ca: KeyPair, { names, nowMs, lifetimes = defaultLifetimes }: ServingRequest): KeyPair {
  const caEndMs = new X509Certificate(ca.certificate).validToDate.getTime();
  const lifetimeMs = Math.min(lifetimes.servingMs, caEndMs - nowMs);
  return issueCertificate(
    { subject: { commonName: names[0] ?? caName }, usage: "server", names, ...validity(nowMs, lifetimeMs) },
    { subject: { commonName: caName }, key: createPrivateKey(ca.key) },
  );
}

const madeAtMs = (certificate: string): number => new X509Certificate(certificate).validFromDate.getTime() + backdateMs;
const ageMs = (certificate: string, nowMs: number): number => nowMs - madeAtMs(certificate);

/** Whether two thirds of its life are over; clients notice an end, so it is renewed long before. */
function isDue(certificate: string, nowMs: number): boolean {
  const fromMs = madeAtMs(certificate);
  return nowMs >= fromMs + ((new X509Certificate(certificate).validToDate.getTime() - fromMs) * 2) / 3;
}

const contains = (bundle: string, certificate: string): boolean => bundle.includes(certificate.trim());
