/**
 * Makes X.509 certificates: just enough DER (ITU-T X.690, RFC 5280) for those of `pki.ts`, signed with ECDSA P-256.
 * Reading and verifying is node:crypto's; this file only writes.
 */
import { createPublicKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export type KeyPair = {
  /** PEM, the leaf first. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
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

/** A fresh key and a certificate for it. */
export function issueCertificate(request: CertificateRequest, issuer?: Issuer): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
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
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific ones add their number. */
  contextPrimitive: 0x80,
  contextConstructed: 0xa0,
} as const;

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(tags.sequence, ...parts);
const octetString = (content: Buffer): Buffer => der(tags.octetString, content);
const bitString = (content: Buffer, unusedBits = 0): Buffer => der(tags.bitString, Buffer.from([unusedBits]), content);
const tagged = (number: number, content: Buffer): Buffer => der(tags.contextConstructed + number, content);
const truth = der(tags.boolean, Buffer.from([0xff]));

/** @param bytes big-endian, not negative */
function integer(bytes: Buffer): Buffer {
  const [first = 0] = bytes;
  return der(tags.integer, first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(tags.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** Years up to 2049 have the short form, as RFC 5280 demands. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, "");
  const short = date.getUTCFullYear() < 2050;
  return der(short ? tags.utcTime : tags.generalizedTime, Buffer.from(`${short ? digits.slice(2) : digits}Z`));
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

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
