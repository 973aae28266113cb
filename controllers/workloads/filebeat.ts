/** The sidecar that ships log files to the log topic (FM 4.8). */
import type { Container, EnvVar } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson } from "../../apiserver/machinery/json.ts";
import type { Settings } from "../settings.ts";
import { shellCommand, step } from "./command/shell.ts";
import { accessSources, hardened, podNameVariable } from "./container.ts";
import { oauth2File, oauth2Plugin, runtimeAccess } from "./pulsar-access.ts";
import { accessUses, layOutVolumes, logDirectory, logUse, type VolumeUse } from "./volumes.ts";
import { isAutoscaled, shipsLogFiles, type Workload } from "./workload.ts";

const configFile = "/usr/share/filebeat/config/filebeat.yaml";
/** Filebeat expands the variables itself. */
const config = `filebeat.inputs:
- type: log
  paths:
  - ${logDirectory}/*.log
output.pulsar:
  fast_fail: true
  url: \${brokerServiceURL}
  topic: \${logTopic}
  name: \${POD_NAME}
  token: \${clientAuthenticationParameters:}
  oauth2:
    enabled: \${oauth2Enabled:false}
    issuerUrl: \${oauth2IssuerUrl:}
    privateKey: \${oauth2PrivateKey:}
    audience: \${oauth2Audience:}
    scope: \${oauth2Scope:}
log_level: info
`;
const tokenPlugin = "org.apache.pulsar.client.impl.auth.AuthenticationToken";
/**
 * An autoscaler that looks at the utilization of a pod needs the requests of all its containers (kubernetes issue
 * 79365). As much as Filebeat takes when it has little to ship; it may take more.
 */
const autoscaledResources: JsonObject = { requests: { cpu: "50m", memory: "64Mi" } };
/** The user that owns Filebeat's files in its image. */
const filebeatUser = 1000;

export const filebeatUses = ({ spec }: Workload): VolumeUse[] => [logUse, ...accessUses(runtimeAccess(spec))];

/** Absent when there is nothing to ship. */
export function filebeatContainer(workload: Workload, settings: Settings): Container | undefined {
  const { spec } = workload;
  if (!shipsLogFiles(spec)) return undefined;
  const { mounts } = layOutVolumes(workload, filebeatUses(workload));
  const [shell, flag = "-c", script = ""] = shellCommand("sh", [
    { ...step("printf", "%s", config), output: configFile },
    step("exec", "/usr/share/filebeat/filebeat", "-e", "-c", configFile),
  ]);
  return {
    name: "filebeat",
    image: spec.filebeatImage || settings.filebeatImage,
    imagePullPolicy: "IfNotPresent",
    command: [`/bin/${shell}`, flag, "--", script],
    env: [
      ...(spec.pod?.env ?? []),
      { name: "logTopic", value: spec.logTopic ?? "" },
      podNameVariable,
      ...authVariables(workload),
    ],
    envFrom: accessSources(spec.pulsar),
    resources: isAutoscaled(spec) ? autoscaledResources : undefined,
    volumeMounts: [...mounts, ...(spec.volumeMounts ?? [])],
    securityContext: { ...hardened(), runAsUser: filebeatUser },
  };
}

/** Unlike everywhere else, `genericAuth` comes before `oauth2Config`. */
function authVariables({ spec }: Workload): EnvVar[] {
  const { genericAuth, oauth2Config } = spec.pulsar?.authConfig ?? {};
  if (genericAuth !== undefined) {
    const { clientAuthenticationPlugin: plugin, clientAuthenticationParameters: parameters = "" } = genericAuth;
    if (plugin === tokenPlugin) return [{ name: "clientAuthenticationParameters", value: parameters }];
    return plugin === oauth2Plugin ? oauth2Variables(parseParameters(parameters)) : [];
  }
  const file = oauth2File(runtimeAccess(spec));
  if (oauth2Config === undefined || file === undefined) return [];
  return oauth2Variables({ ...oauth2Config, privateKey: `${file.mountPath}/${file.key}` });
}

type OAuth2Parameters = { issuerUrl?: string; audience?: string; privateKey?: string; scope?: string };

/** The plugin's parameters are JSON text from the user; what isn't there, or isn't text, is left out. */
function parseParameters(text: string): OAuth2Parameters {
  try {
    const parameters = parseJson(text);
    if (!isObject(parameters)) return {};
    const entries = Object.entries(parameters).filter(([, value]) => typeof value === "string");
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

function oauth2Variables({ issuerUrl = "", audience = "", privateKey = "", scope }: OAuth2Parameters): EnvVar[] {
  return [
    { name: "oauth2Enabled", value: "true" },
    { name: "oauth2IssuerUrl", value: issuerUrl },
    { name: "oauth2Audience", value: audience },
    { name: "oauth2PrivateKey", value: privateKey },
    ...(scope ? [{ name: "oauth2Scope", value: scope }] : []),
  ];
}
