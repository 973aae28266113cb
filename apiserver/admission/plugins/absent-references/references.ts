/** Objects of the cluster that a spec names, with the path where it does. Pure. */
import type { JsonObject, JsonValue } from "../../../apis/meta/v1.ts";
import type { ResourceType } from "../../../client/client.ts";
import {
  configMapType,
  persistentVolumeClaimType,
  secretType,
  serviceAccountType,
} from "../../../client/resource-types.ts";
import { joinPath } from "../../../errors/field-error.ts";
import { isTrue } from "../../../machinery/fields.ts";
import { isObject } from "../../../machinery/json.ts";

/** What happens as long as one isn't there. */
const wait = "the pods start once it does";
const noPods = "no pod can be made until it does";
const noCredentials = "images are pulled without it";

type Place = { readonly path: string; readonly type: ResourceType; readonly then: string };

const at = (type: ResourceType, then: string, ...paths: readonly string[]): readonly Place[] =>
  paths.map((path) => ({ path, type, then }));
const inContainers = (path: string): readonly string[] =>
  ["pod.initContainers.*", "pod.sidecars.*"].map((container) => `${container}.${path}`);

/** Dotted paths below `spec`; `*` is every item of a list and every value of a map. */
const places: readonly Place[] = [
  ...["pulsar", "pulsarPackageService"].flatMap((connection) => [
    ...at(configMapType, wait, `${connection}.pulsarConfig`),
    ...at(
      secretType,
      wait,
      ...["authSecret", "tlsSecret", "tlsConfig.certSecretName", "authConfig.oauth2Config.keySecretName"].map(
        (path) => `${connection}.${path}`,
      ),
    ),
  ]),
  ...at(configMapType, wait, ...["java", "python", "golang"].map((runtime) => `${runtime}.log.logConfig.name`)),
  ...at(
    secretType,
    wait,
    "secretsMap.*.path",
    "output.producerConf.cryptoConfig.cryptoSecrets.*.secretName",
    "input.sourceSpecs.*.cryptoConfig.cryptoSecrets.*.secretName",
  ),
  ...at(
    configMapType,
    wait,
    "pod.env.*.valueFrom.configMapKeyRef.name",
    ...inContainers("env.*.valueFrom.configMapKeyRef.name"),
    ...inContainers("envFrom.*.configMapRef.name"),
    "pod.volumes.*.configMap.name",
    "pod.volumes.*.projected.sources.*.configMap.name",
  ),
  ...at(
    secretType,
    wait,
    "pod.env.*.valueFrom.secretKeyRef.name",
    ...inContainers("env.*.valueFrom.secretKeyRef.name"),
    ...inContainers("envFrom.*.secretRef.name"),
    "pod.volumes.*.secret.secretName",
    "pod.volumes.*.projected.sources.*.secret.name",
  ),
  ...at(persistentVolumeClaimType, wait, "pod.volumes.*.persistentVolumeClaim.claimName"),
  ...at(serviceAccountType, noPods, "pod.serviceAccountName"),
  ...at(secretType, noCredentials, "pod.imagePullSecrets.*.name"),
];

export type Reference = Pick<Place, "type" | "then"> & { readonly name: string; readonly at: string };

/** @param base  path of `spec`. One marked `optional` is none. */
export function referencesIn(spec: JsonObject, base: string): readonly Reference[] {
  return places.flatMap(({ path, type, then }) =>
    found(spec, path.split("."), base).map(([name, where]) => ({ name, at: where, type, then })),
  );
}

function found(value: JsonObject, path: readonly string[], where: string): readonly (readonly [string, string])[] {
  const [field = "", ...rest] = path;
  if (field === "*") {
    return Object.entries(value).flatMap(([key, item]) => below(item, rest, joinPath(where, { key })));
  }
  return below(value[field], rest, joinPath(where, field), value);
}

function below(
  value: JsonValue | undefined,
  rest: readonly string[],
  where: string,
  parent?: JsonObject,
): readonly (readonly [string, string])[] {
  if (rest.length === 0) {
    return typeof value === "string" && value !== "" && !isTrue(parent, "optional") ? [[value, where]] : [];
  }
  if (Array.isArray(value)) {
    const [, ...inItem] = rest;
    return value.flatMap((item, index) => below(item, inItem, joinPath(where, index)));
  }
  return isObject(value) ? found(value, rest, where) : [];
}
