import type { JsonObject, JsonValue, RawNumber } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfString,
  exactForm,
  openBrace,
  openBracket,
  quote,
  stepLength,
  withNumbers,
} from "./json-text.ts";
import { printDeep } from "./json-tree.ts";
import type { Steps } from "./turns.ts";

export { DepthError, maxDepth } from "./json-text.ts";
export { clone, deepEqual } from "./json-tree.ts";

/**
 * JSON as this server reads and prints it (design D8): a number comes back as it was written, whatever a double can
 * hold. Names such as `__proto__` are data; read and write members whose name a user chose with `member`, `setMember`.
 */

declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
  }
}

/**
 * @throws SyntaxError  for anything but one JSON value with white space around it
 * @throws DepthError   beyond `maxDepth`
 */
export function parseJson(text: string): JsonValue {
  const exact = exactForm(text);
  if (exact === undefined) return JSON.parse(text);
  const { text: replaced, marker, numbers } = exact;
  let value: JsonValue;
  try {
    value = JSON.parse(replaced);
  } catch {
    return JSON.parse(text); // for its error, which speaks of the text as it was sent
  }
  return numbers.length === 0 ? value : withNumbers(value, marker, numbers);
}

/**
 * Prints a value that came from `parseJson` or was built from plain data; numbers kept raw print as their text. The engine's
 * own printer calls itself for some objects, and the stack ends before JSON does (API N-17).
 */
export function stringifyJson(value: JsonValue | object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return printDeep(value);
  }
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
export function* duplicateFieldsInSteps(text: string): Steps<string[]> {
  const found = new Set<string>();
  /** Paths made: a deep one takes time, and many may be the same. */
  let spelled = 0;
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let expectName = false;
  let looked = 0;
  for (let i = 0; i < text.length; i++) {
    if (i - looked >= stepLength) {
      looked = i;
      yield;
    }
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
