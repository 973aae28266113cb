/** Schemas as server-side apply reads them (API S-20): one more use of the one description of a kind (design D3). */
import { resolve, type Schema, type SchemaOrRef, type SchemaSet } from "../../../openapi/schema.ts";
import {
  freeFormType,
  type ListKey,
  type ListType,
  type MapType,
  opaqueType,
  type Scalar,
  type Type,
} from "../../machinery/structured-merge/types.ts";

/**
 * @param name  component name of a kind
 * @throws Error for a schema that is missing: schemas are ours, so that is found at start-up
 */
export function fieldTypeOf(schemas: SchemaSet, name: string): Type {
  const schema = schemas.get(name);
  if (schema === undefined) throw new Error(`no schema for ${name}`);
  return new TypeCompiler(schemas).compile(schema);
}

/** `RawExtension` holds an object of a kind that nobody here knows. */
const rawExtensionName = "io.k8s.apimachinery.pkg.runtime.RawExtension";

type MutableType = { scalar?: Scalar; list?: ListType; map?: MapType };

class TypeCompiler {
  readonly #schemas: SchemaSet;
  readonly #opaque: Schema | undefined;
  /** By the schema they are of, so that a type is compiled once and may contain itself. */
  readonly #types = new Map<Schema, Type>();

  constructor(schemas: SchemaSet) {
    this.#schemas = schemas;
    this.#opaque = schemas.get(rawExtensionName);
  }

  compile(schemaOrRef: SchemaOrRef): Type {
    const schema = resolve(this.#schemas, schemaOrRef);
    const type = this.#compileSchema(schema);
    const relation = schemaOrRef["x-kubernetes-map-type"];
    // A reference may make the map that it refers to atomic, or not.
    if (schema === schemaOrRef || relation === undefined || type.map === undefined) return type;
    return { ...type, map: { ...type.map, atomic: relation === "atomic" } };
  }

  #compileSchema(schema: Schema): Type {
    if (schema === this.#opaque) return opaqueType;
    if (schema["x-kubernetes-int-or-string"] === true || schema.format === "quantity") return { scalar: "untyped" };
    const known = this.#types.get(schema);
    if (known !== undefined) return known;
    const type: MutableType = {};
    this.#types.set(schema, type);
    switch (schema.type ?? (schema.properties === undefined ? undefined : "object")) {
      case "object":
        type.map = this.#mapOf(schema);
        break;
      case "array":
        type.list = this.#listOf(schema);
        break;
      case undefined:
        return freeFormType;
      default:
        type.scalar = scalarOf(schema);
    }
    return type;
  }

  #mapOf(schema: Schema): MapType {
    const declared = Object.entries(schema.properties ?? {});
    const fields = new Map(declared.map(([name, property]) => [name, this.compile(property)]));
    const element = this.#undeclared(schema);
    return { atomic: schema["x-kubernetes-map-type"] === "atomic", fields, element };
  }

  #undeclared(schema: Schema): Type | undefined {
    const { properties, additionalProperties } = schema;
    if (typeof additionalProperties === "object") return this.compile(additionalProperties);
    if (additionalProperties === true || schema["x-kubernetes-preserve-unknown-fields"] === true) return freeFormType;
    return properties === undefined && additionalProperties === undefined ? freeFormType : undefined;
  }

  #listOf(schema: Schema): ListType {
    const element = schema.items === undefined ? opaqueType : this.compile(schema.items);
    const keys = listKeysOf(schema);
    if (keys === undefined) return { relation: "atomic", keys: [], element };
    return { relation: keys.length === 0 ? "set" : "keyed", keys: this.#keysOf(keys, schema), element };
  }

  #keysOf(names: readonly string[], { items }: Schema): ListKey[] {
    const properties = items === undefined ? undefined : resolve(this.#schemas, items).properties;
    return names.toSorted().map((name) => {
      const property = properties?.[name];
      const implied =
        property === undefined ? undefined : (property.default ?? resolve(this.#schemas, property).default);
      return implied === undefined ? { name } : { name, default: implied };
    });
  }
}

/** The members by which items are told apart, none for a set, `undefined` for a list that is one field. */
function listKeysOf(schema: Schema): readonly string[] | undefined {
  switch (schema["x-kubernetes-list-type"]) {
    case "map":
      return schema["x-kubernetes-list-map-keys"] ?? [];
    case "set":
      return [];
    case "atomic":
      return undefined;
  }
  // Older types say it for strategic merge patch only.
  if (schema["x-kubernetes-patch-strategy"]?.split(",").includes("merge") !== true) return undefined;
  const key = schema["x-kubernetes-patch-merge-key"];
  return key === undefined ? [] : [key];
}

function scalarOf({ type, format = "" }: Schema): Scalar {
  switch (type) {
    case "integer":
    case "number":
      return "numeric";
    case "boolean":
      return "boolean";
    default:
      // These come as texts, and are something else where they are read.
      return ["byte", "int-or-string", "date-time"].includes(format) ? "untyped" : "string";
  }
}
