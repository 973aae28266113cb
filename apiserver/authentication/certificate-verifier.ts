import { hash, X509Certificate } from "node:crypto";
import { ExpiringCache } from "../client/expiring-cache.ts";
import { systemClock } from "../machinery/clock.ts";
import type { ConnectionInfo } from "./authenticator.ts";

/** What a verified certificate says of its holder (API A-09). */
export type CertificateSubject = {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly uid: string | undefined;
};

export type CertificateVerifierOptions = {
  /** The PEM bundle whose clients these are now; read on every call, so that a rotated CA counts at once (API A-07). */
  readonly bundle: () => string;
  /** PEM of other CAs that the listener trusts, for clients of another sort; default none. */
  readonly others?: () => string;
  /** Milliseconds since the epoch, which certificates are valid by. */
  readonly now?: () => number;
  /** Milliseconds that nobody can set back, by which refusals are remembered. */
  readonly elapsedMs?: () => number;
};

/** Extended key usages that let a certificate identify a client: clientAuth, and any. */
const clientUsages: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]);
const uidOid = "1.3.6.1.4.1.57683.2";
/** Distinct client certificates remembered; each entry is a few hundred bytes. */
const cacheCapacity = 4096;
/** How long a refusal is remembered, in ms: short, as a clock or a chain may be put right. */
const refusalTtlMs = 10_000;

/** Valid from the first of the times on, and before the second, in ms since the epoch. */
type Acceptance = { readonly subject: CertificateSubject; readonly startMs: number; readonly endMs: number };
type Verdict = Acceptance | { readonly refusal: string };

/**
 * Judges what a chain is good for that OpenSSL has verified in the handshake: signatures, validity, CA flags, path lengths,
 * usages and critical extensions are OpenSSL's to judge, and there is no second opinion. OpenSSL had the CAs of all sorts of
 * clients, so what is left is which of them the chain leads to, and whether that still holds now.
 * Verdicts are remembered per chain until the CAs change.
 */
export class CertificateVerifier {
  readonly #bundle: () => string;
  readonly #others: () => string;
  readonly #now: () => number;
  readonly #elapsedMs: () => number;
  readonly #verdicts: ExpiringCache<Verdict>;
  #roots: readonly X509Certificate[] = [];
  #strangers: readonly X509Certificate[] = [];
  #texts: readonly string[] = ["", ""];

  constructor(options: CertificateVerifierOptions) {
    this.#bundle = options.bundle;
    this.#others = options.others ?? (() => "");
    this.#now = options.now ?? systemClock.now;
    this.#elapsedMs = options.elapsedMs ?? systemClock.elapsedMs;
    this.#verdicts = new ExpiringCache({ capacity: cacheCapacity, now: this.#elapsedMs });
  }

  /** @throws Error saying what is wrong with the connection's chain */
  verify({ clientCertificates: chain, certificateError }: ConnectionInfo): CertificateSubject {
    if (certificateError !== undefined) throw new Error(`verifying certificate: ${certificateError}`);
    this.#reload();
    const key = keyOf(chain);
    let verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      verdict = this.#examine(chain);
      const isRefused = "refusal" in verdict;
      this.#verdicts.set(key, verdict, isRefused ? this.#elapsedMs() + refusalTtlMs : Number.POSITIVE_INFINITY);
    }
    if ("refusal" in verdict) throw new Error(verdict.refusal);
    // Asked each time: a clock may be set while a connection lasts.
    const now = this.#now();
    if (now >= verdict.endMs) throw new Error("verifying certificate: certificate has expired");
    if (now < verdict.startMs) throw new Error("verifying certificate: certificate is not valid yet");
    return verdict.subject;
  }

  #reload(): void {
    const texts = [this.#bundle(), this.#others()] as const;
    if (texts.every((text, index) => text === this.#texts[index])) return;
    this.#roots = parseBundle(texts[0]);
    this.#strangers = parseBundle(texts[1]).filter(
      (other) => !this.#roots.some((root) => isSameAuthority(root, other)),
    );
    this.#texts = texts;
    this.#verdicts.clear();
  }

  #examine(ders: readonly Uint8Array[]): Verdict {
    try {
      const chain = ders.map((der) => new X509Certificate(der));
      const [leaf] = chain;
      if (leaf === undefined) throw new Error("no certificate");
      if (leaf.keyUsage !== undefined && !leaf.keyUsage.some((usage) => clientUsages.has(usage)))
        throw new Error("the certificate is not meant for client authentication");
      this.#requireAnchor(chain);
      return {
        subject: subjectOf(leaf),
        startMs: Math.max(...chain.map((link) => link.validFromDate.getTime())),
        endMs: Math.min(...chain.map((link) => link.validToDate.getTime())),
      };
    } catch (error) {
      return { refusal: `verifying certificate: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  /** The first CA of any sort on the way up decides: one may be below another in the same hierarchy. */
  #requireAnchor(chain: readonly X509Certificate[]): void {
    for (const link of chain) {
      for (const leadsTo of [isSame, isSignedBy]) {
        if (this.#roots.some((root) => leadsTo(link, root))) return;
        if (this.#strangers.some((root) => leadsTo(link, root)))
          throw new Error("the certificate is of another sort of clients");
      }
    }
    throw new Error("certificate signed by unknown authority");
  }
}

/** Of the chains of connections that are open: each is shown with every request. */
const keys = new WeakMap<readonly Uint8Array[], string>();

function keyOf(chain: readonly Uint8Array[]): string {
  const known = keys.get(chain);
  if (known !== undefined) return known;
  const key = chain.map((der) => hash("sha256", der, "base64")).join();
  keys.set(chain, key);
  return key;
}

const isSame = (a: X509Certificate, b: X509Certificate): boolean => a.raw.equals(b.raw);
const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
/** A CA whose certificate was made anew is the same one: whoever has its key is. */
const isSameAuthority = (a: X509Certificate, b: X509Certificate): boolean =>
  a.subject === b.subject && a.publicKey.equals(b.publicKey);

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
