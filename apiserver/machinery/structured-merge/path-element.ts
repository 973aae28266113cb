/**
 * One step of the path to a field, as the text that `fieldsV1` has for it (API S-11): `f:name` is a member of a map,
 * `k:{"name":"a"}` an item of a keyed list, `v:"a"` a member of a set, `i:0` an item by position. Equal steps have equal
 * texts, so that texts serve as keys of maps.
 */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { abridged, quoteValue } from "../../errors/abridge.ts";
import { isObject, isRawNumber, member, parseJson, stringifyJson } from "../json.ts";
import type { ListType } from "./types.ts";

/** A text that is no step of a path. */
export class PathElementError extends Error {
  constructor(text: string, why: string) {
    super(`${quoteValue(text)} is no path element: ${why}`);
    this.name = "PathElementError";
  }
}

/**
 * Texts by name and JSON by text, of the first names that are seen: schemas use few, and each is asked for at every member
 * of an object.
 */
const fieldElements = new Map<string, string>();
const quotedFields = new Map<string, string>();
const maxKnownNames = 8192;

export function fieldElement(name: string): string {
  const known = fieldElements.get(name);
  if (known !== undefined) return known;
  const element = `f:${name}`;
  if (fieldElements.size < maxKnownNames) {
    fieldElements.set(name, element);
    if (plainField.test(element)) quotedFields.set(element, JSON.stringify(element));
  }
  return element;
}
const plainField = /^f:[ -~]*$/;

/** The element as a name in JSON. */
export function quotedElement(element: string): string {
  return quotedFields.get(element) ?? JSON.stringify(element);
}

/** @returns the name of a member, `undefined` for a step into a list */
export function fieldName(element: string): string | undefined {
  return element.startsWith("f:") ? element.slice(2) : undefined;
}

export function valueElement(value: JsonValue): string {
  return `v:${canonicalText(value)}`;
}

/** @param fields  in order of name */
function keyElement(fields: readonly (readonly [name: string, value: JsonValue])[]): string {
  return `k:{${fields.map(([name, value]) => `${canonicalText(name)}:${canonicalText(value)}`).join(",")}}`;
}

/** The step to an item of a set or keyed list; one without identity, which validation refuses, is told by its content. */
export function itemElement(list: ListType, item: JsonValue): string {
  if (list.relation !== "keyed" || !isObject(item)) return valueElement(item);
  return keyElement(keyOf(list, item));
}

function keyOf(list: ListType, item: JsonObject): [name: string, value: JsonValue][] {
  return list.keys.flatMap(({ name, default: implied }): [string, JsonValue][] => {
    const value = member(item, name) ?? implied;
    return value === undefined ? [] : [[name, value]];
  });
}

/** Why an item of a set or keyed list cannot be told from the others, worded as Kubernetes does (API S-30). */
export function identityProblem(list: ListType, item: JsonValue): string | undefined {
  if (list.relation === "keyed") {
    if (item === null) return "associative list with keys may not have a null element";
    if (!isObject(item)) return "associative list with keys may not have non-map elements";
    if (keyOf(list, item).length > 0) return undefined;
    const names = list.keys.map(({ name }) => JSON.stringify(name)).join(" ");
    return `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`;
  }
  if (item === null) return "associative list without keys has an element that's an explicit null";
  if (Array.isArray(item)) return "not supported: associative list with lists as elements";
  return isObject(item) ? "associative list without keys has an element that's a map type" : undefined;
}

/**
 * @returns the canonical text, or `undefined` for a step of a kind that only a later version knows: it is left out
 * @throws PathElementError
 */
export function parsePathElement(text: string): string | undefined {
  if (text.length < 2) throw new PathElementError(text, "it must have 2 characters at least");
  if (text[1] !== ":") throw new PathElementError(text, "its second character must be a colon");
  switch (text[0]) {
    case "f":
      return text;
    case "k":
      return parseKey(text);
    case "v":
      return valueElement(parseValue(text));
    case "i":
      if (!/^i:[-+]?\d{1,15}$/.test(text)) throw new PathElementError(text, "its index must be a number");
      return `i:${Number(text.slice(2))}`;
    default:
      return undefined;
  }
}

function parseKey(text: string): string {
  const key = parseValue(text);
  if (!isObject(key)) throw new PathElementError(text, "its key must be a JSON object");
  const names = Object.keys(key).sort(compareTexts);
  return keyElement(names.map((name) => [name, member(key, name) ?? null]));
}

function parseValue(text: string): JsonValue {
  try {
    return parseJson(text.slice(2));
  } catch (error) {
    if (error instanceof SyntaxError) throw new PathElementError(text, "it must end in JSON");
    throw error;
  }
}

/** As conflicts name it (API S-27): `.name`, `[name="a"]`, `[="a"]`, `[0]`; long ones are cut. */
export function describeElement(element: string): string {
  return abridged(fullDescription(element));
}

function fullDescription(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${rest}`;
    case "k": {
      const key = parseJson(rest);
      const fields = isObject(key) ? Object.keys(key).map((name) => `${name}=${stringifyJson(key[name] ?? null)}`) : [];
      return `[${fields.join(",")}]`;
    }
    case "v":
      return `[=${stringifyJson(parseJson(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

const kindOrder = "fkvi";

/** In the order of `fieldsV1`. */
export function sortedElements(elements: Iterable<string>): string[] {
  const list = [...elements];
  // Of these the order is that of JavaScript, which needs no help.
  if (list.length < 2 || list.every(isPlain)) return list.sort();
  return list
    .map(placed)
    .sort(comparePlaced)
    .map(({ element }) => element);
}

const isPlain = (element: string): boolean =>
  quotedFields.has(element) || plainField.test(element) || plainItem.test(element);
/** Items by a text, or by one key that is a text, of characters that neither need escapes nor come before the quote. */
const plainItem = /^(?:v:"[#-[\]-~]*"|k:\{"[#-[\]-~]*":"[#-[\]-~]*"\})$/;

/** The order of steps in `fieldsV1`: members, then items by key, by value, by position. */
export const compareElements = (a: string, b: string): number => comparePlaced(placed(a), placed(b));

/** A step with what decides its place: read once for each, not once for each comparison. */
type Placed = { readonly element: string; readonly kind: number; readonly value: JsonValue };

function placed(element: string): Placed {
  const value = element.startsWith("f:") ? null : parseJson(element.slice(2));
  return { element, kind: kindOrder.indexOf(element[0] ?? ""), value };
}

function comparePlaced(a: Placed, b: Placed): number {
  if (a.kind !== b.kind || a.element === b.element) return a.kind - b.kind;
  return a.element.startsWith("f:") ? compareTexts(a.element, b.element) : compareValues(a.value, b.value);
}

/** Numbers come before texts, texts before booleans; keys are compared field by field. */
function compareValues(a: JsonValue, b: JsonValue): number {
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  if (isObject(a) && isObject(b)) return compareKeys(Object.entries(a), Object.entries(b));
  const difference = numberOf(a) - numberOf(b);
  return Number.isNaN(difference) || difference === 0
    ? compareTexts(stringifyJson(a), stringifyJson(b))
    : Math.sign(difference);
}

type Entries = readonly (readonly [name: string, value: JsonValue | undefined])[];

function compareKeys(a: Entries, b: Entries): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareTexts(name, other[0]) || compareValues(value ?? null, other[1] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function rankOf(value: JsonValue): number {
  if (typeof value === "number" || isRawNumber(value)) return 0;
  if (typeof value === "string") return 1;
  if (typeof value === "boolean") return 2;
  if (value === null) return 5;
  return Array.isArray(value) ? 3 : 4;
}

function numberOf(value: JsonValue): number {
  return isRawNumber(value) ? Number(value.rawJSON) : Number(typeof value === "object" ? Number.NaN : value);
}

/** By code point, as Go compares the bytes; UTF-16 orders some rare characters otherwise. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return (isSurrogate(left) === isSurrogate(right) ? left < right : isSurrogate(right)) ? -1 : 1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** JSON with what Go escapes; a number that a double holds is printed one way, however it was written. */
function canonicalText(value: JsonValue): string {
  if (isRawNumber(value))
    return Number.isSafeInteger(Number(value.rawJSON)) ? String(Number(value.rawJSON)) : value.rawJSON;
  const text = stringifyJson(value);
  return /[<>&\u2028\u2029]/.test(text)
    ? text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : text;
}
