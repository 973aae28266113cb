import type { JsonValue } from "../../apis/meta/v1.ts";
import { isEmptyObject, isObject } from "../json.ts";
import { type FieldNode, type FieldSet, newNode, noFields } from "./field-set.ts";
import { fieldElement, itemElement } from "./path-element.ts";
import { type ListType, type MapType, memberType, shapeOf, type Type, typeAt } from "./types.ts";

/**
 * The fields that a value sets (API S-20): scalars, atomic lists and maps as one field each, items of lists and members
 * that no schema declares besides what is in them, empty maps and nulls.
 */
export function fieldsOf(type: Type, value: JsonValue): FieldSet {
  return nodeOf(type, value, 0)?.below ?? noFields;
}

function nodeOf(declared: Type, value: JsonValue, depth: number): FieldNode | undefined {
  const type = typeAt(declared, depth);
  switch (shapeOf(type, value)) {
    case "map":
      if (type.map === undefined || type.map.atomic) return newNode(true, noFields);
      return newNode(false, isObject(value) ? membersOf(type.map, value, depth) : noFields);
    case "list":
      if (type.list === undefined || type.list.relation === "atomic") return newNode(true, noFields);
      return newNode(false, Array.isArray(value) ? itemsOf(type.list, value, depth) : noFields);
    case "scalar":
      return newNode(true, noFields);
  }
}

function membersOf(map: MapType, value: { readonly [name: string]: JsonValue | undefined }, depth: number): FieldSet {
  const members = new Map<string, FieldNode>();
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    const isField = !map.fields.has(name) || item === null || (isObject(item) && isEmptyObject(item));
    const node = owned(nodeOf(memberType(map, name), item, depth + 1), isField);
    if (node !== undefined) members.set(fieldElement(name), node);
  }
  return members;
}

/** Items that share a key are one field, of which nothing inside is told apart. */
function itemsOf(list: ListType, value: readonly JsonValue[], depth: number): FieldSet {
  const items = new Map<string, FieldNode>();
  for (const item of value) {
    const element = itemElement(list, item);
    const below = items.has(element) ? noFields : (nodeOf(list.element, item, depth + 1)?.below ?? noFields);
    const node = newNode(true, below);
    if (node !== undefined) items.set(element, node);
  }
  return items;
}

function owned(node: FieldNode | undefined, isField: boolean): FieldNode | undefined {
  if (!isField || node?.owned === true) return node;
  return newNode(true, node?.below ?? noFields);
}
