/**
 * The server's own identity, kept in a directory: a CA, certificates it signs, and the key of service account tokens.
 * Files are made when missing, used again when they are good, and renewed before they end. Keys are readable by
 * their owner only.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";
import {
  type CertificateRequest,
  type Issuer,
  issueCertificate,
  type KeyPair,
} from "../authentication/issue-certificate.ts";
import { mastersGroup } from "../authentication/user.ts";
import { stringifyYaml } from "../machinery/yaml-printer.ts";
import { makeDirectories } from "../storage/embedded/make-directories.ts";

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

/** Everything the standalone server needs to be a cluster of its own. */
export async function ensurePki(directory: string, options: PkiOptions = {}): Promise<Pki> {
  const names = [...(options.names ?? []), ...clusterNames];
  const identity = await ensureServingCertificate(directory, { ...options, names });
  const store = newStore(directory, options);
  const [admin, serviceAccountKey] = await Promise.all([
    store.ensureSigned("admin", { subject: adminSubject, usage: "client" }),
    store.ensureKey("service-account"),
  ]);
  return { ...identity, admin, serviceAccountKey };
}

/** A serving certificate for `options.names` and this machine's own names, and the CA to trust for it. */
export async function ensureServingCertificate(directory: string, options: PkiOptions = {}): Promise<ServingIdentity> {
  const given = (options.names ?? []).filter((name) => name !== "0.0.0.0" && name !== "::" && name !== "");
  const names = [...new Set([...given, ...localNames])];
  makeDirectories(path.resolve(directory));
  const store = newStore(directory, options);
  const serving = await store.ensureSigned("serving", { subject: servingSubject, usage: "server", names });
  return { serving, caBundle: (await store.ensureCa()).certificate };
}

/**
 * A certificate for any user, signed by the CA in `directory`, which must exist. Not kept: whoever asks keeps it.
 *
 * @throws Error when there is no CA yet
 */
export async function mintClientCertificate(
  directory: string,
  request: { user: string; groups?: readonly string[]; lifetimeDays?: number; now?: () => Date },
): Promise<KeyPair & { readonly caBundle: string }> {
  const { user, groups = [], lifetimeDays = 365, now = () => new Date() } = request;
  const ca = await readPair(directory, "ca");
  if (ca === undefined) throw new Error(`no CA in ${directory}: start the server once, it makes one`);
  const pair = issueCertificate(
    { subject: { commonName: user, organizations: groups }, usage: "client", ...validity(now(), lifetimeDays * dayMs) },
    issuerOf(ca),
  );
  return { ...pair, caBundle: ca.certificate };
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

/** Writes a kubeconfig that only its owner can read; an existing file is replaced at once. */
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
  makeDirectories(path.dirname(path.resolve(file)));
  await writeAtomically(
    file,
    stringifyYaml({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster: { server, "certificate-authority-data": base64(caBundle) } }],
      users: [{ name: user, user: secret }],
      contexts: [{ name, context: { cluster: name, user, namespace } }],
      "current-context": name,
    }),
    0o600,
  );
}

type SignedRequest = Omit<CertificateRequest, "notBefore" | "notAfter">;
type Store = {
  ensureCa(): Promise<KeyPair>;
  ensureSigned(name: string, request: SignedRequest): Promise<KeyPair>;
  ensureKey(name: string): Promise<string>;
};

function newStore(directory: string, { now = () => new Date() }: PkiOptions): Store {
  let ca: Promise<KeyPair> | undefined;
  const ensureCa = (): Promise<KeyPair> => {
    ca ??= ensurePair(directory, "ca", {
      isGood: (certificate) => certificate.ca && lastsLongEnough(certificate, now()),
      make: () => issueCertificate({ subject: caSubject, usage: "ca", ...validity(now(), caLifetimeMs) }),
    });
    return ca;
  };
  return {
    ensureCa,
    ensureSigned: async (name, request) => {
      const issuer = await ensureCa();
      const root = new X509Certificate(issuer.certificate);
      return ensurePair(directory, name, {
        isGood: (certificate) =>
          lastsLongEnough(certificate, now()) &&
          certificate.checkIssued(root) &&
          certificate.verify(root.publicKey) &&
          (request.names ?? []).every((each) => covers(certificate, each)),
        make: () => issueCertificate({ ...request, ...validity(now(), leafLifetimeMs) }, issuerOf(issuer)),
      });
    },
    ensureKey: async (name) => {
      const file = path.join(directory, `${name}.key`);
      const existing = await readIfPresent(file);
      if (existing !== undefined) return existing;
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      await writeAtomically(file, key, 0o600);
      return key;
    },
  };
}

function validity(now: Date, lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - backdateMs), notAfter: new Date(now.getTime() + lifetimeMs) };
}

const issuerOf = (ca: KeyPair): Issuer => ({ subject: caSubject, key: createPrivateKey(ca.key) });
const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
const lastsLongEnough = (certificate: X509Certificate, now: Date): boolean =>
  certificate.validFromDate <= now && certificate.validToDate.getTime() - now.getTime() > renewBeforeMs;

/** The pair on disk when it is whole and good, else a new one, written. */
async function ensurePair(
  directory: string,
  name: string,
  rules: { isGood: (certificate: X509Certificate) => boolean; make: () => KeyPair },
): Promise<KeyPair> {
  const existing = await readPair(directory, name);
  if (existing !== undefined && rules.isGood(new X509Certificate(existing.certificate))) return existing;
  const made = rules.make();
  await writeAtomically(path.join(directory, `${name}.key`), made.key, 0o600);
  await writeAtomically(path.join(directory, `${name}.crt`), made.certificate, 0o644);
  return made;
}

/** `undefined` when a part is missing, cannot be read as what it should be, or does not belong to the other. */
async function readPair(directory: string, name: string): Promise<KeyPair | undefined> {
  const [certificate, key] = await Promise.all([
    readIfPresent(path.join(directory, `${name}.crt`)),
    readIfPresent(path.join(directory, `${name}.key`)),
  ]);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Readers see the old content or the new one, also when the process is killed in between. */
async function writeAtomically(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode });
  await rename(temporary, file);
}
