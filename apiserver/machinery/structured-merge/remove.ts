import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isEmptyObject, isObject, setMember } from "../json.ts";
import { type FieldNode, type FieldSet, mapNodes } from "./field-set.ts";
import { fieldElement, fieldName, itemElement } from "./path-element.ts";
import { type ListType, type MapType, memberType, shapeOf, type Type, typeAt } from "./types.ts";

/**
 * `value` without these fields and all that is in them. A map or list that loses its last member becomes null, an atomic
 * one that holds one of the fields too.
 *
 * @returns `value` itself when it has none of them
 */
export function remove(type: Type, value: JsonValue, fields: FieldSet): JsonValue {
  return fields.size === 0 ? value : removeAt(type, value, fields, 0);
}

function removeAt(declared: Type, value: JsonValue, fields: FieldSet, depth: number): JsonValue {
  const type = typeAt(declared, depth);
  switch (shapeOf(type, value)) {
    case "map":
      if (!isObject(value) || isEmptyObject(value) || type.map === undefined || type.map.atomic) return null;
      return removeMembers(type.map, value, fields, depth);
    case "list":
      if (!Array.isArray(value) || value.length === 0 || type.list === undefined) return null;
      return type.list.relation === "atomic" ? null : removeItems(type.list, value, fields, depth);
    case "scalar":
      return value;
  }
}

function removeMembers(map: MapType, value: JsonObject, fields: FieldSet, depth: number): JsonValue {
  let result = value;
  for (const name of Object.keys(value)) {
    const before = value[name];
    const node = fields.get(fieldElement(name));
    if (node === undefined || before === undefined) continue;
    const after = node.owned ? undefined : removeAt(memberType(map, name), before, node.below, depth + 1);
    if (after === before) continue;
    if (result === value) result = { ...value };
    if (after === undefined) delete result[name];
    else setMember(result, name, after);
  }
  return isEmptyObject(result) ? null : result;
}

function removeItems(list: ListType, value: JsonValue[], fields: FieldSet, depth: number): JsonValue {
  const kept: JsonValue[] = [];
  let changed = false;
  for (const item of value) {
    const node = fields.get(itemElement(list, item));
    if (node?.owned === true) {
      changed = true;
      continue;
    }
    const after = node === undefined ? item : removeAt(list.element, item, node.below, depth + 1);
    if (after !== item) changed = true;
    kept.push(after);
  }
  if (kept.length === 0) return null;
  return changed ? kept : value;
}

/**
 * The part of `value` that these fields are, with the keys of the items that they are in: what one manager says of an
 * object. `undefined` when it says nothing.
 */
export function extract(type: Type, value: JsonValue, fields: FieldSet): JsonValue | undefined {
  return extractAt(type, value, { owned: false, below: fields }, 0);
}

function extractAt(declared: Type, value: JsonValue, node: FieldNode, depth: number): JsonValue | undefined {
  const type = typeAt(declared, depth);
  const shape = shapeOf(type, value);
  if (shape === "map" && type.map?.atomic === false && isObject(value) && !isEmptyObject(value)) {
    return extractMembers(type.map, value, node, depth);
  }
  if (shape === "list" && type.list !== undefined && type.list.relation !== "atomic" && Array.isArray(value)) {
    return extractItems(type.list, value, node, depth);
  }
  return node.owned || node.below.size > 0 ? value : undefined;
}

function extractMembers(map: MapType, value: JsonObject, node: FieldNode, depth: number): JsonValue | undefined {
  const result: JsonObject = {};
  for (const name of Object.keys(value)) {
    const before = value[name];
    const below = node.below.get(fieldElement(name));
    if (below === undefined || before === undefined) continue;
    const after = extractAt(memberType(map, name), before, below, depth + 1);
    if (after !== undefined) setMember(result, name, after);
  }
  return isEmptyObject(result) && !node.owned ? undefined : result;
}

function extractItems(
  list: ListType,
  value: readonly JsonValue[],
  node: FieldNode,
  depth: number,
): JsonValue | undefined {
  const result: JsonValue[] = [];
  for (const item of value) {
    const below = node.below.get(itemElement(list, item));
    const part = below === undefined ? undefined : extractAt(list.element, item, below, depth + 1);
    if (part !== undefined) result.push(withKeys(list, item, part));
  }
  return result.length === 0 && !node.owned ? undefined : result;
}

function withKeys(list: ListType, item: JsonValue, part: JsonValue): JsonValue {
  if (!isObject(item) || !isObject(part)) return part;
  const keys: JsonObject = {};
  for (const { name } of list.keys) if (Object.hasOwn(item, name)) keys[name] = item[name];
  return { ...keys, ...part };
}

/** The set with every member of a struct as a field that has fields in it (`spec` when it has `spec.replicas`). */
export function withNamedFields(type: Type | undefined, fields: FieldSet): FieldSet {
  return mapNodes(fields, (node, element) => {
    const name = fieldName(element);
    const below = withNamedFields(typeBelow(type, element), node.below);
    const owned = node.owned || (name !== undefined && type?.map?.fields.has(name) === true);
    return owned === node.owned && below === node.below ? node : { owned, below };
  });
}

function typeBelow(type: Type | undefined, element: string): Type | undefined {
  const name = fieldName(element);
  if (name !== undefined && type?.map !== undefined) return type.map.fields.get(name) ?? type.map.element;
  return element.startsWith("k:") ? type?.list?.element : undefined;
}
