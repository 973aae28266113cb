/** Certificates that no good CA makes: whatever a stranger, or a CA that was led astray, may show to a server. */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
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
} from "../../apiserver/authentication/der.ts";

export const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  anyUsage: "2.5.29.37.0",
} as const;

/** Attributes of a name in their order: `[oid, value]`. */
export type Name = readonly (readonly [oid: string, value: string])[];
export const nameOf = (commonName: string, ...organizations: readonly string[]): Name => [
  ...organizations.map((each) => [oids.organization, each] as const),
  [oids.commonName, commonName],
];

export type Signed = { readonly certificate: string; readonly key: KeyObject; readonly name: Name };
export type Signer = Pick<Signed, "key" | "name">;

export type OddRequest = {
  readonly name: Name;
  /** Whose name it bears; default: its own. */
  readonly issuer?: Signer;
  readonly key?: KeyObject;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly usages?: readonly string[];
  /** Bits of keyUsage, from the left; absent: no such extension. */
  readonly keyUsage?: { readonly bits: number; readonly unused: number };
  /** An extension nobody knows, marked critical. */
  readonly unknownCritical?: boolean;
  /** Directory names below which, and below which alone, it may certify. */
  readonly permitted?: Name;
  readonly excluded?: Name;
  readonly usagesAreCritical?: boolean;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
};

const dayMs = 24 * 60 * 60 * 1000;
const ecdsaWithSha256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
export const keyPem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

export function issueOdd(request: OddRequest): Signed {
  const { name, key = newKey(), from = -1, to = 1 } = request;
  const issuer = request.issuer ?? { key, name };
  const day = (days: number): Buffer => time(new Date(Date.now() + days * dayMs));
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    encoded(issuer.name),
    sequence(day(from), day(to)),
    encoded(name),
    createPublicKey(key).export({ type: "spki", format: "der" }),
    tagged(3, sequence(...extensions(request))),
  );
  const certificate = pem(sequence(body, ecdsaWithSha256, bitString(sign("sha256", body, issuer.key))));
  return { certificate, key, name };
}

const encoded = (name: Name): Buffer =>
  sequence(
    ...name.map(([oid, value]) =>
      der(tags.set, sequence(objectIdentifier(oid), der(tags.utf8String, Buffer.from(value)))),
    ),
  );

function extensions(request: OddRequest): Buffer[] {
  const { ca = false, pathLength, usages, keyUsage, unknownCritical, permitted, excluded, usagesAreCritical } = request;
  const extension = (id: string, value: Buffer, critical = false): Buffer =>
    sequence(objectIdentifier(id), ...(critical ? [truth] : []), octetString(value));
  const length = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
  return [
    extension("2.5.29.19", ca ? sequence(truth, ...length) : sequence(), true),
    ...(keyUsage === undefined
      ? []
      : [extension("2.5.29.15", bitString(Buffer.from([keyUsage.bits]), keyUsage.unused), true)]),
    ...(usages === undefined
      ? []
      : [extension("2.5.29.37", sequence(...usages.map(objectIdentifier)), usagesAreCritical)]),
    ...(permitted === undefined && excluded === undefined
      ? []
      : [extension("2.5.29.30", sequence(...subtrees(0, permitted), ...subtrees(1, excluded)), true)]),
    ...(unknownCritical === true ? [extension("1.2.3.4.5", Buffer.from([5, 0]), true)] : []),
  ];
}

/** GeneralSubtrees of one directory name, as name constraints have them (RFC 5280 section 4.2.1.10). */
const subtrees = (choice: number, name: Name | undefined): Buffer[] =>
  name === undefined ? [] : [tagged(choice, sequence(tagged(4, encoded(name))))];
