import type { JsonObject } from "./json.ts";
import type { ObjectOf, Schema, SchemaOrRef, Typed, ValueOf } from "./schema.ts";

/** The words that kinds are described in: one function per shape of a field. */

type Facts = Pick<Schema, "default" | "minimum" | "x-kubernetes-map-type">;
export type ListFacts = Pick<
  Schema,
  | "x-kubernetes-list-type"
  | "x-kubernetes-list-map-keys"
  | "x-functionmesh-duplicates"
  | "x-kubernetes-patch-strategy"
  | "x-kubernetes-patch-merge-key"
>;
type Properties = { [name: string]: SchemaOrRef };

/** @typeParam T  narrower than text where our own code is the only writer */
export function text<T extends string = string>(description: string, facts: Facts = {}): Typed<T> {
  return { type: "string", description, ...facts };
}

/** One of a closed set. */
export function choice<const T extends string>(values: readonly T[], description: string): Typed<T> {
  return { type: "string", enum: [...values], description };
}

export function flag(description: string): Typed<boolean> {
  return { type: "boolean", description };
}

export function int32(description: string, facts: Facts = {}): Typed<number> {
  return { type: "integer", format: "int32", description, ...facts };
}

export function int64(description: string, facts: Facts = {}): Typed<number> {
  return { type: "integer", format: "int64", description, ...facts };
}

/** RFC 3339. */
export function instant(description: string): Typed<string> {
  return { type: "string", format: "date-time", description };
}

/** Replaced as a whole by apply, unless `facts` say how entries are told apart. */
export function list<S extends SchemaOrRef>(
  items: S,
  description: string,
  facts: ListFacts = { "x-kubernetes-list-type": "atomic" },
): Typed<ValueOf<S>[]> {
  return { type: "array", items, description, ...facts };
}

/** A list of texts. */
export function texts(description: string, facts?: ListFacts): Typed<string[]> {
  const items: Typed<string> = { type: "string" };
  return list(items, description, facts);
}

/** Entries that are told apart by these members. Strategic merge patch knows one of them only: the first. */
export function keyedBy(key: string, ...more: string[]): ListFacts {
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key, ...more], ...patchedBy(key) };
}

export const duplicatesTolerated: ListFacts = { "x-functionmesh-duplicates": "tolerated" };

/** What strategic merge patch goes by. */
export function patchedBy(key: string): ListFacts {
  return { "x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": "merge" };
}

/** Any key; the values are all alike. */
export function map<S extends SchemaOrRef>(values: S, description: string): Typed<{ [key: string]: ValueOf<S> }> {
  return { type: "object", additionalProperties: values, description };
}

export function textMap(description: string): Typed<{ [key: string]: string }> {
  return { type: "object", additionalProperties: { type: "string" }, description };
}

/** Closed: members that are not listed are unknown fields. */
export function object<P extends Properties>(
  description: string,
  properties: P,
  required: readonly (keyof P & string)[] = [],
): Typed<ObjectOf<P>> {
  return { type: "object", description, properties, ...(required.length > 0 && { required: [...required] }) };
}

/** As `object`, of what only this program writes: members that are required are there. */
export function record<P extends Properties, const R extends keyof P & string>(
  description: string,
  properties: P,
  required: readonly R[],
): Typed<ObjectOf<Omit<P, R>> & { [Name in R]: ValueOf<P[Name]> }> {
  const schema: Schema = object(description, properties, required);
  return schema;
}

/** Whatever the user writes is kept digit for digit. */
export function freeForm(description: string): Typed<JsonObject> {
  return { type: "object", description, "x-kubernetes-preserve-unknown-fields": true };
}

/**
 * The same schema in which nothing of our own is required; types it refers to are left alone.
 *
 * The operator's webhook writes absent strings of Functions, Sources and Sinks as empty ones before their schema is
 * checked, so there `required` never fires; it does inside a FunctionMesh, which has no webhook (FM 1.2). What a
 * workload really needs is validated per kind, with the rules of FM section 3.
 */
export function withoutRequired(schema: SchemaOrRef): SchemaOrRef {
  if ("$ref" in schema) return schema;
  const { required: _, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, withoutRequired(property)]),
      ),
    }),
    ...(items !== undefined && { items: withoutRequired(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === "boolean" ? additionalProperties : withoutRequired(additionalProperties),
    }),
  };
}
