/**
 * How many members the objects of a JSON value have in all, and items its lists. Reading, comparing, owning and printing take a step for each of
 * them: their number, more than the length of a text, is what a write costs.
 */
import type { JsonObject, KubeObject } from "../apis/meta/v1.ts";
import { newRequestEntityTooLarge } from "../errors/status-error.ts";
import { type Limit, limits } from "../limits.ts";
import { isObject } from "./json.ts";
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
  stepItems,
  stepLength,
} from "./json-text.ts";
import { runAtOnce, type Steps } from "./turns.ts";

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
export function* checkBodyPartsInSteps(json: string): Steps<void> {
  const { maxBodyMembers, maxBodyItems } = limits;
  if (json.length < Math.min(maxBodyMembers.value * shortestMember, maxBodyItems.value * shortestItem)) return;
  let members = 0;
  /** Texts, objects, lists and nulls that follow no colon: names of members, and items. */
  let others = 0;
  let afterColon = true;
  let depth = 0;
  let looked = 0;
  for (let i = 0; i < json.length && depth <= maxDepth; i++) {
    if (i - looked >= stepLength) {
      looked = i;
      yield;
    }
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

/** As `checkBodyPartsInSteps`. */
export const checkBodyParts = (json: string): void => runAtOnce(checkBodyPartsInSteps(json));

type Sized = JsonObject | KubeObject;
/** An owner is one field, whatever it has, and there may be more. */
const metadataMaps = ["labels", "annotations", "finalizers"] as const;

/** Of what an object has only so many. */
const bounds: readonly (readonly [what: string, limit: Limit])[] = [
  ...metadataMaps.map((name) => [`entries in metadata.${name}`, limits.maxMetadataEntries] as const),
  ["members in all of its maps", limits.maxObjectMembers],
  ["objects in all of its lists", limits.maxObjectEntries],
];

/** In the order of `bounds`. */
function* sizesOf(object: Sized): Steps<readonly number[]> {
  const { members, entries } = yield* partsInSteps(object);
  const { metadata } = object;
  return [...metadataMaps.map((name) => entriesOf(isObject(metadata) ? metadata[name] : undefined)), members, entries];
}

const entriesOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? Object.keys(value).length : 0;

/**
 * What is stored already with so many may be changed, and have more no longer.
 * @param existing  what `object` replaces
 * @throws StatusError 413
 */
export function* checkObjectSize(object: JsonObject, existing: KubeObject | undefined): Steps<void> {
  const sizes = yield* sizesOf(object);
  if (bounds.every(([, { value }], index) => (sizes[index] ?? 0) <= value)) return;
  const before = existing === undefined ? [] : yield* sizesOf(existing);
  for (const [index, [what, { value }]] of bounds.entries()) {
    const size = sizes[index] ?? 0;
    if (size <= value || size <= (before[index] ?? 0)) continue;
    throw newRequestEntityTooLarge(`the object has ${size} ${what}, at most ${value} are allowed`);
  }
}

/** Of metadata: the server writes its own, and an owner is one field, whatever it has. */
const notCounted: ReadonlySet<string> = new Set(["managedFields", "ownerReferences"]);

/**
 * @param object  nests as deep as JSON may
 * @returns       members of all maps, objects in all lists
 */
export const partsOf = (object: Sized): Parts => runAtOnce(partsInSteps(object));

type Parts = { readonly members: number; readonly entries: number };

function* partsInSteps(object: Sized): Steps<Parts> {
  const { metadata } = object;
  const waiting: (Sized | unknown[])[] = [object];
  const enter = (value: unknown): boolean => {
    if (!Array.isArray(value) && !isObject(value)) return false;
    waiting.push(value);
    return true;
  };
  let members = 0;
  let entries = 0;
  let looked = 0;
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (looked >= stepItems) {
      looked = 0;
      yield;
    }
    if (Array.isArray(value)) {
      for (const item of value) if (enter(item) && !Array.isArray(item)) entries++;
      looked += value.length + 1;
      continue;
    }
    const names = Object.keys(value);
    members += names.length;
    looked += names.length + 1;
    for (const name of names) if (value !== metadata || !notCounted.has(name)) enter(value[name]);
  }
  return { members, entries };
}
