/** Certificates of a test cluster: one call per certificate, all ECDSA, all valid for a day. */
import "reflect-metadata"; // @peculiar/x509 finds its parts through it
import { type webcrypto, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const algorithm = {
  name: "ECDSA",
  namedCurve: "P-256",
  hash: "SHA-256",
} as const;
const dayMs = 24 * 60 * 60 * 1000;

export type Authority = {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly pem: string;
};
export type Leaf = { readonly certificatePem: string; readonly keyPem: string };

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const text =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${text.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    notAfter: new Date(Date.now() + dayMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate, keys, pem: certificate.toString("pem") };
}

export async function issue(
  authority: Authority,
  subject: {
    readonly commonName: string;
    readonly organizations?: readonly string[];
    readonly names?: readonly string[];
  },
): Promise<Leaf> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = subject.names ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [subject.commonName] }, ...(subject.organizations ?? []).map((name) => ({ O: [name] }))],
    issuer: authority.certificate.subject,
    signingKey: authority.keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm,
    notAfter: new Date(Date.now() + dayMs),
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
      ...(names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({
                type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
                value,
              })),
            ),
          ]),
    ],
  });
  return {
    certificatePem: new X509Certificate(Buffer.from(certificate.rawData)).toString(),
    keyPem: await keyPem(keys),
  };
}

/** Writes `<name>.crt` and `<name>.key` into `directory`. */
export async function writeLeaf(directory: string, name: string, leaf: Leaf): Promise<{ cert: string; key: string }> {
  const files = {
    cert: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  };
  await writeFile(files.cert, leaf.certificatePem);
  await writeFile(files.key, leaf.keyPem, { mode: 0o600 });
  return files;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** @param user proves who asks: a client certificate or a bearer token */
export function kubeconfig(
  server: string,
  authority: Pick<Authority, "pem">,
  user: Leaf | { readonly token: string },
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [
      {
        name: "test",
        cluster: {
          server,
          "certificate-authority-data": base64(authority.pem),
        },
      },
    ],
    users: [
      {
        name: "test",
        user:
          "token" in user
            ? { token: user.token }
            : {
                "client-certificate-data": base64(user.certificatePem),
                "client-key-data": base64(user.keyPem),
              },
      },
    ],
    contexts: [
      {
        name: "test",
        context: { cluster: "test", user: "test", namespace: "default" },
      },
    ],
  });
}
