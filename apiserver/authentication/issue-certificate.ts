/**
 * Makes X.509 certificates (RFC 5280): just enough for those of `pki.ts`, signed with ECDSA P-256.
 * Reading and verifying is node:crypto's; this file only writes.
 */
import { createPublicKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  der,
  integer,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  tagged,
  tags,
  time,
  truth,
} from "./der.ts";

export type KeyPair = {
  /** PEM, the leaf first. */
  readonly certificate: string;
  /** PEM, SEC 1, which every client reads: fabric8 takes PKCS #8 for RSA's, whatever it holds. */
  readonly key: string;
};

export type Subject = { readonly commonName: string; readonly organizations?: readonly string[] };
export type Usage = "ca" | "server" | "client";

export type CertificateRequest = {
  readonly subject: Subject;
  readonly usage: Usage;
  /** DNS names and IP addresses; for servers. */
  readonly names?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
};

/** Who signs; absent: the certificate signs itself. */
export type Issuer = { readonly subject: Subject; readonly key: KeyObject };

/** A certificate for the key of the holder; default: a fresh one. */
export function issueCertificate(
  request: CertificateRequest,
  issuer?: Issuer,
  privateKey: KeyObject = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
): KeyPair {
  const publicKey = createPublicKey(privateKey);
  const signer = issuer ?? { subject: request.subject, key: privateKey };
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ecdsaWithSha256,
    nameOf(signer.subject),
    sequence(time(request.notBefore), time(request.notAfter)),
    nameOf(request.subject),
    spki(publicKey),
    tagged(3, sequence(...extensionsOf(request, publicKey, createPublicKey(signer.key)))),
  );
  const signature = sign("sha256", body, signer.key);
  return {
    certificate: pem(sequence(body, ecdsaWithSha256, bitString(signature))),
    key: privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
}

/** 127 random bits, never zero and never negative. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

const ecdsaWithSha256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

function nameOf({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (type: string, value: string): Buffer =>
    der(tags.set, sequence(objectIdentifier(type), der(tags.utf8String, Buffer.from(value))));
  return sequence(...organizations.map((each) => attribute("2.5.4.10", each)), attribute("2.5.4.3", commonName));
}

const usages: { readonly [Each in Usage]: { readonly keyUsage: Buffer; readonly extended?: string } } = {
  // keyCertSign and cRLSign; digitalSignature. Bits count from the left.
  ca: { keyUsage: bitString(Buffer.from([0x06]), 1) },
  server: { keyUsage: bitString(Buffer.from([0x80]), 7), extended: "1.3.6.1.5.5.7.3.1" },
  client: { keyUsage: bitString(Buffer.from([0x80]), 7), extended: "1.3.6.1.5.5.7.3.2" },
};

function extensionsOf({ usage, names = [] }: CertificateRequest, own: KeyObject, issuer: KeyObject): Buffer[] {
  const { keyUsage, extended } = usages[usage];
  const extension = (id: string, value: Buffer, critical = false): Buffer =>
    sequence(objectIdentifier(id), ...(critical ? [truth] : []), octetString(value));
  return [
    extension("2.5.29.19", usage === "ca" ? sequence(truth) : sequence(), true),
    extension("2.5.29.15", keyUsage, true),
    ...(extended === undefined ? [] : [extension("2.5.29.37", sequence(objectIdentifier(extended)))]),
    extension("2.5.29.14", octetString(keyIdentifier(own))),
    extension("2.5.29.35", sequence(der(tags.contextPrimitive, keyIdentifier(issuer)))),
    ...(names.length === 0 ? [] : [extension("2.5.29.17", sequence(...names.map(alternativeName)))]),
  ];
}

/** RFC 7093, method 1: the first 160 bits of the key's SHA-256. */
const keyIdentifier = (key: KeyObject): Buffer => hash("sha256", spki(key), "buffer").subarray(0, 20);

function alternativeName(name: string): Buffer {
  const [dnsName, ipAddress] = [tags.contextPrimitive + 2, tags.contextPrimitive + 7];
  return isIP(name) === 0 ? der(dnsName, Buffer.from(name)) : der(ipAddress, addressBytes(name));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // URL writes IPv6 in its one canonical form, with an embedded IPv4 tail already in hexadecimal.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
}
