/** Field sets as they stand in `metadata.managedFields` (API S-11). */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isObject } from "../json.ts";
import { type FieldNode, type FieldSet, newNode, noFields } from "./field-set.ts";
import { compareElements, parsePathElement } from "./path-element.ts";
import { maxDepth } from "./types.ts";

/** JSON that is no `fieldsV1`. */
export class FieldsV1Error extends Error {
  constructor(why: string) {
    super(why);
    this.name = "FieldsV1Error";
  }
}

/** In canonical order: the node itself first, if it is `owned`, then members, then items. */
export function toFieldsV1(set: FieldSet, owned = false): JsonObject {
  const result: JsonObject = owned ? { ".": {} } : {};
  for (const element of [...set.keys()].sort(compareElements)) {
    const node = set.get(element);
    if (node !== undefined) result[element] = nodeToJson(node);
  }
  return result;
}

function nodeToJson({ owned, below }: FieldNode): JsonObject {
  return below.size === 0 ? {} : toFieldsV1(below, owned);
}

/**
 * Steps of a kind that is not known are left out: a later version wrote them.
 *
 * @throws FieldsV1Error, PathElementError
 */
export function fromFieldsV1(json: JsonValue | undefined): FieldSet {
  return read(json ?? {}, 0)?.below ?? noFields;
}

/** A node with nothing below it is a member, whether it says so or not. */
function read(json: JsonValue, depth: number): FieldNode | undefined {
  if (depth > maxDepth) throw new FieldsV1Error(`fieldsV1 must not nest deeper than ${maxDepth} levels`);
  if (json === null) return newNode(true, noFields);
  if (!isObject(json)) throw new FieldsV1Error(`fieldsV1 must hold objects only, found ${typeof json}`);
  const below = new Map<string, FieldNode>();
  for (const name of Object.keys(json)) {
    const value = json[name];
    if (name === "." || value === undefined) continue;
    const element = parsePathElement(name);
    const node = element === undefined ? undefined : read(value, depth + 1);
    if (element !== undefined && node !== undefined) below.set(element, node);
  }
  return newNode(below.size === 0 || Object.hasOwn(json, "."), below);
}
