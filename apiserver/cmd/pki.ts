/**
 * The server's own identity, kept in a directory: a CA, certificates it signs, and the key of service account tokens.
 * Files are made when missing, used again when they are good, and certificates are renewed before they end; what is damaged
 * is refused (see `pki-files.ts`). All of it is its owner's only.
 */
import { generateKeyPairSync, type KeyObject, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import path from "node:path";
import {
  type CertificateRequest,
  type Issuer,
  issueCertificate,
  type KeyPair,
} from "../authentication/issue-certificate.ts";
import { mastersGroup } from "../authentication/user.ts";
import { StartError } from "../errors/start-error.ts";
import { stringifyYaml } from "../machinery/yaml-printer.ts";
import { problemOf } from "../storage/embedded/file-problems.ts";
import { makeDirectories } from "../storage/embedded/make-directories.ts";
import { directoryProblem, writePrivately } from "../storage/embedded/private-files.ts";
import { type PairName, PkiFiles } from "./pki-files.ts";

export type { KeyPair } from "../authentication/issue-certificate.ts";

const dayMs = 24 * 60 * 60 * 1000;
/** Ten years: everybody who connects has a copy of it. */
const caLifetimeMs = 3650 * dayMs;
/** One year, as kubeadm's. */
const leafLifetimeMs = 365 * dayMs;
/** Renewed at the first start within this time before the end. */
const renewBeforeMs = 60 * dayMs;
/** Certificates begin a little in the past, for clients whose clock is behind. */
const backdateMs = 60 * 60 * 1000;

const caSubject = { commonName: "functionmesh-ca" };
const servingSubject = { commonName: "functionmesh-apiserver" };
const adminSubject = { commonName: "functionmesh-admin", organizations: [mastersGroup] };
/** Where a server on this machine is reached, whatever else it is called. */
const localNames = ["localhost", "127.0.0.1", "::1"];
const clusterNames = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

export type PkiOptions = {
  /** More names and addresses the server is reached at. Unspecified addresses (`0.0.0.0`, `::`) are skipped. */
  readonly names?: readonly string[];
  readonly now?: () => Date;
  /** Told in a sentence of what was made anew, or will have to be. */
  readonly onNotice?: (sentence: string) => void;
};

export type ServingIdentity = {
  readonly serving: KeyPair;
  /** PEM of the CA that signed it, for kubeconfigs and an APIService's `caBundle`. */
  readonly caBundle: string;
};

export type Pki = ServingIdentity & {
  readonly admin: KeyPair;
  /** PEM of the private key that signs service account tokens. */
  readonly serviceAccountKey: string;
};

/** Everything the standalone server needs to be a cluster of its own. @throws StartError for files that are refused */
export async function ensurePki(directory: string, options: PkiOptions = {}): Promise<Pki> {
  const pki = new PkiStore(directory, options);
  const identity = servingIdentity(pki, [...(options.names ?? []), ...clusterNames]);
  // The key first: whoever finds an administrator finds the key that was made with it.
  const serviceAccountKey = pki.ensureServiceAccountKey();
  const admin = pki.ensureSigned("admin", { subject: adminSubject, usage: "client" });
  return { ...identity, admin, serviceAccountKey };
}

/**
 * A serving certificate for `options.names` and this machine's own names, and the CA to trust for it.
 * @throws StartError for files that are refused
 */
export async function ensureServingCertificate(directory: string, options: PkiOptions = {}): Promise<ServingIdentity> {
  return servingIdentity(new PkiStore(directory, options), options.names ?? []);
}

function servingIdentity(pki: PkiStore, given: readonly string[]): ServingIdentity {
  const reachable = given.filter((name) => name !== "0.0.0.0" && name !== "::" && name !== "");
  const names = [...new Set([...reachable, ...localNames])];
  const serving = pki.ensureSigned("serving", { subject: servingSubject, usage: "server", names });
  return { serving, caBundle: pki.ensureCa().pair.certificate };
}

/**
 * A certificate for any user, signed by the CA in `directory`, which must exist. Not kept: whoever asks keeps it.
 *
 * @throws StartError when there is no CA, or none that is good
 */
export async function mintClientCertificate(
  directory: string,
  request: { user: string; groups?: readonly string[]; lifetimeDays?: number; now?: () => Date },
): Promise<KeyPair & { readonly caBundle: string; readonly expires: Date }> {
  const { user, groups = [], lifetimeDays = 365, now = () => new Date() } = request;
  const ca = new PkiStore(directory, { now }).existingCa();
  if (ca === undefined)
    throw new StartError(
      `no CA in ${directory}: a standalone server makes one when it is started. Give the --data-dir that yours was started with`,
    );
  const lifetime = validity(now(), lifetimeDays * dayMs);
  const subject = { commonName: user, organizations: groups };
  const pair = issueCertificate({ subject, usage: "client", ...lifetime }, issuerOf(ca));
  return { ...pair, caBundle: ca.pair.certificate, expires: lifetime.notAfter };
}

export type KubeconfigContent = {
  /** URL of the server. */
  readonly server: string;
  readonly caBundle: string;
  readonly user: string;
  readonly credentials: KeyPair | { readonly token: string };
  /** Name of the cluster and the context. */
  readonly name?: string;
  readonly namespace?: string;
};

/**
 * Writes a kubeconfig that only its owner can read; an existing file is replaced at once.
 * @throws StartError where it cannot be written, or others could put another in its place
 */
export async function writeKubeconfig(file: string, content: KubeconfigContent): Promise<void> {
  const { server, caBundle, user, credentials, name = "functionmesh", namespace = "default" } = content;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const secret =
    "token" in credentials
      ? { token: credentials.token }
      : {
          "client-certificate-data": base64(credentials.certificate),
          "client-key-data": base64(credentials.key),
        };
  const text = stringifyYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(caBundle) } }],
    users: [{ name: user, user: secret }],
    contexts: [{ name, context: { cluster: name, user, namespace } }],
    "current-context": name,
  });
  const directory = path.dirname(path.resolve(file));
  try {
    makeDirectories(directory);
    const problem = directoryProblem(directory, { shared: true });
    if (problem !== undefined) throw new Error(problem);
    writePrivately(file, text);
  } catch (error) {
    throw new StartError(`kubeconfig ${file} is not written: ${problemOf(error, file)}`, { cause: error });
  }
}

type SignedRequest = Omit<CertificateRequest, "notBefore" | "notAfter">;
/** A CA that may sign. */
type Authority = { readonly pair: KeyPair; readonly certificate: X509Certificate; readonly key: KeyObject };

const serviceAccountKeyFile = "service-account.key";

class PkiStore {
  readonly #files: PkiFiles;
  readonly #now: () => Date;
  readonly #onNotice: (sentence: string) => void;
  #ca: Authority | undefined;

  constructor(directory: string, { now = () => new Date(), onNotice = () => undefined }: PkiOptions) {
    this.#files = new PkiFiles(directory);
    this.#now = now;
    this.#onNotice = onNotice;
  }

  /** @throws StartError when it is there and cannot be used */
  existingCa(): Authority | undefined {
    const remedy = `Nothing was changed, for everybody who connects trusts this CA: put the right file back, or move ${this.#files.directory} away to begin with a new CA, which ends all kubeconfigs and tokens of this server`;
    const found = this.#files.readPair("ca", remedy);
    if (found.state !== "pair") {
      const what = found.state === "key" ? "ca.crt is missing" : "ca.crt and ca.key are missing";
      const [other] = this.#files.names().filter((name) => !name.startsWith("ca."));
      // With nothing that it signed a key is what is left of a first start that was interrupted.
      if (other === undefined) return undefined;
      throw this.#files.refused(`${what}, and ${other} is there`, remedy);
    }
    this.#checkCa(found.certificate, remedy);
    return found;
  }

  ensureCa(): Authority {
    this.#ca ??= this.#findOrMakeCa();
    return this.#ca;
  }

  #findOrMakeCa(): Authority {
    this.#files.prepare();
    const existing = this.existingCa();
    if (existing !== undefined) return existing;
    const made = issueCertificate({ subject: caSubject, usage: "ca", ...validity(this.#now(), caLifetimeMs) });
    this.#files.writePair("ca", made);
    const written = this.existingCa();
    if (written === undefined) throw new Error("the CA that was written is not there");
    return written;
  }

  /** Signed anew for the same key when it ends soon, lacks a name, or is not from this CA or this time. */
  ensureSigned(name: PairName, request: SignedRequest): KeyPair {
    const ca = this.ensureCa();
    const remedy = `Put the right file back, or remove ${name}.crt and ${name}.key to have new ones made`;
    const found = this.#files.readPair(name, remedy);
    if (found.state === "pair") {
      const why = this.#reasonToRenew(found.certificate, ca, request);
      if (why === undefined) return found.pair;
      this.#onNotice(`${name}.crt is signed anew: ${why}`);
    }
    const key = found.state === "missing" ? undefined : found.key;
    const made = issueCertificate({ ...request, ...validity(this.#now(), leafLifetimeMs) }, issuerOf(ca), key);
    if (key === undefined) this.#files.write(`${name}.key`, made.key);
    this.#files.write(`${name}.crt`, made.certificate);
    return made;
  }

  ensureServiceAccountKey(): string {
    const remedy = `Put the right file back, or remove it to have a new one made, which ends all tokens of service accounts`;
    const existing = this.#files.readKey(serviceAccountKeyFile, remedy);
    if (existing !== undefined) return existing;
    if (this.#files.names().includes("admin.crt"))
      this.#onNotice(`${serviceAccountKeyFile} was missing and is made anew: tokens issued before are no longer good`);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    this.#files.write(serviceAccountKeyFile, key);
    return key;
  }

  #checkCa(certificate: X509Certificate, remedy: string): void {
    const now = this.#now();
    const { validFromDate: from, validToDate: to } = certificate;
    if (!certificate.ca) throw this.#files.refused("ca.crt is damaged: it is not the certificate of a CA", remedy);
    if (now < from) {
      const times = `ca.crt is valid only from ${from.toISOString()}, and the clock says ${now.toISOString()}`;
      throw this.#files.refused(`${times}. Set the clock; if it was wrong when the CA was made, begin anew`, remedy);
    }
    if (now >= to) {
      const times = `ca.crt ended on ${to.toISOString()}, and the clock says ${now.toISOString()}`;
      throw this.#files.refused(`${times}. Set the clock if it is wrong`, remedy);
    }
    if (to.getTime() - now.getTime() < renewBeforeMs)
      this.#onNotice(
        `ca.crt ends on ${to.toISOString()}: move ${this.#files.directory} away before that to have a new CA`,
      );
  }

  #reasonToRenew(certificate: X509Certificate, ca: Authority, { names = [] }: SignedRequest): string | undefined {
    const now = this.#now();
    if (certificate.validFromDate > now) return "it is not valid yet, so the clock is or was wrong";
    if (certificate.validToDate.getTime() - now.getTime() <= renewBeforeMs) return "it ends soon or has ended";
    if (!certificate.checkIssued(ca.certificate) || !certificate.verify(ca.certificate.publicKey))
      return "another CA signed it";
    const missing = names.find((name) => !covers(certificate, name));
    return missing === undefined ? undefined : `it lacks the name ${missing}`;
  }
}

function validity(now: Date, lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - backdateMs), notAfter: new Date(now.getTime() + lifetimeMs) };
}

const issuerOf = ({ key }: Authority): Issuer => ({ subject: caSubject, key });
const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
