import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject, isRawNumber, stringifyJson } from "./json.ts";
import { isContainer } from "./json-tree.ts";

/** Below this depth values are printed in one line, as JSON: indentation alone would outgrow them. */
const maxBlockDepth = 100;
/** Characters of a piece, about: large enough that handing it over costs little. */
const pieceLength = 64 * 1024;

/** Prints block YAML that YAML 1.1 and 1.2 readers understand alike; numbers keep every digit. */
export function stringifyYaml(value: JsonValue | object): string {
  return [...yamlPieces(value)].join("");
}

/** The same in pieces of bounded length (one scalar is never divided), made when they are asked for. */
export function* yamlPieces(value: JsonValue | object): Generator<string> {
  const printer = new Printer();
  yield* printer.block(value, 0, "");
  yield printer.take();
}

/** The same of a map whose last member is a list, the elements of which are made when they are due. */
export function* yamlListPieces(head: JsonObject, member: string, elements: Iterable<JsonValue>): Generator<string> {
  const printer = new Printer();
  yield* printer.block(head, 0, "");
  let isEmpty = true;
  for (const element of elements) {
    if (isEmpty) printer.write(`${member}:\n`);
    isEmpty = false;
    yield* printer.listItem(element, 0, "");
  }
  if (isEmpty) printer.write(`${member}: []\n`);
  yield printer.take();
}

/** Collects text and gives it away when it is long enough; `start` is what stands before a value's first line. */
class Printer {
  #text = "";

  write(text: string): void {
    this.#text += text;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  *block(value: unknown, depth: number, start: string): Generator<string> {
    if (isInline(value, depth)) this.#text += `${inline(value)}\n`;
    else if (Array.isArray(value)) yield* this.#list(value, depth, start);
    else if (isObject(value)) yield* this.#map(value, depth, start);
    if (this.#text.length >= pieceLength) yield this.take();
  }

  *listItem(item: unknown, depth: number, start: string): Generator<string> {
    this.#text += `${start}- `;
    // The first line of the item stands behind the dash instead of its own indentation.
    yield* this.block(item, depth + 1, "");
  }

  *#list(list: readonly unknown[], depth: number, start: string): Generator<string> {
    const indent = "  ".repeat(depth);
    let before = start;
    for (const item of list) {
      yield* this.listItem(item, depth, before);
      before = indent;
    }
  }

  *#map(map: JsonObject, depth: number, start: string): Generator<string> {
    const indent = "  ".repeat(depth);
    let before = start;
    for (const name of Object.keys(map)) {
      const value = map[name];
      if (value === undefined) continue;
      // Items of a list stand below the key's own column, as Kubernetes prints them.
      const inner = Array.isArray(value) ? depth : depth + 1;
      this.#text += `${before}${inlineText(name)}:${isInline(value, inner) ? " " : "\n"}`;
      yield* this.block(value, inner, "  ".repeat(inner));
      before = indent;
    }
  }
}

function isInline(value: unknown, depth: number): boolean {
  if (depth >= maxBlockDepth) return true;
  return isObject(value) ? Object.keys(value).length === 0 : !Array.isArray(value) || value.length === 0;
}

function inline(value: unknown): string {
  if (typeof value === "string") return inlineText(value);
  const json = escapeUnprintable(isContainer(value) ? stringifyJson(value) : JSON.stringify(value));
  return typeof value === "number" || isRawNumber(value) ? exponentForAll(json) : json;
}

/** YAML 1.1 takes `1e3` for a text: its floats have a point, and a sign in the exponent. */
function exponentForAll(number: string): string {
  return number.replace(/^(-?\d+)(\.\d+)?e([-+]?)(\d+)$/i, (_, whole, fraction = ".0", sign, exponent) => {
    return `${whole}${fraction}e${sign || "+"}${exponent}`;
  });
}

/** Words that need no quotes, unless they are one that some reader takes for a boolean, null or number. */
const plainText = /^[A-Za-z_/](?:[\w/.@+=-]|:(?=[\w/.-])| (?=[A-Za-z_/]))*$/;
const reserved = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function inlineText(text: string): string {
  return plainText.test(text) && !reserved.test(text) ? text : escapeUnprintable(JSON.stringify(text));
}

/** JSON strings are YAML strings but for characters that YAML calls unprintable. */
function escapeUnprintable(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
