/** What objects of Kubernetes' own kinds hold before anybody says anything of them. */

import { resolve, type Schema, type SchemaSet } from "../../../openapi/schema.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";

/**
 * Members that kube-apiserver's types cannot leave out, `spec` of a Service say: it finds them in a new object too, so that
 * who creates one owns what is in them and not themselves. Kinds of custom resources have none.
 *
 * @param name  component name of a kind
 * @throws Error for a schema that is missing: schemas are ours, so that is found at start-up
 */
export function emptyObjectOf(schemas: SchemaSet, name: string): JsonObject {
  const schema = schemas.get(name);
  if (schema === undefined) throw new Error(`no schema for ${name}`);
  const { metadata: _metadata, ...members } = membersOf(schemas, schema);
  return members;
}

function membersOf(schemas: SchemaSet, schema: Schema): JsonObject {
  const members: JsonObject = {};
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (member["x-functionmesh-always"] === true) members[name] = emptyValue(schemas, resolve(schemas, member));
  }
  for (const name of schema.required ?? []) members[name] ??= null;
  return members;
}

function emptyValue(schemas: SchemaSet, schema: Schema): JsonValue {
  switch (schema.type) {
    case "object":
      return membersOf(schemas, schema);
    case "string":
      return schema.format === "date-time" ? null : "";
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return false;
    default:
      return null;
  }
}
