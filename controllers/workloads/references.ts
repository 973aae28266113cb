/** Names of ConfigMaps and Secrets that pods need, and which of them don't exist. */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { isNotFound } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { isTrue, listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { hostTypes } from "./host-types.ts";
import { partOf } from "./parts.ts";

export type Reference = { readonly kind: "ConfigMap" | "Secret"; readonly name: string };

/** What the pods of a StatefulSet can't start without. */
export function referencesOf(statefulSet: KubeObject): Reference[] {
  const spec = objectOf(objectOf(partOf(statefulSet, "spec"), "template"), "spec");
  const containers = [...listOf(spec, "initContainers"), ...listOf(spec, "containers")].filter(isObject);
  const found = [
    ...containers.flatMap((container) =>
      listOf(container, "envFrom").flatMap((source) => sources(source, "Ref", "name")),
    ),
    ...containers.flatMap((container) =>
      listOf(container, "env").flatMap((variable) =>
        sources(objectOf(fields(variable), "valueFrom"), "KeyRef", "name"),
      ),
    ),
    ...listOf(spec, "volumes").flatMap(volumeReferences),
  ];
  const distinct = new Map(found.map((reference) => [`${reference.kind}/${reference.name}`, reference]));
  return [...distinct.values()];
}

const fields = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});

function volumeReferences(volume: JsonValue): Reference[] {
  const { projected, secret } = fields(volume);
  return [
    ...sources(volume, "", "name"),
    ...required("Secret", fields(secret), "secretName"),
    ...listOf(fields(projected), "sources").flatMap((source) => sources(source, "", "name")),
  ];
}

/** References in members called `configMap` and `secret` followed by `suffix`. */
function sources(value: JsonValue | undefined, suffix: string, nameField: string): Reference[] {
  const members = fields(value);
  return [
    ...required("ConfigMap", fields(members[`configMap${suffix}`]), nameField),
    ...required("Secret", fields(members[`secret${suffix}`]), nameField),
  ];
}

function required(kind: Reference["kind"], reference: JsonObject, nameField: string): Reference[] {
  const name = textOf(reference, nameField);
  return name === "" || isTrue(reference, "optional") ? [] : [{ kind, name }];
}

/** How long an answer counts, in ms: what is missing is soon made, what is there rarely goes. */
const lifetimeMs = { present: 300_000, missing: 10_000 };
/** Far more than the namespaces of an installation use; forgetting costs a request. */
const maxRemembered = 10_000;

/** Looks references up, each at most once in its lifetime however many workloads have it. */
export class ReferenceChecker {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly missing: boolean; readonly until: number }>();

  constructor(client: ResourceClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Those that don't exist. One that we may not read counts as present. */
  async missing(namespace: string, references: readonly Reference[], signal: AbortSignal): Promise<Reference[]> {
    const answers = await Promise.all(references.map((reference) => this.#isMissing(namespace, reference, signal)));
    return references.filter((_, index) => answers[index] === true);
  }

  async #isMissing(namespace: string, { kind, name }: Reference, signal: AbortSignal): Promise<boolean> {
    const key = `${kind}/${namespace}/${name}`;
    const known = this.#answers.get(key);
    if (known !== undefined && known.until > this.#clock.now()) return known.missing;
    const missing = await this.#client.get({ type: hostTypes[kind], namespace, name }, { signal }).then(
      () => false,
      (error: unknown) => isNotFound(error),
    );
    signal.throwIfAborted();
    this.#answers.delete(key);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size >= maxRemembered && oldest !== undefined) this.#answers.delete(oldest);
    this.#answers.set(key, { missing, until: this.#clock.now() + lifetimeMs[missing ? "missing" : "present"] });
    return missing;
  }
}
