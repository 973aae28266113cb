/** How a package gets into the container (FM 4.15). */
import {
  type Auth,
  authOf,
  oauth2Parameters,
  oauth2Plugin,
  type PulsarAccess,
  type Tls,
  tlsOf,
} from "../pulsar-access.ts";
import { type Step, step, variable, type Word } from "./shell.ts";
import { switchedFlag, tlsAllowInsecure, tlsTrustedCertificates, tlsVerifyHostname } from "./tls-secret.ts";

/** What the image of the container that downloads has to offer. */
export type Tools = { readonly pulsarctl: boolean; readonly wget: boolean };

/** Images of this family have both tools, whatever the workload says. */
const runnerImage = /pulsar-functions-(pulsarctl|sn|generic)-(java|python|go|nodejs|base)-runner/;

export function toolsOf(spec: { image?: string; imageHasPulsarctl?: boolean; imageHasGet?: boolean }): Tools {
  if (runnerImage.test(spec.image ?? "")) return { pulsarctl: true, wget: true };
  return { pulsarctl: spec.imageHasPulsarctl ?? false, wget: spec.imageHasGet ?? false };
}

const httpLocation = /^https?:\/\//i;
const packageLocation = /^(function|source|sink):\/\//i;
export const isHttp = (location: string): boolean => httpLocation.test(location);
export const isPackage = (location: string): boolean => packageLocation.test(location);

/** An administration tool, ready to be given its command: what has to run first, and how its line starts. */
export type AdminTool = { readonly name: "pulsarctl" | "pulsar-admin"; readonly setup: Step[]; readonly words: Word[] };

export const adminTool = (access: PulsarAccess, tools: Tools): AdminTool =>
  tools.pulsarctl ? pulsarctl(access) : pulsarAdmin(access);

export function downloadSteps(access: PulsarAccess, tools: Tools, location: string, file: string): Step[] {
  if (isHttp(location) && tools.wget) return [step("wget", location, "-O", file)];
  const { setup, words } = adminTool(access, tools);
  const command = isPackage(location)
    ? ["packages", "download", location, "--path", file]
    : ["functions", "download", "--path", location, "--destination-file", file];
  return [...setup, step(...words, ...command)];
}

function pulsarAdmin(access: PulsarAccess): AdminTool {
  const url = variable(`${access.prefix}webServiceURL`);
  const tls = adminTls(access);
  const words = ["/pulsar/bin/pulsar-admin", "--admin-url", url, ...adminAuth(access), ...tls.words];
  return { name: "pulsar-admin", setup: tls.setup, words };
}

const authPair = (plugin: Word, parameters: Word): Word[] => ["--auth-plugin", plugin, "--auth-params", parameters];

function genericPair(auth: Extract<Auth, { by: "generic" | "secret" }>, prefix: string): [Word, Word] {
  return auth.by === "generic"
    ? [auth.config.clientAuthenticationPlugin ?? "", auth.config.clientAuthenticationParameters ?? ""]
    : [variable(`${prefix}clientAuthenticationPlugin`), variable(`${prefix}clientAuthenticationParameters`)];
}

function adminAuth(access: PulsarAccess): Word[] {
  const auth = authOf(access);
  if (auth.by === "none") return [];
  if (auth.by === "oauth2") return authPair(oauth2Plugin, oauth2Parameters(auth));
  return authPair(...genericPair(auth, access.prefix));
}

const insecureFlag = "--tls-allow-insecure";
const verifyFlag = "--tls-enable-hostname-verification";

function adminTls(access: PulsarAccess): Omit<AdminTool, "name"> {
  const { prefix } = access;
  const tls = tlsOf(access);
  if (tls.by === "secret") {
    const insecure = switchedFlag("TLS_INSECURE", tlsAllowInsecure(prefix), insecureFlag);
    const verify = switchedFlag("TLS_VERIFY", tlsVerifyHostname(prefix), verifyFlag);
    const trust = ["--tls-trust-cert-path", tlsTrustedCertificates(prefix)];
    return { setup: [insecure.setup, verify.setup], words: [insecure.word, verify.word, ...trust] };
  }
  if (tls.by === "none" || tls.config.enabled !== true) return { setup: [], words: [] };
  const words = [
    ...(tls.config.allowInsecure === true ? [insecureFlag] : []),
    ...(tls.config.hostnameVerification === true ? [verifyFlag] : []),
    ...trustFlag(tls),
  ];
  return { setup: [], words };
}

const trustFlag = (tls: Extract<Tls, { by: "config" }>): Word[] =>
  tls.trustedCertificates === undefined ? [] : ["--tls-trust-cert-path", tls.trustedCertificates];

function pulsarctl(access: PulsarAccess): AdminTool {
  const path = step("export", ["PATH=", variable("PATH"), ":/pulsar/bin"]);
  const { setup, words } = pulsarctlAuth(access);
  return { name: "pulsarctl", setup: [path, ...setup], words: [...words, ...pulsarctlTls(access)] };
}

function pulsarctlAuth(access: PulsarAccess): Omit<AdminTool, "name"> {
  const auth = authOf(access);
  const url = variable(`${access.prefix}webServiceURL`);
  if (auth.by === "none") return { setup: [], words: ["pulsarctl", "--admin-service-url", url] };
  if (auth.by === "oauth2") {
    const { issuerUrl = "", audience = "", scope } = auth.config;
    const context: Word[] = [
      ...["pulsarctl", "context", "set", "downloader", "--admin-service-url", url],
      ...["--issuer-endpoint", issuerUrl, "--audience", audience, "--key-file", auth.keyFile],
      ...(scope ? ["--scope", scope] : []),
    ];
    return { setup: [step(...context), step("pulsarctl", "oauth2", "activate")], words: ["pulsarctl"] };
  }
  const [plugin, parameters] = genericPair(auth, access.prefix);
  // Activation is for parameters that turn out to be OAuth2's; for any other plugin it fails.
  const activate = { ...step("pulsarctl", "oauth2", "activate", "--auth-params", parameters), mayFail: true };
  return { setup: [activate], words: ["pulsarctl", ...authPair(plugin, parameters), "--admin-service-url", url] };
}

function pulsarctlTls(access: PulsarAccess): Word[] {
  const tls = tlsOf(access);
  if (tls.by === "none") return [];
  if (tls.by === "secret") {
    return [
      [`${insecureFlag}=`, tlsAllowInsecure(access.prefix)],
      [`${verifyFlag}=`, tlsVerifyHostname(access.prefix)],
      ...["--tls-trust-cert-path", tlsTrustedCertificates(access.prefix)],
    ];
  }
  const { enabled = false, allowInsecure = false, hostnameVerification = false } = tls.config;
  if (!enabled) return [];
  return [
    `--tls-allow-insecure=${allowInsecure}`,
    `--tls-enable-hostname-verification=${hostnameVerification}`,
    ...trustFlag(tls),
  ];
}
