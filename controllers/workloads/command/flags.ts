/** Flags that the Java, Python and generic runtimes share (FM 4.21). */
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import { stringifyJson } from "../../../apiserver/machinery/json.ts";
import { type Auth, authOf, oauth2Parameters, oauth2Plugin, runtimeAccess, type Tls, tlsOf } from "../pulsar-access.ts";
import type { Workload } from "../workload.ts";
import { expand, type Step, step, variable, type Word } from "./shell.ts";
import { tlsAllowInsecure, tlsTrustedCertificates, tlsVerifyHostname } from "./tls-secret.ts";

export const grpcPort = 9093;
export const metricsPort = 9094;

/** Ordinal of the pod, set by `shardStep`. */
export const shardId = variable("SHARD_ID");

/** A pod's name ends with its ordinal. */
export const shardStep: Step = step(["SHARD_ID=", expand(`\${POD_NAME##*-}`)]);

function authFlags(auth: Auth): Word[] {
  const flags = (plugin: Word, parameters: Word) => [
    "--client_auth_plugin",
    plugin,
    "--client_auth_params",
    parameters,
  ];
  switch (auth.by) {
    case "oauth2":
      return flags(oauth2Plugin, oauth2Parameters(auth));
    case "generic":
      return flags(auth.config.clientAuthenticationPlugin ?? "", auth.config.clientAuthenticationParameters ?? "");
    case "secret":
      return flags(variable("clientAuthenticationPlugin"), variable("clientAuthenticationParameters"));
    case "none":
      return [];
  }
}

function tlsFlags(tls: Tls): Word[] {
  if (tls.by === "none") return ["--use_tls", "false"];
  if (tls.by === "secret") {
    return [
      ...["--use_tls", "true"],
      ...["--tls_allow_insecure", tlsAllowInsecure("")],
      ...["--hostname_verification_enabled", tlsVerifyHostname("")],
      ...["--tls_trust_cert_path", tlsTrustedCertificates("")],
    ];
  }
  const { enabled = false, allowInsecure = false, hostnameVerification = false } = tls.config;
  if (!enabled) return ["--use_tls", "false"];
  return [
    ...["--use_tls", "true"],
    ...["--tls_allow_insecure", String(allowInsecure)],
    ...["--hostname_verification_enabled", String(hostnameVerification)],
    ...(tls.trustedCertificates === undefined ? [] : ["--tls_trust_cert_path", tls.trustedCertificates]),
  ];
}

/** A JVM reads its arguments in the encoding of its locale: where an image has none, all but ASCII would become `?`. */
const asciiJson = (value: JsonObject): string =>
  stringifyJson(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

export function sharedFlags(workload: Workload): Word[] {
  const access = runtimeAccess(workload.spec);
  return [
    ...["--instance_id", shardId],
    ...["--function_id", [shardId, `-${workload.uid}`]],
    ...["--function_version", "0"],
    ...["--function_details", asciiJson(workload.details)],
    ...["--pulsar_serviceurl", variable("brokerServiceURL")],
    ...["--max_buffered_tuples", "100"],
    ...["--port", String(grpcPort)],
    ...["--metrics_port", String(metricsPort)],
    ...["--expected_healthcheck_interval", "0"],
    ...["--cluster_name", workload.spec.clusterName ?? ""],
    ...authFlags(authOf(access)),
    ...tlsFlags(tlsOf(access)),
  ];
}

/** @param provider absent: the runtime has no secrets provider */
export function secretsFlags({ spec }: Workload, provider: string | undefined): Word[] {
  const wanted = provider !== undefined && Object.keys(spec.secretsMap ?? {}).length > 0;
  return wanted ? ["--secrets_provider", provider] : [];
}

export function stateFlags({ spec }: Workload): Word[] {
  const url = spec.statefulConfig?.pulsar?.serviceUrl;
  return url ? ["--state_storage_serviceurl", url] : [];
}
