/**
 * What keeps a pod from running, as a kubelet and a scheduler would find it, in their words. Pure.
 *
 * What only a real process, registry or node could tell is taken for granted: images exist, programs run, probes answer.
 */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isTrue, listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { imageProblem } from "../../apiserver/machinery/image-reference.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

export type Source = "ConfigMap" | "Secret" | "PersistentVolumeClaim";
/** The object of this kind and name in the pod's namespace, if there is one. */
export type Lookup = (kind: Source, name: string) => KubeObject | undefined;

/** Why one container waits; `reason` is what `kubectl get pods` shows. */
export type Waiting = { readonly reason: string; readonly message: string };

export type Hurdle =
  | { readonly at: "scheduling"; readonly message: string }
  | { readonly at: "mounting"; readonly message: string }
  /** By name of the container, of init containers and others alike; those that aren't there have nothing against them. */
  | { readonly at: "starting"; readonly waiting: ReadonlyMap<string, Waiting> };

/** The first one that the pod meets; absent when it may run. */
export function hurdleOf(pod: KubeObject, lookup: Lookup): Hurdle | undefined {
  const spec = objectOf(pod, "spec");
  const volumes = listOf(spec, "volumes").filter(isObject);
  const unbound = volumes.flatMap((volume) => unboundClaim(volume, lookup));
  const [claim] = unbound;
  if (claim !== undefined) {
    return { at: "scheduling", message: `0/1 nodes are available: persistentvolumeclaim "${claim}" not found.` };
  }
  for (const volume of volumes) {
    const [problem] = mountProblems(volume, lookup);
    if (problem === undefined) continue;
    return { at: "mounting", message: `MountVolume.SetUp failed for volume "${textOf(volume, "name")}" : ${problem}` };
  }
  const namespace = pod.metadata.namespace ?? "";
  const waiting = new Map<string, Waiting>();
  for (const container of [...listOf(spec, "initContainers"), ...listOf(spec, "containers")].filter(isObject)) {
    const problem = startProblem(container, namespace, lookup);
    if (problem !== undefined) waiting.set(textOf(container, "name"), problem);
  }
  return waiting.size === 0 ? undefined : { at: "starting", waiting };
}

/** Everything that a pod needs besides itself, whether it is there or not. */
export function sourcesOf(pod: KubeObject): readonly { readonly kind: Source; readonly name: string }[] {
  const asked = new Map<string, { readonly kind: Source; readonly name: string }>();
  hurdleOf(pod, (kind, name) => {
    asked.set(`${kind}/${name}`, { kind, name });
    return { apiVersion: "v1", kind, metadata: { name }, data: everyKey };
  });
  return [...asked.values()];
}
/** Has whatever key it is asked for. */
const everyKey: JsonObject = new Proxy<JsonObject>({}, { has: () => true });

function unboundClaim(volume: JsonObject, lookup: Lookup): readonly string[] {
  const name = textOf(objectOf(volume, "persistentVolumeClaim"), "claimName");
  return name === "" || lookup("PersistentVolumeClaim", name) !== undefined ? [] : [name];
}

function mountProblems(volume: JsonObject, lookup: Lookup): readonly string[] {
  const projections = listOf(objectOf(volume, "projected"), "sources").filter(isObject);
  return [
    ...filesProblem("ConfigMap", objectOf(volume, "configMap"), "name", lookup),
    ...filesProblem("Secret", objectOf(volume, "secret"), "secretName", lookup),
    ...projections.flatMap((projection) => [
      ...filesProblem("ConfigMap", objectOf(projection, "configMap"), "name", lookup),
      ...filesProblem("Secret", objectOf(projection, "secret"), "name", lookup),
    ]),
  ];
}

function filesProblem(
  kind: "ConfigMap" | "Secret",
  source: JsonObject | undefined,
  nameField: string,
  lookup: Lookup,
): readonly string[] {
  if (source === undefined || isTrue(source, "optional")) return [];
  const name = textOf(source, nameField);
  const object = lookup(kind, name);
  if (object === undefined) return [notFound(kind, name)];
  const [missing] = listOf(source, "items")
    .filter(isObject)
    .map((item) => textOf(item, "key"))
    .filter((key) => !hasKey(object, key));
  if (missing === undefined) return [];
  return [`references non-existent ${kind === "Secret" ? "secret" : "config"} key: ${missing}`];
}

const notFound = (kind: Source, name: string): string => `${kind.toLowerCase()} "${name}" not found`;

const hasKey = (object: KubeObject, key: string): boolean =>
  [object.data, object.binaryData].some((data) => isObject(data) && key in data);

function startProblem(container: JsonObject, namespace: string, lookup: Lookup): Waiting | undefined {
  const image = textOf(container, "image");
  if (imageProblem(image) !== undefined) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
    return { reason: "InvalidImageName", message };
  }
  const [message] = [
    ...listOf(container, "envFrom").flatMap((source) => allKeysProblem(source, lookup)),
    ...listOf(container, "env").flatMap((variable) => oneKeyProblem(variable, namespace, lookup)),
  ];
  return message === undefined ? undefined : { reason: "CreateContainerConfigError", message };
}

const kinds = ["ConfigMap", "Secret"] as const;
const memberOf = (kind: "ConfigMap" | "Secret", suffix: string): string =>
  `${kind === "ConfigMap" ? "configMap" : "secret"}${suffix}`;

function allKeysProblem(source: JsonValue, lookup: Lookup): readonly string[] {
  if (!isObject(source)) return [];
  return kinds.flatMap((kind) => {
    const reference = objectOf(source, memberOf(kind, "Ref"));
    if (reference === undefined || isTrue(reference, "optional")) return [];
    const name = textOf(reference, "name");
    return lookup(kind, name) === undefined ? [notFound(kind, name)] : [];
  });
}

function oneKeyProblem(variable: JsonValue, namespace: string, lookup: Lookup): readonly string[] {
  if (!isObject(variable)) return [];
  return kinds.flatMap((kind) => {
    const reference = objectOf(objectOf(variable, "valueFrom"), memberOf(kind, "KeyRef"));
    if (reference === undefined || isTrue(reference, "optional")) return [];
    const [name, key] = [textOf(reference, "name"), textOf(reference, "key")];
    const object = lookup(kind, name);
    if (object === undefined) return [notFound(kind, name)];
    return hasKey(object, key) ? [] : [`couldn't find key ${key} in ${kind} ${namespace}/${name}`];
  });
}
