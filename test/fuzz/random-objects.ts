/** Objects of the five kinds at random: the smallest valid one with some more members, and what the API says of them. */

import { apiVersion } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { FieldError } from "../../apiserver/errors/field-error.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { runAtOnce } from "../../apiserver/machinery/turns.ts";
import { computeResources } from "../../apiserver/registry/compute/resources.ts";
import { compileSchema } from "../../apiserver/registry/schema/structural.ts";
import { isRef, type Schema, type SchemaSet } from "../../openapi/schema.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { componentName } from "../../openapi/schemas/kind.ts";
import { aSpec, type WorkloadKind } from "../support/workloads.ts";
import { chance, pick, type Random, RandomValues } from "./random-values.ts";

export type Kind = WorkloadKind | "FunctionMesh" | "BackendConfig";
export const kinds: readonly Kind[] = ["Function", "Source", "Sink", "FunctionMesh", "BackendConfig"];
const namespace = "fuzz";

export class RandomObjects {
  readonly #schemas: SchemaSet;
  readonly #random: Random;
  readonly #values: RandomValues;

  constructor(random: Random, schemas: SchemaSet = loadSchemas()) {
    this.#schemas = schemas;
    this.#random = random;
    this.#values = new RandomValues(schemas, random);
  }

  /** As its user would send it. */
  object(kind: Kind, name: string): KubeObject {
    return { apiVersion, kind, metadata: { name, namespace, uid: `uid-${name}` }, spec: this.#spec(kind) };
  }

  #spec(kind: Kind): JsonObject {
    if (kind === "BackendConfig") return this.#laidOver({}, this.#specSchema(kind));
    if (kind !== "FunctionMesh") return this.#workload(kind);
    const components = (each: WorkloadKind): JsonValue[] =>
      Array.from({ length: pick(this.#random, [0, 1, 1, 2]) }, (_, index) => ({
        ...this.#workload(each),
        name: chance(this.#random, 0.02) ? "Bad name" : `${each.charAt(0).toLowerCase()}${index}`,
      }));
    return { functions: components("Function"), sources: components("Source"), sinks: components("Sink") };
  }

  #workload(kind: WorkloadKind): JsonObject {
    const spec = this.#laidOver(aSpec(kind), this.#specSchema(kind));
    return kind === "Function" ? this.#oneRuntime(spec) : spec;
  }

  #oneRuntime(spec: JsonObject): JsonObject {
    if (chance(this.#random, 0.02)) return spec;
    const { java, python, golang, genericRuntime, ...rest } = spec;
    const [first, ...others] = Object.entries({ python, golang, genericRuntime, java }).filter(
      ([, value]) => value !== undefined,
    );
    if (first === undefined) return rest;
    const [name, value] = pick(this.#random, [first, ...others]);
    return { ...rest, ...(value !== undefined && { [name]: value }) };
  }

  /** Some members of the schema over those of `base`; of a member that both have, `base` keeps what the other lacks. */
  #laidOver(base: JsonObject, schema: Schema): JsonObject {
    const { properties = {} } = schema;
    const names = Object.keys(properties);
    const [first = "", ...others] = names;
    const spec: JsonObject = { ...base };
    const many = pick(this.#random, [1, 2, 2, 3, 4, 6]);
    const preferred = chance(this.#random, 0.5) && properties.pod !== undefined ? ["pod"] : [];
    const chosen = [...preferred, ...Array.from({ length: many }, () => pick(this.#random, [first, ...others]))];
    for (const name of new Set(chosen)) {
      const property = properties[name];
      if (property === undefined) continue;
      const value = this.#values.value(property, name);
      const known = objectOf(base, name);
      spec[name] =
        known !== undefined && typeof value === "object" && !Array.isArray(value)
          ? { ...Object(value), ...known }
          : value;
    }
    return spec;
  }

  #specSchema(kind: Kind): Schema {
    const spec = this.#schemas.get(componentName(kind))?.properties?.spec;
    if (spec === undefined || isRef(spec)) throw new Error(`${kind} has no spec of its own`);
    return spec;
  }
}

export type Verdict = { readonly object: KubeObject; readonly errors: readonly FieldError[] };

/** What the API makes of an object: schema, pruning, defaults and the rules of its kind, as a create has them. */
export function admission(schemas: SchemaSet = loadSchemas()): (object: KubeObject) => Verdict {
  const compiled = new Map(
    computeResources.map(({ kind, schemaName, strategy }) => [
      kind,
      { schema: compileSchema(schemas, schemaName), strategy },
    ]),
  );
  return ({ metadata, ...given }) => {
    const row = compiled.get(given.kind);
    if (row === undefined) throw new Error(`no resource of kind ${given.kind}`);
    const { object: decoded, errors: found } = row.schema.decode({ ...given, metadata: {} });
    const { strategy } = row;
    const typed: KubeObject = { ...decoded, apiVersion: given.apiVersion, kind: given.kind, metadata };
    if (found.length > 0) return { object: typed, errors: found };
    const defaulted = strategy.default?.(typed) ?? typed;
    const object = strategy.prepareForCreate?.(defaulted) ?? defaulted;
    const steps = strategy.validateInSteps?.(object);
    return {
      object,
      errors: [...(strategy.validate?.(object) ?? []), ...(steps === undefined ? [] : runAtOnce(steps))],
    };
  };
}
