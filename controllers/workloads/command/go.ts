/** The command line of a Go function, which is its own instance and takes its configuration as JSON (FM 4.20). */

import type { LogLevel } from "../../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import { stringifyJson } from "../../../apiserver/machinery/json.ts";
import { type Auth, authOf, oauth2Parameters, oauth2Plugin, runtimeAccess, type Tls, tlsOf } from "../pulsar-access.ts";
import type { Workload } from "../workload.ts";
import { grpcPort, metricsPort, shardId } from "./flags.ts";
import { type Expansion, expand, type Step, step, variable, type Word } from "./shell.ts";
import { tlsAllowInsecure, tlsVerifyHostname } from "./tls-secret.ts";

export function goSteps(workload: Workload, file: string): Step[] {
  const access = runtimeAccess(workload.spec);
  const auth = authConfig(authOf(access));
  const config = instanceConfig(workload, [auth, tlsConfig(tlsOf(access))]);
  return [step("chmod", "+x", file), ...(auth.setup ?? []), step("exec", file, "-instance-conf", config)];
}

/**
 * Members of the configuration: those known now, and those that only the shell knows, each with what is printed for
 * it. `setup` has to run before.
 */
type ConfigPart = {
  readonly fixed?: JsonObject;
  readonly late?: readonly (readonly [key: string, ...value: (string | Expansion)[]])[];
  readonly setup?: readonly Step[];
};

function authConfig(auth: Auth): ConfigPart {
  switch (auth.by) {
    case "none":
      return {};
    case "oauth2":
      return { fixed: authMembers(oauth2Plugin, oauth2Parameters(auth, { type: "client_credentials" })) };
    case "generic": {
      const { clientAuthenticationPlugin = "", clientAuthenticationParameters = "" } = auth.config;
      return { fixed: authMembers(clientAuthenticationPlugin, clientAuthenticationParameters) };
    }
    case "secret":
      return {
        setup: [
          step(["AUTH_PARAMS=", expand("${clientAuthenticationParameters//\\\\/\\\\\\\\}")]),
          step(["AUTH_PARAMS=", expand('${AUTH_PARAMS//\\"/\\\\\\"}')]),
        ],
        late: [
          ["clientAuthenticationPlugin", '"', variable("clientAuthenticationPlugin"), '"'],
          ["clientAuthenticationParameters", '"', variable("AUTH_PARAMS"), '"'],
        ],
      };
  }
}

const authMembers = (plugin: string, parameters: string): JsonObject => ({
  clientAuthenticationPlugin: plugin,
  clientAuthenticationParameters: parameters,
});

function tlsConfig(tls: Tls): ConfigPart {
  if (tls.by === "secret") {
    return {
      late: [
        ["tlsTrustCertsFilePath", '"', variable("tlsTrustCertsFilePath"), '"'],
        ["tlsAllowInsecureConnection", tlsAllowInsecure("")],
        ["tlsHostnameVerificationEnable", tlsVerifyHostname("")],
      ],
    };
  }
  if (tls.by === "none" || tls.config.enabled !== true) return {};
  const { allowInsecure = false, hostnameVerification = false } = tls.config;
  return {
    fixed: {
      tlsTrustCertsFilePath: tls.trustedCertificates ?? "",
      tlsAllowInsecureConnection: allowInsecure,
      tlsHostnameVerificationEnable: hostnameVerification,
    },
  };
}

function instanceConfig(workload: Workload, parts: readonly ConfigPart[]): Word {
  const fixed = stringifyJson({
    funcVersion: "0",
    maxBufTuples: 100,
    port: grpcPort,
    clusterName: workload.spec.clusterName ?? "",
    killAfterIdleMs: 0,
    ...workload.goConfig,
    expectedHealthCheckInterval: -1,
    metricsPort,
    ...Object.assign({}, ...parts.map((part) => part.fixed ?? {})),
  });
  const late = parts.flatMap((part) => part.late ?? []).flatMap(([key, ...value]) => [`"${key}":`, ...value, ","]);
  return [
    '{"pulsarServiceURL":"',
    variable("brokerServiceURL"),
    '","instanceID":',
    shardId,
    ',"funcID":"',
    shardId,
    `-${workload.uid}",`,
    ...late,
    fixed.slice(1),
  ];
}

const levels: readonly LogLevel[] = ["debug", "trace", "info", "warn", "error", "fatal", "panic"];
/** Value of `LOGGING_LEVEL`; `off` and `all` have no counterpart in Go's logger. */
export const goLogLevel = (level: LogLevel | undefined): LogLevel =>
  level !== undefined && levels.includes(level) ? level : "info";
