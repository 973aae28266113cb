import type { ReferenceObject, SchemaObject } from "openapi3-ts/oas30";
import type { JsonObject } from "./json.ts";

/**
 * One node of a kind's schema (design D3): OpenAPI 3.0 with the Kubernetes extensions this server reads. It is the
 * only description of a kind: validation, defaulting, pruning, strict decoding, `kubectl explain` and the published
 * documents are all read from it.
 *
 * - `properties` without `additionalProperties`: closed, other members are unknown fields
 * - `x-kubernetes-preserve-unknown-fields`: members that are not declared are kept as they are
 * - `x-kubernetes-int-or-string`, `format: "quantity"`: read by validation, see `registry/schema/`
 */
export type Schema = Omit<SchemaObject, "properties" | "items" | "additionalProperties" | "allOf" | "type"> & {
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  properties?: { [name: string]: SchemaOrRef };
  items?: SchemaOrRef;
  additionalProperties?: SchemaOrRef | boolean;
  /** Only as published: a reference with siblings (API O-43). */
  allOf?: ReferenceObject[];
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-int-or-string"?: true;
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  /**
   * For validation only, never published: entries of a set or map list may be alike. Kubernetes' own kinds merge their
   * lists by key and yet accept, for example, one environment variable twice, of which the last counts.
   */
  "x-functionmesh-duplicates"?: "tolerated";
  /** Never published: a member that Kubernetes' own types have at any time, empty at least. */
  "x-functionmesh-always"?: true;
  "x-kubernetes-map-type"?: "granular" | "atomic";
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
};

/** A reference may carry a description, a default and list or map facts of its own; they win over the target's. */
export type SchemaRef = ReferenceObject &
  Pick<
    Schema,
    | "description"
    | "default"
    | "x-functionmesh-always"
    | "x-kubernetes-map-type"
    | "x-kubernetes-patch-strategy"
    | "x-kubernetes-patch-merge-key"
  >;

export type SchemaOrRef = Schema | SchemaRef;

declare const valueType: unique symbol;

/**
 * A schema whose values have the type `T`. Only the compiler knows: builders of `nodes.ts` say it, `ValueOf` reads it, and
 * at run time there is nothing of it.
 */
export type Typed<T, S extends SchemaOrRef = Schema> = S & { readonly [valueType]?: T };

/** The type of what a schema describes. Members may be absent, whatever the schema requires: it is read before it is judged. */
export type ValueOf<S> = S extends { readonly [valueType]?: infer T } ? T : never;

/** The type of an object with these properties. */
export type ObjectOf<Properties> = { [Name in keyof Properties]?: ValueOf<Properties[Name]> };

/** Schemas by component name, e.g. `io.functionmesh.compute.v1alpha1.Function`. */
export type SchemaSet = ReadonlyMap<string, Schema>;

/** Of references within a schema set, and in published OpenAPI v3. */
export const refPrefix = "#/components/schemas/";

/** @typeParam T  of what it leads to, as far as our own code reads it */
export function ref<T = JsonObject>(name: string, siblings: Omit<SchemaRef, "$ref"> = {}): Typed<T, SchemaRef> {
  return { $ref: refPrefix + name, ...siblings };
}

export function isRef(schema: SchemaOrRef): schema is SchemaRef {
  return "$ref" in schema;
}

/** @throws Error when the reference leads nowhere: schemas are ours, so that is a bug found at start-up */
export function resolve(schemas: SchemaSet, schema: SchemaOrRef): Schema {
  if (!isRef(schema)) return schema;
  const target = schemas.get(schema.$ref.slice(refPrefix.length));
  if (target === undefined) throw new Error(`no schema for ${schema.$ref}`);
  return target;
}
