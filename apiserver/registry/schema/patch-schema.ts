import { resolve, type Schema, type SchemaOrRef, type SchemaSet } from "../../../openapi/schema.ts";
import type { PatchSchema } from "../../machinery/strategic-merge-patch.ts";

/**
 * What strategic merge patch goes by, read from a kind's schema. Made as far as patches reach: a schema may contain itself.
 *
 * @param name  component name of a kind, e.g. `io.k8s.api.core.v1.Pod`
 */
export function patchSchema(schemas: SchemaSet, name: string): PatchSchema {
  const schema = schemas.get(name);
  if (schema === undefined) throw new Error(`no schema for ${name}`);
  return new Place(schemas, schema);
}

class Place implements PatchSchema {
  readonly mergeKey: string | undefined;
  readonly strategy: "merge" | "replace" | undefined;
  readonly isMap: boolean;
  readonly #schemas: SchemaSet;
  readonly #schema: Schema;
  readonly #members = new Map<string, PatchSchema | undefined>();
  #items: PatchSchema | undefined;

  constructor(schemas: SchemaSet, schema: SchemaOrRef) {
    this.#schemas = schemas;
    this.#schema = resolve(schemas, schema);
    const facts = { ...this.#schema, ...schema };
    const strategies = facts["x-kubernetes-patch-strategy"]?.split(",") ?? [];
    this.mergeKey = facts["x-kubernetes-patch-merge-key"];
    // A patch that wants keys retained says so itself, so that the strategy of that name needs no looking up.
    this.strategy = (["merge", "replace"] as const).find((strategy) => strategies.includes(strategy));
    this.isMap = this.#schema.properties === undefined && this.#schema.additionalProperties !== undefined;
  }

  member(name: string): PatchSchema | undefined {
    const declared = this.#declared(name);
    if (declared === undefined || this.#members.has(name)) return this.#members.get(name);
    const place = new Place(this.#schemas, declared);
    // Keys of maps come from users, in any number: only declared fields are remembered.
    if (!this.isMap) this.#members.set(name, place);
    return place;
  }

  #declared(name: string): SchemaOrRef | undefined {
    const { properties = {}, additionalProperties } = this.#schema;
    if (Object.hasOwn(properties, name)) return properties[name];
    return typeof additionalProperties === "object" ? additionalProperties : undefined;
  }

  get items(): PatchSchema | undefined {
    if (this.#items === undefined && this.#schema.items !== undefined) {
      this.#items = new Place(this.#schemas, this.#schema.items);
    }
    return this.#items;
  }
}
