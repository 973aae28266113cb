/**
 * How many members the objects of a JSON value have in all, and items its lists. Reading, comparing, owning and printing take a step for each of
 * them: their number, more than the length of a text, is what a write costs.
 */
import type { JsonObject, KubeObject } from "../apis/meta/v1.ts";
import { newRequestEntityTooLarge } from "../errors/status-error.ts";
import { type Limit, limits } from "../limits.ts";
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfString,
  firstOfNull,
  maxDepth,
  openBrace,
  openBracket,
  quote,
} from "./json-text.ts";

/** A body has more members or items than it may have; answered as 400. */
export class TooManyPartsError extends SyntaxError {
  constructor({ value, of }: Limit) {
    super(`more than ${value} ${of}`);
    this.name = "TooManyPartsError";
  }
}

/** `"":0,` */
const shortestMember = 5;
/** `{},` */
const shortestItem = 3;

/**
 * Looks at the text alone, and not even at that when it is too short for so many. What nests too deep is the parser's to
 * refuse.
 *
 * @throws TooManyPartsError
 */
export function checkBodyParts(json: string): void {
  const { maxBodyMembers, maxBodyItems } = limits;
  if (json.length < Math.min(maxBodyMembers.value * shortestMember, maxBodyItems.value * shortestItem)) return;
  let members = 0;
  /** Texts, objects, lists and nulls that follow no colon: names of members, and items. */
  let others = 0;
  let afterColon = true;
  let depth = 0;
  for (let i = 0; i < json.length && depth <= maxDepth; i++) {
    const code = json.charCodeAt(i);
    if (code === colon) {
      members++;
      afterColon = true;
    } else if (code === comma) afterColon = false;
    else if (code === closeBrace || code === closeBracket) depth--;
    else if (code === quote || code === openBrace || code === openBracket || code === firstOfNull) {
      if (!afterColon) others++;
      if (code === quote) i = endOfString(json, i);
      else if (code !== firstOfNull) {
        depth++;
        afterColon = false;
      }
    }
  }
  if (depth > maxDepth) return;
  if (members > maxBodyMembers.value) throw new TooManyPartsError(maxBodyMembers);
  if (others - members > maxBodyItems.value) throw new TooManyPartsError(maxBodyItems);
}

/**
 * What is stored already with so many may be changed, and have more no longer.
 * @param existing  what `object` replaces
 * @throws StatusError 413
 */
export function checkObjectMembers(object: JsonObject, existing: KubeObject | undefined): void {
  const max = limits.maxObjectMembers.value;
  const members = countMembers(object);
  if (members <= max || (existing !== undefined && members <= countMembers(existing))) return;
  throw newRequestEntityTooLarge(`the object has ${members} members in all of its maps, at most ${max} are allowed`);
}

/** Of metadata: the server writes its own, and an owner is one field, whatever it has. */
const notCounted: ReadonlySet<string> = new Set(["managedFields", "ownerReferences"]);

/** @param object  nests as deep as JSON may */
export function countMembers(object: JsonObject | KubeObject): number {
  const { metadata } = object;
  const waiting: object[] = [object];
  const enter = (value: unknown): void => {
    if (typeof value === "object" && value !== null) waiting.push(value);
  };
  let members = 0;
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (Array.isArray(value)) {
      value.forEach(enter);
      continue;
    }
    for (const [name, item] of Object.entries(value)) {
      members++;
      if (value !== metadata || !notCounted.has(name)) enter(item);
    }
  }
  return members;
}
