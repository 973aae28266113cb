/** Our kinds as CustomResourceDefinitions, made of our schemas. */
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { resolve, type Schema, type SchemaOrRef, type SchemaSet } from "../../../openapi/schema.ts";
import { componentName, group, version } from "../../../openapi/schemas/kind.ts";
import type { Subject } from "./steps.ts";

export function definitionOf({ kind, resource, scalable }: Subject, schemas: SchemaSet): JsonObject {
  const schema = schemas.get(componentName(kind));
  if (schema === undefined) throw new Error(`no schema of ${kind}`);
  const { spec, status } = schema.properties ?? {};
  const openAPIV3Schema: JsonObject = {
    type: "object",
    properties: {
      ...(spec && { spec: structural(schemas, spec) }),
      ...(status && { status: structural(schemas, status) }),
    },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural: resource, singular: kind.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema },
          subresources: { status: {}, ...(scalable && { scale }) },
        },
      ],
    },
  };
}

const scale: JsonObject = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".status.selector",
};

/** What a structural schema may say of a value. */
const kept = [
  "type",
  "format",
  "enum",
  "default",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "nullable",
  "required",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-int-or-string",
] as const;

function structural(schemas: SchemaSet, given: SchemaOrRef): JsonObject {
  const schema: Schema = { ...resolve(schemas, given), ...withoutRef(given) };
  if (schema.format === "quantity" || schema["x-kubernetes-int-or-string"] === true)
    return { "x-kubernetes-int-or-string": true };
  const result: JsonObject = {};
  for (const name of kept) {
    const value = jsonOf(schema[name]);
    if (value !== undefined) result[name] = value;
  }
  if (schema.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, structural(schemas, property)]),
    );
  }
  if (schema.items !== undefined)
    result.items = withKeys(structural(schemas, schema.items), schema["x-kubernetes-list-map-keys"]);
  if (typeof schema.additionalProperties === "object")
    result.additionalProperties = structural(schemas, schema.additionalProperties);
  if (result.type === undefined) result.type = "object";
  return result;
}

const withoutRef = (schema: SchemaOrRef): Partial<Schema> => {
  if (!("$ref" in schema)) return {};
  const { $ref: _, ...siblings } = schema;
  return siblings;
};

/** Keys of items must be there or have a default. */
function withKeys(items: JsonObject, keys: readonly string[] = []): JsonObject {
  const properties = isObject(items.properties) ? items.properties : {};
  const missing = keys.filter((key) => isObject(properties[key]) && properties[key].default === undefined);
  const required = new Set([...(Array.isArray(items.required) ? items.required : []), ...missing]);
  return required.size === 0 ? items : { ...items, required: [...required] };
}

function jsonOf(value: unknown): JsonValue | undefined {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
