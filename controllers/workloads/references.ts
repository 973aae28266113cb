/** Names of ConfigMaps and Secrets that pods need, and which of them don't exist. */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { type AnswerLifetimes, Existence } from "../../apiserver/client/existence.ts";
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

/** What is missing is soon made, and pods that find it tell by themselves; what is there rarely goes. */
const lifetimes: AnswerLifetimes = { presentMs: 300_000, missingMs: 10_000 };

/** Looks references up, each at most once in its lifetime however many workloads have it. */
export class ReferenceChecker {
  readonly #existence: Existence;

  constructor(client: ResourceClient, clock: Clock) {
    this.#existence = new Existence(client, clock, lifetimes);
  }

  /** Those that don't exist. One that we may not read counts as present. */
  async missing(namespace: string, references: readonly Reference[], signal: AbortSignal): Promise<Reference[]> {
    const answers = await Promise.all(
      references.map(({ kind, name }) => this.#existence.isMissing({ type: hostTypes[kind], namespace, name }, signal)),
    );
    return references.filter((_, index) => answers[index] === true);
  }
}
