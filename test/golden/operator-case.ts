/** One case of the operator's recorded behaviour: what went in, and what we make of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import type { BackendConfigResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson } from "../../apiserver/machinery/json.ts";
import { parseYaml } from "../../apiserver/machinery/yaml.ts";
import { functionWorkload } from "../../controllers/function/workload.ts";
import { desiredMembers } from "../../controllers/function-mesh/desired.ts";
import { defaultSettings, type Settings } from "../../controllers/settings.ts";
import { parseSettingsFile } from "../../controllers/settings-file.ts";
import { sinkWorkload } from "../../controllers/sink/workload.ts";
import { sourceWorkload } from "../../controllers/source/workload.ts";
import type { BackendConfigs } from "../../controllers/workloads/backend-config.ts";
import { desiredWorkloads } from "../../controllers/workloads/desired.ts";
import { partOf } from "../../controllers/workloads/parts.ts";
import { keepImmutable } from "../../controllers/workloads/stateful-set.ts";
import type { Workload } from "../../controllers/workloads/workload.ts";

/** A folder that the judge can compare with: a case, or one step of a case of several. */
export type OperatorCase = { readonly name: string; readonly directory: string; readonly settings: Settings };

const readText = (...parts: string[]): string => readFileSync(path.join(...parts), "utf8");

function readObjects(directory: string, file: string): KubeObject[] {
  const whole = path.join(directory, file);
  if (!existsSync(whole)) return [];
  const value = parseJson(readText(whole));
  return (Array.isArray(value) ? value : [value]).filter(isKubeObject);
}

function isKubeObject(value: JsonValue): value is JsonObject & KubeObject {
  return isObject(value) && typeof value.kind === "string" && isObject(value.metadata);
}

/** Every case below `goldens` that the operator accepted, steps as cases of their own (`update-scale/v2`). */
export function operatorCases(goldens: string): OperatorCase[] {
  return readdirSync(goldens, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const directory = path.join(goldens, name);
      const steps = readdirSync(directory).filter((step) => /^v\d+$/.test(step));
      const settings = settingsOf(parseJson(readText(directory, "meta.json")));
      const folders = steps.length === 0 ? [""] : steps.sort();
      return folders.map((step) => ({
        name: step === "" ? name : `${name}/${step}`,
        directory: path.join(directory, step),
        settings,
      }));
    })
    .filter(({ directory }) => existsSync(path.join(directory, "children.json")))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The operator's flags and configuration file in our words (FM 7). */
function settingsOf(meta: JsonValue): Settings {
  const { operator = [], operatorConfigFile } = isObject(meta) ? meta : {};
  const flags = Array.isArray(operator) ? operator.map(String) : [];
  const flag = (name: string) => flags.find((text) => text.startsWith(`--${name}=`))?.slice(name.length + 3);
  const config = typeof operatorConfigFile === "string" ? parseYaml(operatorConfigFile).value : {};
  const global = flag("global-backend-config");
  return {
    ...defaultSettings,
    ...parseSettingsFile(config),
    initContainers: flag("enable-init-containers") === "true",
    defaultAffinity: flag("add-default-affinity") !== "false",
    ...(global === undefined
      ? {}
      : { globalBackendConfig: { name: global, namespace: flag("global-backend-config-namespace") ?? "default" } }),
  };
}

/** The custom resources as the operator saw them: of the step, or of an earlier one where it didn't touch them. */
function storedObjects({ directory }: OperatorCase): KubeObject[] {
  const step = Number(/^v(\d+)$/.exec(path.basename(directory))?.[1] ?? 0);
  const steps = Array.from({ length: step }, (_, index) => path.join(path.dirname(directory), `v${index + 1}`));
  const objects = new Map<string, KubeObject>();
  const put = (object: KubeObject) => objects.set(identityOf(object), object);
  for (const folder of step === 0 ? [directory] : steps) {
    const given = inputs(folder);
    // An installation's own settings live in a namespace of their own and are not recorded as stored.
    for (const object of given) if (object.kind === "BackendConfig") put(object);
    for (const object of readObjects(folder, "stored.json")) put(object);
    for (const operation of given) {
      const target = operation.$op === "scale" ? objects.get(identityOf(operation)) : undefined;
      if (target !== undefined) put({ ...target, spec: { ...partOf(target, "spec"), replicas: operation.replicas } });
    }
  }
  return [...objects.values()];
}

/** What a step applies, in order; with `$op` it is an operation. It was read as YAML 1.2: a key `n` is no boolean. */
export function inputs(folder: string): (JsonObject & KubeObject)[] {
  const documents: JsonValue[] = parseAllDocuments(readText(folder, "input.yaml")).map((document) => document.toJS());
  return documents.filter(isKubeObject);
}

const identityOf = ({ kind, metadata }: Pick<KubeObject, "kind" | "metadata">): string => `${kind}/${metadata.name}`;

const workloadMakers: { readonly [kind: string]: ((object: KubeObject) => Workload) | undefined } = {
  Function: (object) => functionWorkload({ ...object, kind: "Function" }),
  Source: (object) => sourceWorkload({ ...object, kind: "Source" }),
  Sink: (object) => sinkWorkload({ ...object, kind: "Sink" }),
};

/**
 * What we make of the case's objects. Members of a mesh are taken as the operator's API stored them, so that the
 * workloads are those of a defaulted object; that we want the same members is compared by their names.
 */
export function render(golden: OperatorCase): KubeObject[] {
  const { directory, settings } = golden;
  const stored = storedObjects(golden).filter(isManaged);
  const recorded = readObjects(directory, "children.json");
  const members = stored
    .filter(({ kind }) => kind === "FunctionMesh")
    .flatMap((mesh) => desiredMembers({ ...mesh, kind: "FunctionMesh" }))
    .map(({ object }) => recorded.find((other) => identityOf(other) === identityOf(object)) ?? object);
  const configs = configsOf(stored, settings);
  const earlier = readObjects(path.join(directory, "..", "v1"), "children.json");
  const workloads = [...stored, ...members].flatMap((object) => {
    const make = workloadMakers[object.kind];
    if (make === undefined) return [];
    const identified = { ...object, metadata: { ...object.metadata, uid: "UID" } };
    const { StatefulSet, ...others } = desiredWorkloads(make(identified), configs, settings);
    const before = earlier.find((other) => identityOf(other) === identityOf(StatefulSet));
    return [keepImmutable(StatefulSet, before), ...Object.values(others).filter((child) => child !== undefined)];
  });
  return [...members, ...workloads];
}

const isManaged = ({ metadata }: KubeObject): boolean =>
  metadata.annotations?.["compute.functionmesh.io/managed"] !== "false";

function configsOf(stored: readonly KubeObject[], settings: Settings): BackendConfigs {
  const find = (name: string, namespace: string): BackendConfigResource | undefined => {
    const found = stored.find(
      ({ kind, metadata }) =>
        kind === "BackendConfig" && metadata.name === name && (metadata.namespace ?? caseNamespace) === namespace,
    );
    return found && { ...found, kind: "BackendConfig" };
  };
  const { globalBackendConfig, namespacedBackendConfig } = settings;
  const global = globalBackendConfig && find(globalBackendConfig.name, globalBackendConfig.namespace);
  const namespaced = find(namespacedBackendConfig, caseNamespace);
  return { ...(global && { global }), ...(namespaced && { namespaced }) };
}
/** As the goldens write the namespace each case had of its own. */
const caseNamespace = "NAMESPACE";
