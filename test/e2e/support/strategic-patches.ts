/**
 * Random objects of built-in kinds and strategic merge patches of them; the same for the same seed. Entries inside a list
 * entry that may be new carry no directives: kube-apiserver takes those for entries, which no client means.
 */
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { random } from "../../support/random.ts";

export type Sequence = { readonly path: string; readonly object: JsonObject; readonly patches: readonly JsonObject[] };

class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = random(seed);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }
  /** 0 … `end - 1`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }
  one<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }
  /** Some of the items, in any order. */
  some<T>(items: readonly T[], least = 0): T[] {
    const rest = [...items];
    const count = least + this.below(items.length - least + 1);
    return Array.from({ length: count }, () => rest.splice(this.below(rest.length), 1)).flat();
  }
}

type Key = string | number;

/** Entries of a list by key: some deleted, the rest made anew. */
function entries(dice: Dice, key: string, keys: readonly Key[], make: (value: Key) => JsonObject): JsonObject[] {
  return dice
    .some(keys, 1)
    .map((value) => (dice.chance(0.2) ? { [key]: value, $patch: "delete" } : { [key]: value, ...make(value) }));
}

/** An order of what the entries leave, among others; now and then one that contradicts them. */
function orderOf(dice: Dice, key: string, list: readonly JsonObject[], keys: readonly Key[]): JsonObject[] {
  const order = list.filter((entry) => entry.$patch === undefined).map((entry) => entry[key] ?? "");
  const named = new Set(list.map((entry) => entry[key]));
  for (const other of keys) {
    if (!named.has(other) && dice.chance(0.4)) order.splice(dice.below(order.length + 1), 0, other);
  }
  if (dice.chance(0.1)) order.reverse();
  return order.map((value) => ({ [key]: value }));
}

/** A list by key with, now and then, its order. */
function keyedList(
  dice: Dice,
  { field, key, keys }: { readonly field: string; readonly key: string; readonly keys: readonly Key[] },
  make: (value: Key) => JsonObject,
): JsonObject {
  const list = entries(dice, key, keys, make);
  return {
    [field]: list,
    ...(dice.chance(0.5) ? { [`$setElementOrder/${field}`]: orderOf(dice, key, list, keys) } : {}),
  };
}

const variables = ["A", "B", "C", "D"];
const containerNames = ["a", "b", "c", "d", "e"];
const volumeNames = ["u", "v", "w", "x"];
const ports = [80, 81, 82, 83];
const finalizers = ["f.x/a", "f.x/b", "f.x/c", "f.x/d"];

function container(dice: Dice): JsonObject {
  const env = dice.some(variables, 1).map((name) => ({ name, value: dice.chance(0.8) ? String(dice.below(9)) : null }));
  return {
    ...(dice.chance(0.6) ? { image: `i:${dice.below(3)}` } : {}),
    ...(dice.chance(0.5) ? { env } : {}),
    ...(dice.chance(0.2) ? { args: dice.one<JsonValue>([["x"], ["y"], null]) } : {}),
    ...(dice.chance(0.2) ? { resources: { limits: dice.one<JsonValue>([{ cpu: "1" }, null]) } } : {}),
  };
}

function volume(dice: Dice): JsonObject {
  const [source, value] = dice.one<readonly [string, JsonObject]>([
    ["emptyDir", {}],
    ["configMap", { name: "m" }],
    ["secret", { secretName: "s" }],
  ]);
  return { [source]: value, ...(dice.chance(0.7) ? { $retainKeys: ["name", source] } : {}) };
}

const selectors: readonly JsonValue[] = [
  { a: "1" },
  { $patch: "replace", b: "2" },
  { $patch: "delete" },
  { a: null },
  null,
];

function statefulSetPatch(dice: Dice): JsonObject {
  const lists = [
    { field: "containers", keys: containerNames, make: () => container(dice) },
    { field: "volumes", keys: volumeNames, make: () => volume(dice) },
  ].filter(() => dice.chance(0.6));
  const spec: JsonObject = {
    ...Object.assign({}, ...lists.map(({ field, keys, make }) => keyedList(dice, { field, key: "name", keys }, make))),
    ...(dice.chance(0.3) ? { nodeSelector: dice.one(selectors) } : {}),
    ...(dice.chance(0.2) ? { tolerations: [{ key: dice.one(variables), operator: "Exists" }] } : {}),
    ...(dice.chance(0.2) ? { securityContext: dice.one<JsonValue>([{ runAsUser: 5 }, { $patch: "delete" }]) } : {}),
  };
  return { spec: { template: { spec } } };
}

function servicePatch(dice: Dice): JsonObject {
  const make = () => ({ name: `${dice.one(containerNames)}${dice.below(9)}` });
  return {
    spec: {
      ...keyedList(dice, { field: "ports", key: "port", keys: ports }, make),
      ...(dice.chance(0.2) ? { selector: dice.one<JsonValue>([{ a: "1" }, { a: null }]) } : {}),
    },
  };
}

function configMapPatch(dice: Dice): JsonObject {
  const list = dice.some(finalizers, 1);
  const gone = dice.some(finalizers).filter((one) => !list.includes(one));
  return {
    ...(dice.chance(0.5) ? { data: dice.one(selectors) } : {}),
    metadata: {
      ...(dice.chance(0.4) ? { labels: dice.one(selectors) } : {}),
      ...(dice.chance(0.6) ? { finalizers: list } : {}),
      ...(dice.chance(0.4) ? { "$deleteFromPrimitiveList/finalizers": gone } : {}),
    },
  };
}

const kinds: readonly ((
  dice: Dice,
  name: string,
) => Omit<Sequence, "patches"> & { patch: (dice: Dice) => JsonObject })[] = [
  (dice, name) => ({
    path: "/apis/apps/v1/namespaces/NAMESPACE/statefulsets",
    patch: statefulSetPatch,
    object: {
      metadata: { name },
      spec: {
        serviceName: "s",
        replicas: 0,
        selector: { matchLabels: { app: "a" } },
        template: {
          metadata: { labels: { app: "a" } },
          spec: {
            containers: dice.some(containerNames, 1).map((each) => ({
              name: each,
              image: "i:1",
              env: dice.some(variables).map((variable) => ({ name: variable, value: "0" })),
            })),
            volumes: dice.some(volumeNames).map((each) => ({ name: each, emptyDir: {} })),
          },
        },
      },
    },
  }),
  (dice, name) => ({
    path: "/api/v1/namespaces/NAMESPACE/services",
    patch: servicePatch,
    object: {
      metadata: { name },
      spec: {
        clusterIP: "None",
        selector: { app: "a" },
        ports: dice.some(ports, 1).map((port) => ({ name: `n${port}`, port })),
      },
    },
  }),
  (dice, name) => ({
    path: "/api/v1/namespaces/NAMESPACE/configmaps",
    patch: configMapPatch,
    object: { metadata: { name, labels: { a: "1" }, finalizers: dice.some(finalizers) }, data: { k: "v" } },
  }),
];

/** @param patches  of each object, one after the other */
export function sequences(seed: number, count: number, patches: number, namespace: string): readonly Sequence[] {
  const dice = new Dice(seed);
  return Array.from({ length: count }, (_, index) => {
    const { path, object, patch } = dice.one(kinds)(dice, `random-${index}`);
    return {
      path: path.replace("NAMESPACE", namespace),
      object,
      patches: Array.from({ length: patches }, () => patch(dice)),
    };
  });
}
