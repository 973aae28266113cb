import type { Authenticator, Credentials } from "./authenticator.ts";
import { CertificateVerifier } from "./certificate-verifier.ts";
import { extraKey, isIdentityText } from "./identity-text.ts";
import type { UserInfo } from "./user.ts";
import { newUser } from "./user-json.ts";

/** Whom to believe, and under which names identity headers come (API A-06). Header names in lower case. */
export type FrontProxyConfig = {
  /** PEM; `""`: there is no front proxy, and identity headers mean nothing. */
  readonly caBundle: string;
  /** Common names the proxy's certificate may have; empty: any that the CA signed. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
};

export const noFrontProxy: FrontProxyConfig = {
  caBundle: "",
  allowedNames: [],
  usernameHeaders: [],
  uidHeaders: [],
  groupHeaders: [],
  extraHeaderPrefixes: [],
};

/** What kube-apiserver's flags set in every usual cluster (API A-03). */
export const standardProxyHeaders = {
  usernameHeaders: ["x-remote-user"],
  uidHeaders: ["x-remote-uid"],
  groupHeaders: ["x-remote-group"],
  extraHeaderPrefixes: ["x-remote-extra-"],
} as const;

type Headers = Credentials["headers"];

/**
 * Users as a trusted proxy names them in headers (API A-02…A-04).
 *
 * Invariant: no header is read before the connection's own certificate was verified against the front proxy's CA.
 *
 * @param options.config read on every request: it may change at run time
 */
export function frontProxyAuthenticator(options: {
  config: () => FrontProxyConfig;
  /** PEM of the CAs of other clients: what leads to them as well is no proxy. */
  others?: () => string;
  now?: () => number;
}): Authenticator {
  const verifier = new CertificateVerifier({
    bundle: () => options.config().caBundle,
    ...(options.others === undefined ? {} : { others: options.others }),
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  return {
    authenticate: async ({ headers, connection }) => {
      const config = options.config();
      if (config.caBundle === "" || connection.clientCertificates.length === 0) return undefined;
      const { commonName } = verifier.verify(connection);
      if (config.allowedNames.length > 0 && !config.allowedNames.includes(commonName))
        throw new Error(`the proxy's name ${JSON.stringify(commonName)} is not allowed`);
      return userOf(headers, config);
    },
  };
}

function userOf(headers: Headers, config: FrontProxyConfig): UserInfo | undefined {
  const name = firstValue(headers, config.usernameHeaders);
  if (name === undefined) return undefined;
  const uid = firstValue(headers, config.uidHeaders);
  const extra = extraOf(headers, config.extraHeaderPrefixes);
  const groups = config.groupHeaders.flatMap((header) => headers.get(header) ?? []).filter((group) => group !== "");
  if (![name, uid ?? "", ...groups, ...[...extra].flat(2)].every(isIdentityText))
    throw new Error("the proxy names a user in bytes that are no UTF-8");
  return newUser({
    name,
    groups,
    uid,
    extra: extra.size === 0 ? undefined : Object.fromEntries(extra),
  });
}

/** Only the first value of each header counts, as in Go's `Header.Get`. */
function firstValue(headers: Headers, names: readonly string[]): string | undefined {
  return names.map((name) => headers.get(name)?.[0] ?? "").find((value) => value !== "");
}

function extraOf(headers: Headers, prefixes: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const extra = new Map<string, readonly string[]>();
  for (const prefix of prefixes)
    for (const [header, values] of headers) {
      if (!header.startsWith(prefix)) continue;
      const key = extraKey(header.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...values]);
    }
  return extra;
}

/** Whether a header says who somebody is, so that nothing behind authentication may see it (API A-05). */
export function isProxyHeader(name: string, config: FrontProxyConfig): boolean {
  return [standardProxyHeaders, config].some(
    (set) =>
      set.usernameHeaders.some((header) => header === name) ||
      set.uidHeaders.some((header) => header === name) ||
      set.groupHeaders.some((header) => header === name) ||
      set.extraHeaderPrefixes.some((prefix) => name.startsWith(prefix)),
  );
}
