import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { issueCertificate } from "./issue-certificate.ts";

const validity = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2051-01-01T00:00:00Z") };

for (const count of [1, 10, 100, 2_000, 20_000]) {
  test(`a certificate with ${count} names is read as it was meant`, () => {
    const names = Array.from({ length: count }, (_, i) => `name-${i}.example.org`);
    const { certificate } = issueCertificate({ subject: { commonName: "many" }, usage: "server", names, ...validity });
    const read = new X509Certificate(certificate);
    assert.equal(read.checkHost(names.at(-1) ?? ""), names.at(-1));
    assert.equal(read.validToDate.getTime(), validity.notAfter.getTime());
    assert.ok(read.verify(read.publicKey));
  });
}

test("a key is written in the form that says what it is on its first line", () => {
  const { certificate, key } = issueCertificate({ subject: { commonName: "form" }, usage: "client", ...validity });
  assert.match(key, /^-----BEGIN EC PRIVATE KEY-----\n/);
  assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)));
});
