/** One Pulsar cluster as a pod reaches it: which variables and which mounted secrets. */
import type {
  CryptoConfig,
  GenericAuth,
  InputConf,
  OAuth2Config,
  OutputConf,
  PulsarMessaging,
  PulsarTlsConfig,
  WorkloadSpec,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import { sortedEntries } from "./workload.ts";

export type PulsarAccess = {
  readonly messaging: PulsarMessaging;
  /** Starts the names of all variables taken from the ConfigMap and the Secrets. */
  readonly prefix: "" | "PACKAGE_";
  readonly oauth2Mount: string;
  readonly tlsMount: string;
};

/** A key of a Secret that a container sees as a file. */
export type SecretFile = { readonly secret: string; readonly key: string; readonly mountPath: string };

/** How a client authenticates; the first that is set wins (FM 1.5). */
export type Auth =
  | { readonly by: "oauth2"; readonly config: OAuth2Config; readonly keyFile: string }
  | { readonly by: "generic"; readonly config: GenericAuth }
  /** Through variables from a Secret. */
  | { readonly by: "secret" }
  | { readonly by: "none" };

export type Tls =
  | { readonly by: "config"; readonly config: PulsarTlsConfig; readonly trustedCertificates?: string }
  | { readonly by: "secret" }
  | { readonly by: "none" };

export const oauth2Plugin = "org.apache.pulsar.client.impl.auth.oauth2.AuthenticationOAuth2";

/** The cluster the instance works with. */
export const runtimeAccess = (spec: WorkloadSpec): PulsarAccess => ({
  messaging: spec.pulsar ?? {},
  prefix: "",
  oauth2Mount: "/etc/oauth2",
  tlsMount: "/etc/tls/pulsar-functions",
});

/** The same cluster, as the clean-up Job may access it. */
export function cleanupAccess(spec: WorkloadSpec): PulsarAccess {
  const access = runtimeAccess(spec);
  const authConfig = spec.pulsar?.cleanupAuthConfig ?? spec.pulsar?.authConfig;
  return authConfig === undefined ? access : { ...access, messaging: { ...access.messaging, authConfig } };
}

/** The cluster packages are stored in, if it is another one. */
export const packageAccess = ({ pulsarPackageService }: WorkloadSpec): PulsarAccess | undefined =>
  pulsarPackageService && {
    messaging: pulsarPackageService,
    prefix: "PACKAGE_",
    oauth2Mount: "/etc/oauth2-package-service",
    tlsMount: "/etc/tls/pulsar-functions-package-service",
  };

export const downloadAccess = (spec: WorkloadSpec): PulsarAccess => packageAccess(spec) ?? runtimeAccess(spec);

/** The Secret file of a TLS configuration. It is mounted whether or not TLS is enabled (FM 1.5). */
export function tlsFile({ messaging, tlsMount }: PulsarAccess): SecretFile | undefined {
  const { certSecretName, certSecretKey } = messaging.tlsConfig ?? {};
  return certSecretName && certSecretKey
    ? { secret: certSecretName, key: certSecretKey, mountPath: tlsMount }
    : undefined;
}

export function oauth2File({ messaging, oauth2Mount }: PulsarAccess): SecretFile | undefined {
  const config = messaging.authConfig?.oauth2Config;
  return config && { secret: config.keySecretName ?? "", key: config.keySecretKey ?? "", mountPath: oauth2Mount };
}

/** In the order their volumes are listed. */
export const secretFiles = (access: PulsarAccess): SecretFile[] =>
  [tlsFile(access), oauth2File(access)].filter((file) => file !== undefined);

const pathOf = ({ mountPath, key }: SecretFile): string => `${mountPath}/${key}`;

export function authOf(access: PulsarAccess): Auth {
  const { authConfig, authSecret } = access.messaging;
  const keyFile = oauth2File(access);
  if (authConfig?.oauth2Config && keyFile) {
    return { by: "oauth2", config: authConfig.oauth2Config, keyFile: pathOf(keyFile) };
  }
  if (authConfig?.genericAuth) return { by: "generic", config: authConfig.genericAuth };
  return authConfig === undefined && authSecret ? { by: "secret" } : { by: "none" };
}

export function tlsOf(access: PulsarAccess): Tls {
  const { tlsConfig, tlsSecret } = access.messaging;
  if (tlsConfig === undefined) return tlsSecret ? { by: "secret" } : { by: "none" };
  const file = tlsFile(access);
  return { by: "config", config: tlsConfig, ...(file && { trustedCertificates: pathOf(file) }) };
}

/** Parameters of Pulsar's OAuth2 plugin. Clients of different versions read different spellings of the same value. */
export function oauth2Parameters(
  { config, keyFile }: Extract<Auth, { by: "oauth2" }>,
  others: { readonly [parameter: string]: string } = {},
): string {
  const { issuerUrl = "", audience = "", scope = "" } = config;
  return JSON.stringify({
    credentials_url: `file://${keyFile}`,
    privateKey: keyFile,
    private_key: keyFile,
    issuerUrl,
    issuer_url: issuerUrl,
    audience,
    scope,
    ...others,
  });
}

/** Encryption of what a workload produces, then of what it consumes, by topic. */
export function cryptoConfigs(output: OutputConf | undefined, input: InputConf | undefined): CryptoConfig[] {
  const consumers = sortedEntries(input?.sourceSpecs).map(([, { cryptoConfig }]) => cryptoConfig);
  return [output?.producerConf?.cryptoConfig, ...consumers].filter((config) => config !== undefined);
}
