/**
 * Lists whose entries have keys, put together from several sources: BackendConfigs, the workload, us. Server-side apply
 * refuses a key that is there twice, and a typed client sends it to a kubelet that takes the last.
 */
import type { Container, LocalObjectReference, Volume } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

/** One entry per key: of several the last, where it stands. Entries without the key are all kept. */
export function lastOfEach<T extends object>(list: readonly T[], ...keys: readonly (keyof T & string)[]): T[] {
  const last = new Map<unknown, number>();
  const known = list.map((entry) => keyOf(entry, keys));
  for (const [index, key] of known.entries()) last.set(key, index);
  return list.filter((_, index) => known[index] === undefined || last.get(known[index]) === index);
}

/** The only key itself, several as one text; `undefined` of an entry without. */
function keyOf<T extends object>(entry: T, keys: readonly (keyof T & string)[]): unknown {
  const [first, ...others] = keys;
  const value = first === undefined ? undefined : entry[first];
  return value === undefined || others.length === 0 ? value : JSON.stringify(keys.map((key) => entry[key]));
}

/** The keyed lists of a container that are merged, and their keys. */
const containerLists: readonly (readonly [list: string, ...keys: string[]])[] = [
  ["env", "name"],
  ["volumeMounts", "mountPath"],
  ["volumeDevices", "devicePath"],
  ["ports", "containerPort", "protocol"],
];

function withUniqueKeys(container: Container): Container {
  const unique: { [list: string]: JsonObject[] } = {};
  for (const [list, ...keys] of containerLists) {
    const entries: JsonValue | undefined = container[list];
    if (Array.isArray(entries)) unique[list] = lastOfEach(entries.filter(isObject), ...keys);
  }
  return { ...container, ...unique };
}

/** The keyed lists of a pod. */
type PodLists = {
  readonly containers: Container[];
  readonly initContainers?: Container[] | undefined;
  readonly imagePullSecrets?: LocalObjectReference[] | undefined;
  readonly volumes?: Volume[] | undefined;
};

/** A pod's `spec` with every keyed list of it and of its containers free of duplicates. */
export function uniqueKeys<Spec extends PodLists>(spec: Spec): Spec {
  const { containers, initContainers, imagePullSecrets, volumes } = spec;
  return {
    ...spec,
    containers: containers.map(withUniqueKeys),
    initContainers: initContainers?.map(withUniqueKeys),
    imagePullSecrets: imagePullSecrets && lastOfEach(imagePullSecrets, "name"),
    volumes: volumes && lastOfEach(volumes, "name"),
  };
}
