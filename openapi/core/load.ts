import { readFileSync } from "node:fs";
import { duplicatesTolerated } from "../nodes.ts";
import { isRef, type Schema, type SchemaOrRef } from "../schema.ts";
import { wellKnownTypes } from "./well-known-types.ts";

/**
 * Schemas of Kubernetes' own kinds and of every type they mention, by component name, in order of name (design D3).
 * `core-schemas.json` holds what kube-apiserver publishes of them; `test/e2e/tools/core-schemas` generates it.
 */
export function loadCoreSchemas(): Map<string, Schema> {
  const file = new URL("core-schemas.json", import.meta.url);
  const { schemas }: { schemas: { [name: string]: Schema } } = JSON.parse(readFileSync(file, "utf8"));
  const entries = Object.entries(schemas).map(([name, schema]): [string, Schema] => [
    name,
    wellKnownTypes[name] ?? tolerant(schema),
  ]);
  return new Map(entries);
}

/** Kubernetes' own kinds merge their lists by key and accept one key twice; see `x-functionmesh-duplicates`. */
function tolerant(schema: Schema): Schema {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return schema;
  return { ...schema, properties: Object.fromEntries(properties.map(([name, child]) => [name, tolerantList(child)])) };
}

function tolerantList(schema: SchemaOrRef): SchemaOrRef {
  if (isRef(schema)) return schema;
  const listType = schema["x-kubernetes-list-type"];
  return listType === "set" || listType === "map" ? { ...schema, ...duplicatesTolerated } : schema;
}
