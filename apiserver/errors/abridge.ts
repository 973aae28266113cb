/** Values and texts of users inside messages: enough to find them by, and never more than that. */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";

const maxLength = limits.maxErrorValueLength.value;
const ellipsis = "…";

/** The text itself, or its beginning with an ellipsis. @param max  in characters */
export function abridged(text: string, max: number = maxLength): string {
  return text.length <= max ? text : `${text.slice(0, max - ellipsis.length).toWellFormed()}${ellipsis}`;
}

/**
 * A value inside a message: strings quoted, numbers and booleans bare, anything else as JSON (API E-15). Costs no more
 * than what is printed of it.
 */
export function quoteValue(value: JsonValue | undefined): string {
  if (value === undefined) return "null";
  const beginning = beginningOf(value, { left: maxLength });
  return abridged(typeof beginning === "string" ? quoteText(beginning) : JSON.stringify(beginning));
}

/** What Go's `unicode.IsPrint` refuses: controls, formats, surrogates, unassigned, and spaces other than U+0020. */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const escaped = new RegExp(`["\\\\]|${unprintable.source}`, "gu");

/** A text in double quotes with nothing in it that doesn't print, as Go's `strconv.Quote` writes it. */
export const quoteText = (text: string): string =>
  unprintable.test(text) ? `"${text.replace(escaped, escapeOf)}"` : JSON.stringify(text);

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (digits: number): string => code.toString(16).padStart(digits, "0");
  const long = code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  return shortEscapes.get(character) ?? long;
}

/** What of `value` can be in its first characters. `room.left` counts down the characters that may still be printed. */
function beginningOf(value: JsonValue, room: { left: number }): JsonValue {
  if (typeof value === "string") {
    room.left -= value.length + 2;
    return value.length <= maxLength ? value : value.slice(0, maxLength).toWellFormed();
  }
  room.left -= 1;
  if (Array.isArray(value)) return beginningOfList(value, room);
  return isMembers(value) ? beginningOfObject(value, room) : value;
}

function isMembers(value: Exclude<JsonValue, JsonValue[]>): value is JsonObject {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

function beginningOfList(list: readonly JsonValue[], room: { left: number }): JsonValue[] {
  const kept: JsonValue[] = [];
  for (const item of list) {
    if (room.left < 0) break;
    kept.push(beginningOf(item, room));
  }
  return kept;
}

function beginningOfObject(object: JsonObject, room: { left: number }): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const name in object) {
    if (room.left < 0) break;
    const value = object[name];
    if (value === undefined) continue;
    room.left -= name.length + 3;
    kept.push([name.slice(0, maxLength), beginningOf(value, room)]);
  }
  return Object.fromEntries(kept);
}

/** `text` cut so that its JSON has at most so many bytes. */
export function abridgedToBytes(text: string, maxBytes: number): string {
  let kept = text.length <= maxBytes ? text : abridged(text, maxBytes);
  for (let bytes = jsonBytes(kept); bytes > maxBytes; bytes = jsonBytes(kept)) {
    kept = abridged(kept, Math.floor((kept.length * maxBytes) / bytes) - 1);
  }
  return kept;
}

/** Bytes that a value takes in an answer. */
export const jsonBytes = (value: string | object): number => Buffer.byteLength(JSON.stringify(value));

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** `&`, `<` and `>` as entities, in what repeats to a client what somebody else may have written (API E-31, E-33). */
export const escapeHtml = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character] ?? "");
