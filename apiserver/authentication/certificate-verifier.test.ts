import assert from "node:assert/strict";
import { test } from "node:test";
import { issueOdd, keyPem, nameOf, type OddRequest, oids, type Signed } from "../../test/support/certificates.ts";
import { handshake } from "../../test/support/handshake.ts";
import { CertificateVerifier } from "./certificate-verifier.ts";

const hourMs = 3_600_000;
const authority = (name: string, more: Partial<OddRequest> = {}): Signed =>
  issueOdd({ name: nameOf(name), ca: true, to: 10, ...more });
const client = (issuer: Signed, more: Partial<OddRequest> = {}): Signed =>
  issueOdd({ name: nameOf("jane"), usages: [oids.clientAuth], issuer, ...more });

const root = authority("root");
const stranger = authority("stranger");
const namesake = authority("root");
const between = authority("between", { issuer: root });
const short = authority("short", { issuer: root, pathLength: 0 });
const below = authority("below", { issuer: short });
const serversOnly = authority("servers", { issuer: root, usages: [oids.serverAuth] });
const noCertSign = authority("signs nothing", { issuer: root, keyUsage: { bits: 0x80, unused: 7 } });
const expired = authority("expired", { issuer: root, from: -3, to: -1 });
const devsOnly = authority("devs only", { issuer: root, permitted: [[oids.organization, "devs"]] });
const noMasters = authority("no masters", { issuer: root, excluded: [[oids.organization, "system:masters"]] });
const oddCa = authority("odd", { issuer: root, unknownCritical: true });
const future = authority("future", { issuer: root, from: 1 });
/** The same key and name, signed by two. */
const twice = authority("crossed", { issuer: root });
const crossed = authority("crossed", { issuer: stranger, key: twice.key });
const strangerCrossed = authority("stranger", { issuer: root, key: stranger.key });
const looped = authority("looped", { issuer: { key: between.key, name: between.name } });
const loop = authority("between", { issuer: looped, key: between.key });
const bob = client(root, { name: nameOf("bob") });
const chainOf = (length: number): readonly Signed[] =>
  Array.from({ length }).reduce<readonly Signed[]>(
    (chain) => [authority(`c${chain.length}`, { issuer: chain[0] ?? root }), ...chain],
    [],
  );
const chainOf30 = chainOf(30);
const chainOf110 = chainOf(110);
const namedIn = (organization: string) => ({ name: [[oids.organization, organization]] as const });

const asJane = client(root);

/**
 * Outcomes are those of Go's verifier, but for `any usage`, which OpenSSL refuses, and for several ways up, of which it tries
 * the first.
 */
const cases: Record<string, { chain: readonly Signed[]; accepted: boolean }> = {
  "signed by the root": { chain: [client(root)], accepted: true },
  "no usage named": { chain: [issueOdd({ name: nameOf("jane"), issuer: root })], accepted: true },
  "with a CA that has nothing to do with it": { chain: [client(root), stranger], accepted: true },
  "signed by an intermediate that was sent along": { chain: [client(between), between], accepted: true },
  "a chain of 31": { chain: [client(chainOf30[0] ?? root), ...chainOf30], accepted: true },
  "a chain of 111": { chain: [client(chainOf110[0] ?? root), ...chainOf110], accepted: false },
  // Node tells of a chain as far as it is in order.
  "a chain in another order": { chain: [client(chainOf30[0] ?? root), ...chainOf30.toReversed()], accepted: false },
  "a chain with a gap": { chain: [client(chainOf30[0] ?? root), ...chainOf30.slice(1)], accepted: false },
  "an intermediate sent fifty times": { chain: [client(between), ...Array(50).fill(between)], accepted: true },
  "its own certificate twice": { chain: [bob, bob].map(() => asJane), accepted: true },
  "the root sent along": { chain: [client(between), between, root], accepted: true },
  "an authority signed by two, first by the one we know": { chain: [client(twice), twice, crossed], accepted: true },
  "an authority signed by two, first by another": { chain: [client(twice), crossed, twice], accepted: false },
  "an authority signed by two, with the other alone": { chain: [client(twice), crossed, stranger], accepted: false },
  "another authority that ours has signed": { chain: [client(stranger), strangerCrossed], accepted: true },
  "authorities that signed each other": { chain: [client(looped), looped, loop], accepted: false },
  "authorities that signed each other, and then one that ours has": {
    chain: [client(looped), looped, loop, between],
    accepted: false,
  },
  "usages that are critical": { chain: [client(root, { usagesAreCritical: true })], accepted: true },
  "for clients and servers": { chain: [client(root, { usages: [oids.serverAuth, oids.clientAuth] })], accepted: true },
  "no usage at all": { chain: [client(root, { usages: [] })], accepted: false },
  "a CA as client": { chain: [authority("jane", { issuer: root, usages: [oids.clientAuth] })], accepted: true },
  "an intermediate with a critical extension nobody knows": { chain: [client(oddCa), oddCa], accepted: false },
  "an intermediate that is not yet valid": { chain: [client(future), future], accepted: false },
  "an authority for another organization": { chain: [client(devsOnly), devsOnly], accepted: false },
  "an authority that may certify all but masters, of nobody": {
    chain: [client(noMasters), noMasters],
    accepted: true,
  },
  "an intermediate that was not sent": { chain: [client(between)], accepted: false },
  "another authority": { chain: [client(stranger)], accepted: false },
  "another authority that sends its own root": { chain: [client(stranger), stranger], accepted: false },
  "an authority of the same name": { chain: [client(namesake)], accepted: false },
  "an authority of the same name that is sent along": { chain: [client(namesake), namesake], accepted: false },
  "an authority of the same name, with the real one": { chain: [client(namesake), root], accepted: false },
  expired: { chain: [client(root, { from: -2, to: -1 })], accepted: false },
  "not yet valid": { chain: [client(root, { from: 1, to: 2 })], accepted: false },
  "an expired intermediate": { chain: [client(expired), expired], accepted: false },
  "for servers": { chain: [client(root, { usages: [oids.serverAuth] })], accepted: false },
  "for signing code": { chain: [client(root, { usages: [oids.codeSigning] })], accepted: false },
  "for any usage": { chain: [client(root, { usages: [oids.anyUsage] })], accepted: false },
  "signed by a client": { chain: [client(bob), bob], accepted: false },
  "a critical extension nobody knows": { chain: [client(root, { unknownCritical: true })], accepted: false },
  "a CA below one whose path length is 0": { chain: [client(below), below, short], accepted: false },
  "a client of one whose path length is 0": { chain: [client(short), short], accepted: true },
  "an intermediate for servers only": { chain: [client(serversOnly), serversOnly], accepted: false },
  "an intermediate that may not sign certificates": { chain: [client(noCertSign), noCertSign], accepted: false },
};

const present = (chain: readonly Signed[], trusted = root.certificate) => {
  const [leaf] = chain;
  assert.ok(leaf);
  return handshake(trusted, chain.map(({ certificate }) => certificate).join(""), keyPem(leaf.key));
};

for (const [name, { chain, accepted }] of Object.entries(cases)) {
  test(`certificate: ${name} is ${accepted ? "accepted" : "refused"}`, async () => {
    const verifier = new CertificateVerifier({ bundle: () => root.certificate });
    const connection = await present(chain);
    // Twice, as the second answer comes from memory.
    for (const _ of [1, 2]) {
      if (accepted) assert.equal(verifier.verify(connection).commonName, "jane");
      else assert.throws(() => verifier.verify(connection), /verifying certificate/);
    }
  });
}

for (const [what, issuer, organization, accepted] of [
  ["an organization it may certify", devsOnly, "devs", true],
  ["an organization it may not certify", devsOnly, "ops", false],
  ["masters, whom it may not certify", noMasters, "system:masters", false],
  ["others than masters", noMasters, "devs", true],
] as const) {
  test(`certificate: of an authority with name constraints for ${what} is ${accepted ? "accepted" : "refused"}`, async () => {
    const verifier = new CertificateVerifier({ bundle: () => root.certificate });
    const connection = await present([client(issuer, namedIn(organization)), issuer]);
    if (accepted) assert.deepEqual(verifier.verify(connection).organizations, [organization]);
    else assert.throws(() => verifier.verify(connection), /verifying certificate/);
  });
}

test("no certificate is refused", () => {
  const verifier = new CertificateVerifier({ bundle: () => root.certificate });
  const nothing = { remoteAddress: "", clientCertificates: [], certificateError: undefined };
  assert.throws(() => verifier.verify(nothing), /no certificate/);
  assert.throws(() => verifier.verify({ ...nothing, clientCertificates: [Buffer.from("x")] }), /verifying certificate/);
});

const o = (value: string) => [oids.organization, value] as const;
const cn = (value: string) => [oids.commonName, value] as const;
const subjects: Record<string, { name: OddRequest["name"]; commonName: string; organizations: readonly string[] }> = {
  "any character": {
    name: nameOf('jäne, "x"\n=<y>', "devs", "ops,eu", "devs/a=b"),
    commonName: 'jäne, "x"\n=<y>',
    organizations: ["devs", "ops,eu", "devs/a=b"],
  },
  "two common names": { name: [cn("a"), cn("b")], commonName: "b", organizations: [] },
  "an organization in the name": {
    name: nameOf("bob/O=system:masters"),
    commonName: "bob/O=system:masters",
    organizations: [],
  },
  "an organization on the next line": {
    name: nameOf("bob\nO=system:masters"),
    commonName: "bob\nO=system:masters",
    organizations: [],
  },
  "an organization beside the name": {
    name: nameOf("bob+O=system:masters"),
    commonName: "bob+O=system:masters",
    organizations: [],
  },
  "a name that ends early": { name: nameOf("bob\0x"), commonName: "bob\0x", organizations: [] },
  "lines in an organization": {
    name: nameOf("bob", "a\nsystem:masters"),
    commonName: "bob",
    organizations: ["a\nsystem:masters"],
  },
  "a comma in an organization": {
    name: nameOf("bob", "a, O=system:masters"),
    commonName: "bob",
    organizations: ["a, O=system:masters"],
  },
  "a unit": { name: [[oids.organizationalUnit, "system:masters"], cn("bob")], commonName: "bob", organizations: [] },
  "no name": { name: [o("system:masters")], commonName: "", organizations: ["system:masters"] },
};
for (const [what, { name, commonName, organizations }] of Object.entries(subjects)) {
  test(`certificate: the subject with ${what} is read as it is`, async () => {
    const verifier = new CertificateVerifier({ bundle: () => root.certificate });
    const subject = verifier.verify(await present([client(root, { name })]));
    assert.deepEqual({ ...subject }, { commonName, organizations, uid: undefined });
  });
}

test("a remembered certificate ends with its own time, whatever the handshake said", async () => {
  let now = Date.now();
  const verifier = new CertificateVerifier({ bundle: () => root.certificate, now: () => now });
  const connection = await present([client(root)]);
  assert.equal(verifier.verify(connection).commonName, "jane");
  now += 25 * hourMs;
  assert.throws(() => verifier.verify(connection), /has expired/);
});

test("a clock that is set ten years ahead, or back, refuses for as long as it is wrong and no longer", async () => {
  let [now, elapsedMs] = [Date.now(), 0];
  const verifier = new CertificateVerifier({
    bundle: () => root.certificate,
    now: () => now,
    elapsedMs: () => elapsedMs,
  });
  const connection = await present([client(root)]);
  const unknown = await present([client(stranger)], root.certificate + stranger.certificate);
  const right = now;
  for (const [years, says] of [
    [10, /has expired/],
    [-10, /is not valid yet/],
  ] as const) {
    now = right + years * 365 * 24 * hourMs;
    assert.throws(() => verifier.verify(connection), says);
    assert.throws(() => verifier.verify(unknown), /unknown authority/);
    now = right;
    assert.equal(verifier.verify(connection).commonName, "jane");
    elapsedMs += 11_000;
  }
});

test("a changed bundle counts at once for connections that exist", async () => {
  const both = root.certificate + stranger.certificate;
  let bundle = root.certificate;
  const verifier = new CertificateVerifier({ bundle: () => bundle });
  const [old, young] = [await present([client(root)], both), await present([client(stranger)], both)];
  assert.equal(verifier.verify(old).commonName, "jane");
  assert.throws(() => verifier.verify(young), /unknown authority/);
  bundle = both;
  assert.equal(verifier.verify(young).commonName, "jane");
  bundle = stranger.certificate;
  assert.throws(() => verifier.verify(old), /unknown authority/);
});

const under = authority("under the root", { issuer: root });
const beside = authority("beside it", { issuer: root });
/** Two sorts of clients, by their bundles; OpenSSL trusts all CAs there are. */
const sorts: readonly {
  readonly what: string;
  readonly chain: readonly Signed[];
  readonly bundle: readonly Signed[];
  readonly others: readonly Signed[];
  readonly accepted: boolean;
}[] = [
  { what: "of this CA", chain: [client(root)], bundle: [root], others: [stranger], accepted: true },
  { what: "of the other CA", chain: [client(stranger)], bundle: [root], others: [stranger], accepted: false },
  { what: "of a CA of both", chain: [client(root)], bundle: [root], others: [root], accepted: true },
  { what: "of a CA below the other's", chain: [client(under), under], bundle: [under], others: [root], accepted: true },
  { what: "of the other's, above this one", chain: [client(root)], bundle: [under], others: [root], accepted: false },
  { what: "of this CA, above the other's", chain: [client(root)], bundle: [root], others: [under], accepted: true },
  {
    what: "of the other's, below this one",
    chain: [client(under), under],
    bundle: [root],
    others: [under],
    accepted: false,
  },
  {
    what: "of this CA, beside the other's",
    chain: [client(under), under],
    bundle: [under, root],
    others: [beside, root],
    accepted: true,
  },
  {
    what: "of the other's, beside this one",
    chain: [client(beside), beside],
    bundle: [under, root],
    others: [beside, root],
    accepted: false,
  },
];
for (const { what, chain, bundle, others, accepted } of sorts) {
  test(`a certificate ${what} is ${accepted ? "accepted" : "refused"}`, async () => {
    const pem = (list: readonly Signed[]) => list.map(({ certificate }) => certificate).join("");
    const verifier = new CertificateVerifier({ bundle: () => pem(bundle), others: () => pem(others) });
    const connection = await present(chain, pem([...bundle, ...others, root]));
    if (accepted) assert.equal(verifier.verify(connection).commonName, "jane");
    else assert.throws(() => verifier.verify(connection), /another sort of clients/);
  });
}

test("a bundle must reach a root: with an intermediate alone OpenSSL trusts nobody", async () => {
  const verifier = new CertificateVerifier({ bundle: () => between.certificate });
  const connection = await present([client(between)], between.certificate);
  assert.throws(() => verifier.verify(connection), /UNABLE_TO_GET_ISSUER_CERT/);
  const whole = between.certificate + root.certificate;
  const reaching = new CertificateVerifier({ bundle: () => whole });
  assert.equal(reaching.verify(await present([client(between)], whole)).commonName, "jane");
});
