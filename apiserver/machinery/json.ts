import type { JsonObject, JsonValue, RawNumber } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";

/**
 * JSON as this server reads and prints it (design D8): a number comes back as it was written, whatever a double can
 * hold. Names such as `__proto__` are data; read and write members whose name a user chose with `member`, `setMember`.
 */

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
    parse(text: string, reviver: (key: string, value: JsonValue, context: { source?: string }) => JsonValue): JsonValue;
  }
}

/** Deepest nesting of arrays and objects that is accepted (API N-17). */
export const maxDepth = limits.maxDepth.value;

/** The text nests deeper than `maxDepth`; answered as 400 `exceeded max depth`. */
export class DepthError extends SyntaxError {
  constructor() {
    super("exceeded max depth");
    this.name = "DepthError";
  }
}

/**
 * A whole number token that a double may print differently: 16 digits or more, a trailing zero decimal, an exponent,
 * decimals below 1e-6 (JavaScript prints those with an exponent), or minus zero. It may also match inside a string,
 * which costs time and changes nothing.
 */
const suspectToken = String.raw`\s*-?(?:\d{16,}|[\d.]{17,}|\d+\.\d*0|0\.0{6}\d*|\d+(?:\.\d+)?[eE][-+]?\d+|(?<=-)0)\s*(?:[,\]}]|$)`;
const suspectMember = new RegExp(`[:,[]${suspectToken}`);
const suspectRoot = new RegExp(`^${suspectToken}`);
/** An escaped surrogate, which may lack its partner and then could not be stored as UTF-8 (API N-18). */
const escapedSurrogate = /\\u[dD][89a-fA-F]/;

/**
 * @throws SyntaxError  for anything but one JSON value with white space around it
 * @throws DepthError   beyond `maxDepth`
 */
export function parseJson(text: string): JsonValue {
  if (text.length > maxDepth) assertDepth(text);
  const mayEscape = text.includes("\\u");
  const exact = suspectMember.test(text) || suspectRoot.test(text) || (mayEscape && escapedSurrogate.test(text));
  if (!exact) return JSON.parse(text);
  try {
    return JSON.parse(text, keepSource);
  } catch (error) {
    // A reviver is called recursively, so the stack may end before our own limit does.
    throw error instanceof RangeError ? new DepthError() : error;
  }
}

function keepSource(_key: string, value: JsonValue, { source }: { source?: string }): JsonValue {
  if (typeof value === "number") {
    return source === undefined || source === String(value) ? value : JSON.rawJSON(source);
  }
  if (typeof value === "string") return value.toWellFormed();
  return isObject(value) ? withWellFormedNames(value) : value;
}

function withWellFormedNames(object: JsonObject): JsonObject {
  const names = Object.keys(object);
  if (names.every((name) => name.isWellFormed())) return object;
  const result: JsonObject = {};
  for (const name of names) setMember(result, name.toWellFormed(), object[name]);
  return result;
}

function assertDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) i = endOfString(text, i);
    else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) throw new DepthError();
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/** Index of the quote that ends the string starting at `start`, or the text's length when none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}

/** Prints a value that came from `parseJson` or was built from plain data; numbers kept raw print as their text. */
export function stringifyJson(value: JsonValue | object): string {
  return JSON.stringify(value);
}

export function isRawNumber(value: unknown): value is RawNumber {
  return JSON.isRawJSON(value);
}

/** A number written as `text` in its shortest exact form: a plain number when that prints the same. */
export function numberFromText(text: string): number | RawNumber {
  const value = Number(text);
  return String(value) === text ? value : JSON.rawJSON(text);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The object's own member; unlike `object[name]` never something inherited. */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function isEmptyObject(object: JsonObject): boolean {
  for (const name in object) if (Object.hasOwn(object, name)) return false;
  return true;
}

/** Sets an own member, also when it is called `__proto__`. */
export function setMember(object: JsonObject, name: string, value: JsonValue | undefined): void {
  if (name === "__proto__") {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else object[name] = value;
}

/**
 * Whether two values print the same, apart from the order of members; a member that is `undefined` counts as absent.
 * Numbers are compared as they print: `1` and `1.0` differ.
 */
export function deepEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  try {
    return equal(a, b);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Nested too deep for this stack. Printing has no such limit; at worst equal values count as changed.
    return JSON.stringify(a) === JSON.stringify(b);
  }
}

function equal(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  if (isRawNumber(a) || isRawNumber(b)) return isRawNumber(a) && isRawNumber(b) && a.rawJSON === b.rawJSON;
  let count = 0;
  for (const name of Object.keys(a)) {
    const value = a[name];
    if (value === undefined) continue;
    count++;
    if (!Object.hasOwn(b, name) || !equal(value, b[name])) return false;
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) count--;
  return count === 0;
}

/** A copy that shares nothing mutable with `value`. */
export function clone<T extends JsonValue | undefined>(value: T): T;
export function clone(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  if (Array.isArray(value)) return value.map((item) => clone(item));
  const copy: JsonObject = { ...value };
  // Own members exist already, so plain assignment is safe for every name.
  for (const name of Object.keys(copy)) {
    const item = copy[name];
    if (typeof item === "object") copy[name] = clone(item);
  }
  return copy;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws SyntaxError when the bytes are not UTF-8 (API N-18) */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new SyntaxError("invalid UTF-8 in the text");
  }
}

/**
 * Where the scanner is: an object with the names seen so far and whether each was reported, or a list with the index of
 * the current item.
 */
type Frame = { names: Map<string, boolean> | undefined; name: string; index: number };

/**
 * Paths of members that occur more than once in their object, e.g. `spec.foo` or `spec.list[0].x` (API N-15); each path
 * once, in the order of the text. `text` must be valid JSON.
 */
export function duplicateFields(text: string): string[] {
  const found = new Set<string>();
  /** Paths made: a deep one takes time, and many may be the same. */
  let spelled = 0;
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let expectName = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote: {
        const end = endOfString(text, i);
        if (expectName && frame?.names !== undefined) {
          const name = unescaped(text, i, end);
          const reported = frame.names.get(name);
          if (reported === false && spelled++ < limits.maxDecodingProblems.value) found.add(pathOf(frames, name));
          frame.names.set(name, reported !== undefined);
          frame.name = name;
        }
        i = end;
        break;
      }
      case openBrace:
      case openBracket: {
        const isList = text.charCodeAt(i) === openBracket;
        frame = { names: isList ? undefined : new Map(), name: "", index: 0 };
        frames.push(frame);
        expectName = !isList;
        break;
      }
      case closeBrace:
      case closeBracket:
        frames.pop();
        frame = frames.at(-1);
        break;
      case colon:
        expectName = false;
        break;
      case comma:
        if (frame === undefined) break;
        if (frame.names === undefined) frame.index++;
        else expectName = true;
        break;
    }
  }
  return [...found];
}

function unescaped(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes("\\") ? String(JSON.parse(text.slice(start, end + 1))) : raw;
}

function pathOf(frames: readonly Frame[], name: string): string {
  let path = "";
  for (const frame of frames.slice(0, -1)) path += frame.names === undefined ? `[${frame.index}]` : `.${frame.name}`;
  return `${path}.${name}`.replace(/^\./, "");
}
