/** Field sets as they stand in `metadata.managedFields` (API S-11). */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isObject, member } from "../json.ts";
import { runAtOnce, type Steps } from "../turns.ts";
import { type FieldNode, type FieldSet, leaf, newNode, noFields } from "./field-set.ts";
import { fieldName, parsePathElement, quotedElement, sortedElements } from "./path-element.ts";
import { maxDepth } from "./types.ts";

/** JSON that is no `fieldsV1`. */
export class FieldsV1Error extends Error {
  constructor(why: string) {
    super(why);
    this.name = "FieldsV1Error";
  }
}

/** Fields that are printed in one step, a µs or so each. */
const stepFields = 500;

/** The JSON in canonical order: the node itself first, if it is `owned`, then members, then items. */
export function* fieldsV1TextInSteps(set: FieldSet, owned = false): Steps<string> {
  let text = owned ? '".":{}' : "";
  let printed = 0;
  for (const element of sortedElements(set.keys())) {
    if (++printed % stepFields === 0) yield;
    const { below, owned: isOwned } = set.get(element) ?? leaf;
    const inner = below.size === 0 ? "{}" : yield* fieldsV1TextInSteps(below, isOwned);
    text += `${text === "" ? "" : ","}${quotedElement(element)}:${inner}`;
  }
  return `{${text}}`;
}

/** As `fieldsV1TextInSteps`. */
export const fieldsV1Text = (set: FieldSet): string => runAtOnce(fieldsV1TextInSteps(set));

/** As `fieldsV1Text`, parsed. */
export function toFieldsV1(set: FieldSet): JsonObject {
  return JSON.parse(fieldsV1Text(set));
}

/**
 * Steps of a kind that is not known are left out: a later version wrote them.
 *
 * @throws FieldsV1Error, PathElementError
 */
export function fromFieldsV1(json: JsonValue | undefined): FieldSet {
  return read(json ?? {}, 0)?.below ?? noFields;
}

/**
 * Whether the set that this is may have any of these fields: `false` is sure, and costs no more than the fields that are
 * asked for. Only names of members are compared, for items can be written in several ways.
 */
export function mayHold(json: JsonObject, fields: FieldSet): boolean {
  for (const [element, node] of fields) {
    if (fieldName(element) === undefined) return true;
    const below = member(json, element);
    if (below === undefined) continue;
    if (node.owned || !isObject(below) || mayHold(below, node.below)) return true;
  }
  return false;
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
