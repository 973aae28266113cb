import { duplicatesTolerated, type ListFacts } from "../nodes.ts";
import { ref, type Schema, type SchemaOrRef } from "../schema.ts";
import {
  anyTypes,
  atomicMaps,
  defaults,
  enums,
  intOrStringName,
  kinds,
  lists,
  metaPackage,
  packages,
  quantities,
  quantityName,
  undocumented,
  wellKnownTypes,
} from "./facts.ts";
import type { FieldType, Model, ModelField } from "./model.ts";

/** Models that stand for one of the well-known types. */
const scalarModels: { readonly [model: string]: string } = {
  Date: `${metaPackage}.Time`,
  V1MicroTime: `${metaPackage}.MicroTime`,
  IntOrString: intOrStringName,
};

/**
 * Schemas of the kinds that `facts.ts` names and of every type they mention, by component name, in a stable order.
 *
 * @param readModel  a model by the package's name of it, e.g. `V1Container`
 */
export function generateCoreSchemas(readModel: (name: string) => Model): Map<string, Schema> {
  const models = closure(readModel);
  const schemas = new Map<string, Schema>(Object.entries(wellKnownTypes));
  for (const [name, model] of models) schemas.set(componentName(name), objectSchema(name, model));
  for (const { group, version, models: names } of kinds) {
    for (const name of names) {
      const schema = schemas.get(componentName(name));
      if (schema === undefined) throw new Error(`no schema was made of ${name}`);
      schema["x-kubernetes-group-version-kind"] = [{ group, version, kind: shortName(name) }];
    }
  }
  return new Map([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @returns e.g. `io.k8s.api.core.v1.Container` for `V1Container` */
export function componentName(model: string): string {
  const packageName = packages.find(([pattern]) => pattern.test(model))?.[1];
  return `${packageName}.${shortName(model)}`;
}

function shortName(model: string): string {
  return model.replace(/^(Core|Events|Authentication|Rbac)?V\d((alpha|beta)\d)?/, "");
}

function closure(readModel: (name: string) => Model): Map<string, Model> {
  const found = new Map<string, Model>();
  const pending = kinds.flatMap(({ models }) => models);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name) || name in scalarModels) continue;
    const model = readModel(name);
    found.set(name, model);
    pending.push(...model.fields.flatMap(({ type }) => mentionedModels(type)));
  }
  return found;
}

function mentionedModels(type: FieldType): string[] {
  if (type.is === "model") return [type.name];
  return type.is === "list" || type.is === "map" ? mentionedModels(type.of) : [];
}

function objectSchema(name: string, model: Model): Schema {
  const required = model.fields.filter((field) => field.required).map((field) => field.name);
  return {
    type: "object",
    description: model.description,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(model.fields.map((field) => [field.name, fieldSchema(name, field)])),
    ...(atomicMaps.has(name) && { "x-kubernetes-map-type": "atomic" }),
  };
}

function fieldSchema(model: string, field: ModelField): SchemaOrRef {
  const path = `${model}.${field.name}`;
  const description =
    field.description || undocumented[path] || (field.type.is === "model" && undocumented[field.type.name]);
  return {
    ...typeSchema(field.type, path),
    ...(description && { description }),
    ...(path in defaults && { default: defaults[path] }),
    ...(atomicMaps.has(path) && { "x-kubernetes-map-type": "atomic" as const }),
  };
}

function typeSchema(type: FieldType, path: string): SchemaOrRef {
  switch (type.is) {
    case "scalar":
      if (quantities.has(path)) return ref(quantityName);
      return scalarSchema(type.name, type.format, enums[path]);
    case "any": {
      const name = anyTypes[path];
      if (name === undefined) throw new Error(`${path} can be anything: say what in facts.ts`);
      return ref(name);
    }
    case "model":
      return ref(scalarModels[type.name] ?? componentName(type.name));
    case "list":
      return { type: "array", items: typeSchema(type.of, path), ...listFacts(path) };
    case "map":
      return { type: "object", additionalProperties: typeSchema(type.of, path) };
  }
}

function listFacts(path: string): ListFacts {
  if (path.endsWith("List.items")) return {};
  const facts = lists[path] ?? { "x-kubernetes-list-type": "atomic" };
  return facts["x-kubernetes-list-type"] === "atomic" ? facts : { ...facts, ...duplicatesTolerated };
}

function scalarSchema(name: "string" | "number" | "boolean", format: string, values?: readonly string[]): Schema {
  const type = name === "number" && format.startsWith("int") ? "integer" : name;
  return { type, ...(format !== "" && { format }), ...(values !== undefined && { enum: [...values] }) };
}
