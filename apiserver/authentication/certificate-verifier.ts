import { hash, X509Certificate } from "node:crypto";
import { ExpiringCache } from "../client/expiring-cache.ts";

/** What a verified certificate says of its holder (API A-09). */
export type CertificateSubject = {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly uid: string | undefined;
};

export type CertificateVerifierOptions = {
  /** The PEM bundle to trust now; read on every call, so that a rotated CA counts at once (API A-07). */
  readonly bundle: () => string;
  readonly now?: () => number;
};

/** Extended key usages that let a certificate identify a client: clientAuth, and any. */
const clientUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);
const uidOid = "1.3.6.1.4.1.57683.2";
/** Distinct client certificates remembered; each entry is a few hundred bytes. */
const cacheCapacity = 4096;
/** How long a refusal is remembered, in ms: short, as a clock or a chain may be put right. */
const refusalTtlMs = 10_000;
/** Longest chain followed, the root included. Longer ones are not seen in practice and cost a signature check each. */
const maxChainLength = 8;

type Verdict = { readonly subject: CertificateSubject } | { readonly refusal: string };

/**
 * Verifies certificate chains against a CA bundle, for client authentication: signatures, validity of every link, CA flags
 * and key usage. Verdicts are remembered per presented chain until the bundle changes or a certificate of it ends.
 */
export class CertificateVerifier {
  readonly #bundle: () => string;
  readonly #now: () => number;
  readonly #verdicts: ExpiringCache<Verdict>;
  #roots: readonly X509Certificate[] = [];
  #rootsText = "";

  constructor(options: CertificateVerifierOptions) {
    this.#bundle = options.bundle;
    this.#now = options.now ?? Date.now;
    this.#verdicts = new ExpiringCache({ capacity: cacheCapacity, now: this.#now });
  }

  /**
   * @param chain DER, the client's own certificate first
   * @throws Error saying what is wrong with the chain
   */
  verify(chain: readonly Uint8Array[]): CertificateSubject {
    this.#reload();
    const key = chain.map((der) => hash("sha256", der, "base64")).join();
    let verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      const found = this.#examine(chain);
      verdict = found.verdict;
      this.#verdicts.set(key, verdict, found.endMs);
    }
    if ("refusal" in verdict) throw new Error(verdict.refusal);
    return verdict.subject;
  }

  #reload(): void {
    const text = this.#bundle();
    if (text === this.#rootsText) return;
    this.#roots = parseBundle(text);
    this.#rootsText = text;
    this.#verdicts.clear();
  }

  #examine(chain: readonly Uint8Array[]): { verdict: Verdict; endMs: number } {
    try {
      const [leaf, ...intermediates] = chain.map((der) => new X509Certificate(der));
      if (leaf === undefined) throw new Error("no certificate");
      if (leaf.keyUsage !== undefined && !leaf.keyUsage.some((usage) => clientUsages.has(usage)))
        throw new Error("the certificate is not meant for client authentication");
      const links = this.#pathToRoot(leaf, intermediates);
      const endMs = Math.min(...links.map((link) => link.validToDate.getTime()));
      return { verdict: { subject: subjectOf(leaf) }, endMs };
    } catch (error) {
      const refusal = `verifying certificate: ${error instanceof Error ? error.message : String(error)}`;
      return { verdict: { refusal }, endMs: this.#now() + refusalTtlMs };
    }
  }

  #pathToRoot(leaf: X509Certificate, intermediates: readonly X509Certificate[]): readonly X509Certificate[] {
    const path = [leaf];
    for (let current = leaf; ; ) {
      this.#requireValid(current);
      const root = this.#roots.find((candidate) => isSignedBy(current, candidate) || isSame(current, candidate));
      if (root !== undefined) {
        this.#requireValid(root);
        return [...path, root];
      }
      const issuer = intermediates.find((candidate) => !path.includes(candidate) && isSignedBy(current, candidate));
      if (issuer === undefined || path.length >= maxChainLength)
        throw new Error("certificate signed by unknown authority");
      path.push(issuer);
      current = issuer;
    }
  }

  #requireValid(certificate: X509Certificate): void {
    const now = this.#now();
    if (now < certificate.validFromDate.getTime()) throw new Error("certificate is not yet valid");
    if (now >= certificate.validToDate.getTime()) throw new Error("certificate has expired");
  }
}

const isSame = (a: X509Certificate, b: X509Certificate): boolean => a.raw.equals(b.raw);
const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** The certificates of a PEM bundle; other blocks are skipped, an undecodable certificate throws. */
export function parseBundle(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function subjectOf(certificate: X509Certificate): CertificateSubject {
  // The legacy form keeps repeated attributes apart and their values unescaped, which `subject` does not.
  const attributes: Readonly<Record<string, unknown>> = { ...certificate.toLegacyObject().subject };
  return {
    commonName: attributeValues(attributes, "CN").at(-1) ?? "",
    organizations: attributeValues(attributes, "O"),
    uid: attributeValues(attributes, uidOid).at(-1),
  };
}

function attributeValues(attributes: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = attributes[name];
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
}
