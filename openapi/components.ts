import { intOrStringName, quantityName } from "./core/well-known-types.ts";
import { isRef, refPrefix, type Schema, type SchemaOrRef, type SchemaSet } from "./schema.ts";

/** A schema as it is published: references and scalars in the notation of one version of OpenAPI. */
export type PublishedSchema = { [key: string]: unknown };

/** How one version of OpenAPI writes what Kubernetes' schemas need (API O-43, O-49, O-56). */
export type Notation = {
  readonly refPrefix: string;
  /** A reference with siblings. */
  readonly reference: ($ref: string, siblings: PublishedSchema) => PublishedSchema;
  /** In place of scalars of more than one type, by component name. */
  readonly scalars: { readonly [name: string]: PublishedSchema };
  /** Members that aren't published. */
  readonly omit: ReadonlySet<string>;
};

export const v3Notation: Notation = {
  refPrefix,
  reference: ($ref, siblings) => (Object.keys(siblings).length === 0 ? { $ref } : { ...siblings, allOf: [{ $ref }] }),
  scalars: {
    [quantityName]: { oneOf: [{ type: "string" }, { type: "number" }] },
    [intOrStringName]: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  },
  omit: new Set(["x-functionmesh-duplicates", "x-functionmesh-always"]),
};

export const v2Notation: Notation = {
  refPrefix: "#/definitions/",
  reference: ($ref, siblings) => ({ ...siblings, $ref }),
  scalars: {
    [quantityName]: { type: "string" },
    [intOrStringName]: { type: "string", format: "int-or-string" },
  },
  omit: new Set(["x-functionmesh-duplicates", "x-functionmesh-always", "default", "nullable"]),
};

/**
 * The schemas that `roots` name, and all that these mention, in order of name.
 *
 * @throws Error when a name has no schema
 */
export function reachableSchemas(schemas: SchemaSet, roots: Iterable<string>): [name: string, schema: Schema][] {
  const found = new Map<string, Schema>();
  const pending = [...roots];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name)) continue;
    const schema = schemas.get(name);
    if (schema === undefined) throw new Error(`no schema named ${name}`);
    found.set(name, schema);
    pending.push(...mentions(schema));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function mentions(schema: SchemaOrRef): string[] {
  if (isRef(schema)) return [schema.$ref.slice(refPrefix.length)];
  const children = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : []),
  ];
  return children.flatMap(mentions);
}

/** @param name  of the component; well-known scalars are written in the notation's own way */
export function publishComponent(name: string, schema: Schema, notation: Notation): PublishedSchema {
  const scalar = notation.scalars[name];
  return scalar === undefined ? publish(schema, notation) : { description: schema.description, ...scalar };
}

function publish(schema: SchemaOrRef, notation: Notation): PublishedSchema {
  if (isRef(schema)) {
    const { $ref, ...siblings } = schema;
    return notation.reference(notation.refPrefix + $ref.slice(refPrefix.length), without(siblings, notation.omit));
  }
  const { properties, items, additionalProperties, ...rest } = schema;
  return {
    ...without(rest, notation.omit),
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, publish(value, notation)])),
    }),
    ...(items !== undefined && { items: publish(items, notation) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === "boolean" ? additionalProperties : publish(additionalProperties, notation),
    }),
  };
}

function without(members: PublishedSchema, omitted: ReadonlySet<string>): PublishedSchema {
  return Object.fromEntries(Object.entries(members).filter(([key]) => !omitted.has(key)));
}
