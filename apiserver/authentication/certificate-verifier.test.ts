import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { CertificateVerifier } from "./certificate-verifier.ts";
import { type CertificateRequest, type Issuer, issueCertificate, type KeyPair } from "./issue-certificate.ts";

const noon = Date.parse("2026-06-01T12:00:00Z");
const hourMs = 3_600_000;
const day = { notBefore: new Date(noon - hourMs), notAfter: new Date(noon + 24 * hourMs) };

type Authority = KeyPair & { readonly issuer: Issuer };
function authority(commonName: string, request: Partial<CertificateRequest> = {}, parent?: Issuer): Authority {
  const subject = { commonName };
  const pair = issueCertificate({ subject, usage: "ca", ...day, ...request }, parent);
  return { ...pair, issuer: { subject, key: createPrivateKey(pair.key) } };
}
const leaf = (issuer: Issuer, request: Partial<CertificateRequest> = {}): Uint8Array =>
  derOf(issueCertificate({ subject: { commonName: "jane" }, usage: "client", ...day, ...request }, issuer));
const derOf = ({ certificate }: KeyPair): Uint8Array => new X509Certificate(certificate).raw;

const root = authority("root");
const stranger = authority("stranger");
const namesake = authority("root");
const intermediate = authority("intermediate", {}, root.issuer);
const past = { notBefore: new Date(noon - 3 * hourMs), notAfter: new Date(noon - hourMs) };
const expired = authority("expired", past, root.issuer);

const cases: Record<string, { chain: readonly Uint8Array[]; refused?: RegExp }> = {
  "signed by the root": { chain: [leaf(root.issuer)] },
  "signed by an intermediate that was sent along": { chain: [leaf(intermediate.issuer), derOf(intermediate)] },
  "an intermediate that was not sent": { chain: [leaf(intermediate.issuer)], refused: /unknown authority/ },
  "another authority": { chain: [leaf(stranger.issuer)], refused: /unknown authority/ },
  "another authority that sends its own root": {
    chain: [leaf(stranger.issuer), derOf(stranger)],
    refused: /unknown authority/,
  },
  "an authority of the same name": { chain: [leaf(namesake.issuer)], refused: /unknown authority/ },
  expired: { chain: [leaf(root.issuer, past)], refused: /has expired/ },
  "not yet valid": {
    chain: [leaf(root.issuer, { notBefore: new Date(noon + hourMs) })],
    refused: /not yet valid/,
  },
  "an expired intermediate": { chain: [leaf(expired.issuer), derOf(expired)], refused: /has expired/ },
  "a serving certificate": { chain: [leaf(root.issuer, { usage: "server" })], refused: /not meant for client/ },
  "signed by something that is no authority": {
    chain: (() => {
      const middle = issueCertificate({ subject: { commonName: "bob" }, usage: "client", ...day }, root.issuer);
      const issuer = { subject: { commonName: "bob" }, key: createPrivateKey(middle.key) };
      return [leaf(issuer), derOf(middle)];
    })(),
    refused: /unknown authority/,
  },
  "bytes that are no certificate": { chain: [Buffer.from("x")], refused: /verifying certificate/ },
  nothing: { chain: [], refused: /no certificate/ },
};

for (const [name, { chain, refused }] of Object.entries(cases)) {
  test(`certificate: ${name}`, () => {
    const verifier = new CertificateVerifier({ bundle: () => root.certificate, now: () => noon });
    // Twice, as the second answer comes from memory.
    for (const _ of [1, 2]) {
      if (refused === undefined) assert.equal(verifier.verify(chain).commonName, "jane");
      else assert.throws(() => verifier.verify(chain), refused);
    }
  });
}

test("subjects keep repeated organizations and any character", () => {
  const subject = { commonName: 'jäne, "x"\n=<y>', organizations: ["devs", "ops,eu", "devs/a=b"] };
  const verifier = new CertificateVerifier({ bundle: () => root.certificate, now: () => noon });
  const { commonName, organizations } = verifier.verify([leaf(root.issuer, { subject })]);
  assert.deepEqual({ commonName, organizations }, subject);
});

test("a remembered certificate ends with its own time", () => {
  let now = noon;
  const verifier = new CertificateVerifier({ bundle: () => root.certificate, now: () => now });
  const chain = [leaf(root.issuer, { notAfter: new Date(noon + hourMs) })];
  assert.equal(verifier.verify(chain).commonName, "jane");
  now = noon + hourMs;
  assert.throws(() => verifier.verify(chain), /has expired/);
});

test("a changed bundle counts at once, in both directions", () => {
  let bundle = root.certificate;
  const verifier = new CertificateVerifier({ bundle: () => bundle, now: () => noon });
  const [old, young] = [[leaf(root.issuer)], [leaf(stranger.issuer)]];
  assert.equal(verifier.verify(old).commonName, "jane");
  assert.throws(() => verifier.verify(young));
  bundle = root.certificate + stranger.certificate;
  assert.equal(verifier.verify(young).commonName, "jane");
  bundle = stranger.certificate;
  assert.throws(() => verifier.verify(old));
});
