/** JSON texts before they are parsed: how deep they nest, and what of them a double or UTF-8 cannot hold. */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { runAtOnce, type Steps } from "./turns.ts";

/** Deepest nesting of arrays and objects that is accepted (API N-17). */
export const maxDepth = limits.maxDepth.value;

/** The text nests deeper than `maxDepth`; answered as 400 `exceeded max depth`. */
export class DepthError extends SyntaxError {
  constructor() {
    super("exceeded max depth");
    this.name = "DepthError";
  }
}

/** Characters that are looked at or parsed in one step: a millisecond or two. */
export const stepLength = 64 * 1024;

export const quote = 0x22;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
export const colon = 0x3a;
export const comma = 0x2c;
/** `n`, which no text of JSON has outside of strings but for `null`. */
export const firstOfNull = 0x6e;
const backslash = 0x5c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;

/** Index of the quote that ends the string starting at `start`, or the text's length when none does. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}

/**
 * A text that `JSON.parse` reads without loss: numbers that it would change are strings, `marker` and their position in
 * `numbers`; surrogates without their partner, which could not be stored as UTF-8, are U+FFFD (API N-18).
 */
export type ExactForm = { readonly text: string; readonly marker: string; readonly numbers: readonly string[] };

/** An escaped surrogate. */
const surrogate = /\\u[dD][89a-fA-F]/;

/**
 * One look at each character. A reviver with the source of every value would do the same, and takes a hundred times as
 * long as the parser.
 *
 * @returns `undefined` when `text` is such a text itself, or is no JSON
 * @throws DepthError           beyond `maxDepth`
 * @throws TooManyNumbersError
 */
export function* exactFormInSteps(text: string): Steps<ExactForm | undefined> {
  // Nobody can know it, so no string of a user looks like a number of ours.
  const marker = `${Math.random().toString(36).slice(2, 8)}:`;
  const mayBeIllFormed = text.includes("\\u") && surrogate.test(text);
  const numbers = new Map<string, number>();
  const pieces: string[] = [];
  let copied = 0;
  let depth = 0;
  let values = 0;
  const replace = (start: number, end: number, by: string): void => {
    pieces.push(text.slice(copied, start), by);
    copied = end;
  };
  let looked = 0;
  for (let i = 0; i < text.length; i++) {
    if (i - looked >= stepLength) {
      looked = i;
      yield;
    }
    const code = text.charCodeAt(i);
    if (code === quote) {
      const end = endOfString(text, i);
      if (mayBeIllFormed) {
        const given = text.slice(i, end);
        const repaired = yield* wellFormed(given);
        if (repaired !== given) replace(i, end, repaired);
      }
      i = end;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) throw new DepthError();
    } else if (code === closeBrace || code === closeBracket) depth--;
    else if (code === minus || (code >= zero && code <= nine)) {
      const end = endOfNumber(text, i);
      const position = end - i > 1 && mayBeInexact(text, i, end) ? positionOf(text.slice(i, end), numbers) : undefined;
      if (position !== undefined) {
        if (++values > limits.maxExactValues.value) throw new TooManyNumbersError(limits.maxExactValues.value, "");
        replace(i, end, `"${marker}${position}"`);
      }
      i = end - 1;
    }
  }
  if (pieces.length === 0) return undefined;
  pieces.push(text.slice(copied));
  return { text: pieces.join(""), marker, numbers: [...numbers.keys()] };
}

/** As `exactFormInSteps`. */
export const exactForm = (text: string): ExactForm | undefined => runAtOnce(exactFormInSteps(text));

/** `undefined` for one that a double prints as it was written; what is malformed is the parser's to refuse. */
function positionOf(number: string, numbers: Map<string, number>): number | undefined {
  const known = numbers.get(number);
  if (known !== undefined) return known;
  if (!jsonNumber.test(number) || String(Number(number)) === number) return undefined;
  const position = numbers.size;
  if (position === limits.maxExactNumbers.value)
    throw new TooManyNumbersError(limits.maxExactNumbers.value, "different ");
  numbers.set(number, position);
  return position;
}

/** More different numbers than are kept beyond what a double holds. */
export class TooManyNumbersError extends SyntaxError {
  constructor(max: number, which: string) {
    super(`more than ${max} ${which}numbers that a double cannot hold as they are written`);
    this.name = "TooManyNumbersError";
  }
}

/** Index after the characters that a number can have. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isOfNumber(text.charCodeAt(end))) end++;
  return end;
}

/** Digits, `+`, `-`, `.`, `e` and `E`. */
function isOfNumber(code: number): boolean {
  return (
    (code >= zero && code <= nine) || code === 0x2b || code === minus || code === 0x2e || code === 0x65 || code === 0x45
  );
}

/** Whole numbers of fewer digits print as they were written. */
const fewDigits = 15;
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** Whether it takes more than counting digits to tell. */
function mayBeInexact(text: string, start: number, end: number): boolean {
  const signed = text.charCodeAt(start) === minus;
  let digits = signed ? start + 1 : start;
  if (end - digits > fewDigits || (signed && text.charCodeAt(digits) === zero)) return true;
  while (digits < end && text.charCodeAt(digits) >= zero && text.charCodeAt(digits) <= nine) digits++;
  return digits < end;
}

/** An escape: a surrogate pair, any other sequence of `u`, or one character. */
const escapeSequence = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[\da-fA-F]{4}|[\s\S])/g;
const loneSurrogate = /^\\u[dD][89a-fA-F][\da-fA-F]{2}$/;

function* wellFormed(string: string): Steps<string> {
  if (!surrogate.test(string)) return string;
  const pieces: string[] = [];
  let copied = 0;
  let looked = 0;
  for (const { 0: sequence, index } of string.matchAll(escapeSequence)) {
    if (++looked % stepItems === 0) yield;
    if (!loneSurrogate.test(sequence)) continue;
    pieces.push(string.slice(copied, index), "\\ufffd");
    copied = index + sequence.length;
  }
  pieces.push(string.slice(copied));
  return pieces.join("");
}

/** The value of an exact form, with its numbers in their places. */
export function* withNumbersInSteps(value: JsonValue, marker: string, numbers: readonly string[]): Steps<JsonValue> {
  const raw = numbers.map((number) => JSON.rawJSON(number));
  const rest: (JsonValue[] | JsonObject)[] = [];
  const visit = (item: JsonValue | undefined): JsonValue | undefined => {
    if (typeof item === "string") return item.startsWith(marker) ? raw[Number(item.slice(marker.length))] : item;
    if (typeof item === "object" && item !== null && !JSON.isRawJSON(item)) rest.push(item);
    return item;
  };
  const root = visit(value) ?? null;
  let looked = 0;
  for (let container = rest.pop(); container !== undefined; container = rest.pop()) {
    looked += Array.isArray(container) ? restoreItems(container, visit) : restoreMembers(container, visit);
    if (looked < stepItems) continue;
    looked = 0;
    yield;
  }
  return root;
}

/** Items and members that are looked at in one step. */
export const stepItems = 4096;

/** As `withNumbersInSteps`. */
export const withNumbers = (value: JsonValue, marker: string, numbers: readonly string[]): JsonValue =>
  runAtOnce(withNumbersInSteps(value, marker, numbers));

type Visit = (item: JsonValue | undefined) => JsonValue | undefined;

/** @returns  how many were looked at */
function restoreItems(list: JsonValue[], visit: Visit): number {
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const restored = typeof item === "number" ? item : visit(item);
    if (restored !== undefined && restored !== item) list[i] = restored;
  }
  return list.length + 1;
}

/** Members exist already, so that assignment is safe for every name. */
function restoreMembers(object: JsonObject, visit: Visit): number {
  const names = Object.keys(object);
  for (const name of names) {
    const item = object[name];
    const restored = visit(item);
    if (restored !== item) object[name] = restored;
  }
  return names.length + 1;
}
