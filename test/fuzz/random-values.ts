/**
 * Values at random along a schema, such as people write: mostly sound, at times odd, always of the type that the schema
 * says. The same random numbers give the same values.
 */
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { intOrStringName, quantityName } from "../../openapi/core/well-known-types.ts";
import { isRef, refPrefix, resolve, type Schema, type SchemaOrRef, type SchemaSet } from "../../openapi/schema.ts";

export type Random = () => number;

export const pick = <T>(random: Random, values: readonly [T, ...T[]]): T =>
  values[Math.floor(random() * values.length)] ?? values[0];
export const chance = (random: Random, probability: number): boolean => random() < probability;

type Texts = readonly [string, ...string[]];
type Words = { readonly sound: Texts; readonly odd: Texts };

const oddNames: Texts = ["", "A", "a_b", "-a", "a.b", "a".repeat(64), "é"];
const names: Words = { sound: ["a", "b", "c", "data", "conf"], odd: oddNames };
const images: Words = {
  sound: ["i", "example.org/i:1", `i@sha256:${"a".repeat(64)}`],
  odd: ["", "No Image", "a:b:c", " i"],
};
const paths: Words = { sound: ["/a", "/a/b", "/pulsar/x", "/etc/conf"], odd: ["", "a", "/a:b", "../a", "/a/../b"] };
const keys: Words = { sound: ["k", "k.crt", "a-b"], odd: ["", "a/b", "..", "a b"] };
const topics: Words = {
  sound: ["in", "persistent://public/default/t", "public/default/u"],
  odd: ["", "a/b", "x://a/b/c"],
};
const classes: Words = { sound: ["org.example.A", "module.B"], odd: ["", "a b", "$(X)", "'"] };
const labelKeys: Words = { sound: ["team", "example.org/a", "zone"], odd: ["", "bad key", "a/b/c", "app"] };
const labelValues: Words = { sound: ["x", "eu-1", ""], odd: ["bad value", "x".repeat(64), "-"] };
const addresses: Words = { sound: ["bk://bookie:4181", "https://a.example/b?c=d&e='"], odd: ["", "a b"] };
const words: Words = { sound: ["a", "value", "two words", "$(A) '\"", "é", "0"], odd: ["", "a\nb", "{{x}}", "%s"] };

/** By the name of the member, the last that fits; a pattern stands for a family of names. */
const texts: readonly (readonly [pattern: RegExp, words: Words])[] = [
  [/Name$|^name$|^hostname$|^subdomain$|^driver$/, names],
  [/[iI]mage$/, images],
  [/[pP]ath$|^mountPath$|^jar$|^py$|^go$|^functionFile$|[dD]ir$/, paths],
  [/[kK]ey$/, keys],
  [/[tT]opic$/, topics],
  [/[cC]lassName$|^entryClass$|Plugin$/, classes],
  [/^topologyKey$/, { sound: ["zone", "kubernetes.io/hostname"], odd: ["", "a b"] }],
  [/[uU]rl$|^audience$/, addresses],
  [
    /Location$/,
    { sound: ["function://public/default/f@1", "https://a/b?c=d&e='", "http://a/b.jar"], odd: ["", "a b", "x:"] },
  ],
  [/^imagePullPolicy$|^pullPolicy$/, { sound: ["Always", "IfNotPresent", "Never"], odd: ["", "Sometimes"] }],
  [/^(tenant|namespace|subscriptionName)$/, { sound: ["public", "default", "s-1"], odd: ["", "a/b", "A B"] }],
  [/^(whenDeleted|whenScaled)$/, { sound: ["Retain", "Delete"], odd: ["", "Keep"] }],
  [/^storageClassName$|^volumeName$/, { sound: ["fast", "a"], odd: ["", "A B"] }],
  [/^operator$/, { sound: ["Exists", "In", "Equal"], odd: ["", "Has"] }],
  [/^fieldPath$/, { sound: ["metadata.name", "status.podIP", "metadata.labels['a']"], odd: ["", "spec.x"] }],
  [/^resource$/, { sound: ["limits.cpu", "requests.memory"], odd: ["", "cpu"] }],
  [/^(runAsUserName|gmsaCredentialSpec)$/, { sound: ["user"], odd: ["", "a\\b\\c"] }],
  [/^(ip|host)$/, { sound: ["10.0.0.1", "127.0.0.1"], odd: ["", "a", "300.1.1.1"] }],
  [/^language$/, { sound: ["nodejs", "wasm", "executable"], odd: ["", "cobol"] }],
  [
    /^builtinAutoscaler$/,
    { sound: ["AverageUtilizationCPUPercent80", "AverageUtilizationMemoryPercent50"], odd: ["", "CPU"] },
  ],
  [/^apiGroup$/, { sound: ["snapshot.storage.k8s.io"], odd: ["", "A B"] }],
  [/^accessMode$/, { sound: ["ReadWriteOnce", "ReadOnlyMany"], odd: ["", "Write"] }],
  [/^devicePath$/, { sound: ["/dev/a", "/dev/b"], odd: ["", "a"] }],
];

/** Of maps: what their keys look like. */
const mapKeys: readonly (readonly [pattern: RegExp, words: Words])[] = [
  [/^(labels|nodeSelector|matchLabels|annotations)$/, labelKeys],
  [
    /^(requests|limits|minAllowed|maxAllowed)$/,
    { sound: ["cpu", "memory"], odd: ["ephemeral-storage", "nvidia.com/gpu", "x", "hugepages-2Mi"] },
  ],
  [/^(env|secretsMap)$/, { sound: ["A", "B_C"], odd: ["", "A=B", "1 2", "POD_NAME"] }],
  [/^(sourceSpecs|customSerdeSources|customSchemaSources|customSchemaSinks)$/, topics],
];

/** Members of which at most one is meant, beside those that go with any of them. */
const unions: { readonly [schema: string]: { readonly kept: readonly string[]; readonly one: boolean } } = {
  "io.k8s.api.core.v1.Volume": { kept: ["name"], one: true },
  "io.k8s.api.core.v1.VolumeProjection": { kept: [], one: true },
  "io.k8s.api.core.v1.LifecycleHandler": { kept: [], one: true },
  "io.k8s.api.core.v1.EnvVarSource": { kept: [], one: true },
  "io.k8s.api.core.v1.EnvFromSource": { kept: ["prefix"], one: true },
  "io.k8s.api.autoscaling.v2.MetricSpec": { kept: ["type"], one: true },
};
/** What no cluster, or no rule of ours, takes without, though the schema does: by the name of the object's own member. */
const needed: { readonly [name: string]: readonly string[] } = {
  java: ["jar"],
  python: ["py"],
  golang: ["go"],
  genericRuntime: ["functionFile", "language"],
  batchSourceConfig: ["discoveryTriggererClassName"],
  pulsarPackageService: ["pulsarConfig"],
  statefulConfig: ["pulsar"],
  windowConfig: ["windowLengthCount", "actualWindowFunctionClassName"],
  oauth2Config: ["audience", "issuerUrl", "keySecretName", "keySecretKey"],
  genericAuth: ["clientAuthenticationPlugin", "clientAuthenticationParameters"],
  secretsMap: ["path", "key"],
  logConfig: ["name", "key"],
  containerPolicie: ["containerName"],
  imagePullSecret: ["name"],
  configMapRef: ["name"],
  secretRef: ["name"],
  secret: ["secretName", "name"],
  configMap: ["name"],
  exec: ["command"],
  toleration: ["key"],
  metadata: ["name"],
  resources: ["requests"],
};
const probeHandlers: Texts = ["exec", "grpc", "httpGet", "tcpSocket"];

const oddChance = 0.015;
/** Of a member that may be left out; the deeper, the rarer. */
const presence = [0.3, 0.3, 0.25, 0.18, 0.12];
const maxDepth = 9;

type Place = { readonly name: string; readonly depth: number; readonly component: string };

export class RandomValues {
  readonly #schemas: SchemaSet;
  readonly #random: Random;

  constructor(schemas: SchemaSet, random: Random) {
    this.#schemas = schemas;
    this.#random = random;
  }

  /** @param name  of the member that it is for */
  value(schema: SchemaOrRef, name: string, depth = 0): JsonValue {
    const component = isRef(schema) ? schema.$ref.slice(refPrefix.length) : "";
    if (component === quantityName) return this.#quantity();
    if (component === intOrStringName) return this.#intOrText();
    return this.#of(resolve(this.#schemas, schema), { name, depth, component });
  }

  #of(schema: Schema, place: Place): JsonValue {
    const [first, ...others] = (schema.enum ?? []).map(String);
    if (first !== undefined) return pick(this.#random, [first, ...others]);
    switch (schema.type) {
      case "array":
        return this.#list(schema, place);
      case "boolean":
        return chance(this.#random, 0.5);
      case "integer":
        return this.#integer(schema);
      case "number":
        return pick(this.#random, [0, 1, 0.5, 1e9]);
      case "string":
        return schema.format === "date-time" ? "2026-01-01T00:00:00Z" : this.#text(texts, place.name, words);
      default:
        return this.#object(schema, place);
    }
  }

  #word({ sound, odd }: Words): string {
    return pick(this.#random, chance(this.#random, oddChance) ? odd : sound);
  }

  #text(table: typeof texts, name: string, otherwise: Words): string {
    return this.#word(table.findLast(([pattern]) => pattern.test(name))?.[1] ?? otherwise);
  }

  #integer({ minimum, format }: Schema): number {
    const odd = chance(this.#random, oddChance);
    const wide = format === "int64" ? 2 ** 40 : 2 ** 31 - 1;
    const value = odd ? pick(this.#random, [-1, 0, 65_536, wide]) : pick(this.#random, [1, 2, 3, 10, 80, 1000]);
    return Math.max(value, minimum ?? value);
  }

  #quantity(): JsonValue {
    if (chance(this.#random, oddChance)) return pick<JsonValue>(this.#random, ["0", "-1", "1.5", "100n", "1e3", 0.1]);
    return pick<JsonValue>(this.#random, ["1", "100m", "1Gi", "1.5Gi", 2, "512Mi"]);
  }

  #intOrText(): JsonValue {
    if (chance(this.#random, oddChance)) return pick<JsonValue>(this.#random, [0, "", 70_000, "50%"]);
    return pick<JsonValue>(this.#random, [80, 8080, "http"]);
  }

  #list(schema: Schema, { name, depth }: Place): JsonValue {
    const { items = {} } = schema;
    const length = pick(this.#random, [0, 1, 1, 1, 2, 3]);
    const entries = Array.from({ length }, () => this.value(items, singular(name), depth + 1));
    const [key] = schema["x-kubernetes-list-map-keys"] ?? [schema["x-kubernetes-patch-merge-key"]];
    return chance(this.#random, oddChance) ? entries : distinct(entries, key);
  }

  #object(schema: Schema, place: Place): JsonObject {
    const { properties, additionalProperties } = schema;
    if (properties !== undefined) return this.#members(schema, Object.keys(properties), place);
    if (typeof additionalProperties === "object") return this.#map(additionalProperties, place);
    return schema["x-kubernetes-preserve-unknown-fields"] === true ? this.#freeForm(place.depth) : {};
  }

  #map(values: SchemaOrRef, { name, depth }: Place): JsonObject {
    const isLabel = /^(labels|nodeSelector|matchLabels)$/.test(name);
    const entries = Array.from({ length: pick(this.#random, [0, 1, 1, 2]) }, (): [string, JsonValue] => [
      this.#text(mapKeys, name, keys),
      isLabel ? this.#word(labelValues) : this.value(values, name, depth + 1),
    ]);
    return Object.fromEntries(entries);
  }

  #freeForm(depth: number): JsonObject {
    const leaf = (): JsonValue =>
      pick<JsonValue>(this.#random, ["a", "it's $x `y`", 1, 0.5, true, null, "é", ["a", 1], {}]);
    const deeper = depth < maxDepth && chance(this.#random, 0.3);
    return { [this.#word(keys)]: leaf(), ...(deeper && { nested: this.#freeForm(depth + 2) }) };
  }

  /** Those that are required, and some of the others. */
  #members({ properties = {}, required = [] }: Schema, all: readonly string[], place: Place): JsonObject {
    const { depth, component } = place;
    const probability = depth >= maxDepth ? 0 : (presence[depth] ?? 0.08);
    const chosen = this.#oneOf(all, component).filter(
      (name) => required.includes(name) || this.#isNeeded(place, name) || chance(this.#random, probability),
    );
    const object: JsonObject = {};
    for (const name of chosen) {
      const schema = properties[name];
      if (schema !== undefined) object[name] = this.value(schema, name, depth + 1);
    }
    return this.#coherent(object, all, component, properties, depth);
  }

  #oneOf(all: readonly string[], component: string): readonly string[] {
    const union = unions[component];
    if (component.endsWith(".Probe")) {
      const handler = pick(this.#random, probeHandlers);
      return all.filter((name) => name === handler || !probeHandlers.includes(name));
    }
    if (union === undefined || chance(this.#random, oddChance)) return all;
    const [first = "", ...others] = all.filter((name) => !union.kept.includes(name));
    return [...union.kept, pick(this.#random, [first, ...others])];
  }

  /** What the schema leaves open and no cluster takes without. */
  #isNeeded({ name: owner, component }: Place, name: string): boolean {
    if (chance(this.#random, oddChance)) return false;
    if (needed[owner]?.includes(name) === true) return true;
    if (unions[component]?.one === true && name !== "prefix") return true;
    if (component.endsWith(".Probe")) return probeHandlers.includes(name);
    return component.endsWith(".Container") && name === "image";
  }

  /** A metric says of which type it is. */
  #coherent(
    object: JsonObject,
    all: readonly string[],
    component: string,
    properties: NonNullable<Schema["properties"]>,
    depth: number,
  ): JsonObject {
    if (!component.endsWith(".MetricSpec") || chance(this.#random, oddChance)) return object;
    const source = all.find((name) => name !== "type" && object[name] !== undefined) ?? "resource";
    const schema = properties[source];
    const given = object[source] ?? (schema === undefined ? {} : this.value(schema, source, depth + 1));
    return { type: source.charAt(0).toUpperCase() + source.slice(1), [source]: given };
  }
}

const singular = (name: string): string => name.replace(/s$/, "");

function distinct(entries: readonly JsonValue[], key: string | undefined): JsonValue[] {
  const seen = new Set<string>();
  return entries.filter((entry) => {
    const named = typeof entry === "object" && entry !== null && !Array.isArray(entry) && "name" in entry;
    const identity = JSON.stringify(
      named ? entry.name : typeof entry === "object" && key !== undefined ? Object(entry)[key] : entry,
    );
    return !seen.has(identity) && seen.add(identity);
  });
}
