import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { quoteValue } from "../errors/abridge.ts";
import { limits } from "../limits.ts";
import { DepthError, duplicateFieldsInSteps, isObject, isRawNumber, setMember } from "./json.ts";
import { parseJsonInSteps } from "./json-pieces.ts";
import { checkBodyPartsInSteps, TooManyPartsError } from "./member-count.ts";
import { runAtOnce, type Steps } from "./turns.ts";
import { plainValue } from "./yaml-scalars.ts";

/**
 * YAML bodies as Kubernetes reads them (sigs.k8s.io/yaml): the first document, by the scalar rules of YAML 1.1 without
 * dates and sexagesimals. Hence unquoted `y`, `yes` and `on` are booleans, also as keys, and `0777` is octal.
 */

export type ParsedYaml = {
  readonly value: JsonValue;
  /** One sentence per repeated key, e.g. `line 5: key "a" already set in map` (API V-20). The last one counts. */
  readonly duplicates: string[];
};

/** @throws SyntaxError for what is not YAML, has no JSON form, has too many parts or expands too much */
export function* parseYamlInSteps(text: string): Steps<ParsedYaml> {
  const json = yield* parseAsJson(text);
  if (json !== undefined) return json;
  yield;
  return yield* parseDocument(firstDocument(text));
}

/** As `parseYamlInSteps`. */
export const parseYaml = (text: string): ParsedYaml => runAtOnce(parseYamlInSteps(text));

/** JSON is YAML, and what most clients send; duplicates are left to the slow way, which knows lines. */
function* parseAsJson(text: string): Steps<ParsedYaml | undefined> {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    yield* checkBodyPartsInSteps(text);
    yield;
    const value = yield* parseJsonInSteps(text);
    yield;
    const duplicates = yield* duplicateFieldsInSteps(text);
    return duplicates.length === 0 ? { value, duplicates: [] } : undefined;
  } catch (error) {
    if (error instanceof DepthError || error instanceof TooManyPartsError) throw error;
    return undefined;
  }
}

/** A line that begins or ends a document; it cannot be content, not even of a block of text. */
const marker = /^(?:---|\.\.\.)(?=\s|$)/gm;
/** Comments and directives. */
const preamble = /^(?:[ \t\ufeff]*(?:#.*)?\r?\n|%.*\n)*$/;

/** What stands before the second document, about which nobody asked. */
function firstDocument(text: string): string {
  for (const { index } of text.matchAll(marker)) if (!preamble.test(text.slice(0, index))) return text.slice(0, index);
  return text;
}

function* parseDocument(text: string): Steps<ParsedYaml> {
  assertFewParts(text);
  try {
    const reader = new EventReader(text, parseEvents(text, { maxDepth: limits.maxYamlDepth.value }));
    yield;
    return { value: yield* reader.readDocument(), duplicates: reader.duplicates };
  } catch (error) {
    if (error instanceof RangeError) throw new DepthError();
    if (!(error instanceof YAMLException)) throw error;
    throw new SyntaxError(`yaml: line ${(error.mark?.line ?? 0) + 1}: ${error.reason}`);
  }
}

/** Each part of a document starts or ends with one of these; counting them takes a thousandth of reading them. */
const separators: ReadonlySet<number> = new Set([...",:[{\n?&*"].map((character) => character.charCodeAt(0)));

function assertFewParts(text: string): void {
  if (text.length > limits.maxYamlLength.value) {
    throw new SyntaxError(`yaml: the document has more than ${limits.maxYamlLength.value} characters: send it as JSON`);
  }
  const max = limits.maxYamlParts.value;
  if (text.length <= max) return;
  let parts = 0;
  for (let i = 0; i < text.length; i++) if (separators.has(text.charCodeAt(i))) parts++;
  if (parts > max) throw new SyntaxError(`yaml: the document has more than ${max} parts: send it as JSON`);
}

type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;
type ScalarEvent = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;

/** Of the parser's events, in one step: a millisecond or two. */
const stepEvents = 2048;

/** Makes the value that the parser's events tell, each of which is looked at once. */
class EventReader {
  readonly duplicates: string[] = [];
  readonly #source: string;
  readonly #events: readonly Event[];
  #next = 0;
  /** Anchored values read so far, so that an alias shares one; `undefined` while one is being read. */
  readonly #anchored = new Map<string, JsonValue | undefined>();
  readonly #weights = new WeakMap<object, number>();
  #expansion = 0;
  /** Where the line of the last duplicate starts, and its number: they come in order. */
  #line = { number: 1, start: 0 };

  constructor(source: string, events: readonly Event[]) {
    this.#source = source;
    this.#events = events;
  }

  *readDocument(): Steps<JsonValue> {
    this.#next = 1;
    return this.#atEnd() ? null : yield* this.#readValue();
  }

  #atEnd(): boolean {
    const event = this.#events[this.#next];
    return event === undefined || event.type === EVENT_ID.POP;
  }

  #take(): NodeEvent {
    const event = this.#events[this.#next++];
    if (event === undefined || event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) {
      throw new SyntaxError("yaml: a value is missing");
    }
    return event;
  }

  *#readValue(): Steps<JsonValue> {
    return yield* this.#valueOf(this.#take());
  }

  *#valueOf(event: NodeEvent): Steps<JsonValue> {
    if (this.#next % stepEvents === 0) yield;
    const anchor = this.#source.slice(Math.max(event.anchorStart, 0), Math.max(event.anchorEnd, 0));
    if (event.type === EVENT_ID.ALIAS) return this.#aliased(anchor);
    if (anchor === "") return yield* this.#contentOf(event);
    this.#anchored.set(anchor, undefined);
    const value = yield* this.#contentOf(event);
    this.#anchored.set(anchor, value);
    return value;
  }

  #aliased(anchor: string): JsonValue {
    const value = this.#anchored.get(anchor);
    if (value === undefined) throw new SyntaxError(`yaml: anchor ${quoteValue(anchor)} is unknown or contains itself`);
    this.#expansion += this.#weightOf(value);
    if (this.#expansion > limits.maxYamlExpansion.value) {
      throw new SyntaxError("yaml: document contains excessive aliasing");
    }
    return value;
  }

  /** Characters and values that printing it would take, roughly. Weighed once: what it holds may be aliases of aliases. */
  #weightOf(value: JsonValue | undefined): number {
    if (typeof value === "string") return value.length + 1;
    if (typeof value !== "object" || value === null || isRawNumber(value)) return 1;
    const known = this.#weights.get(value);
    if (known !== undefined) return known;
    let sum = 1;
    if (Array.isArray(value)) for (const item of value) sum += this.#weightOf(item);
    else for (const name of Object.keys(value)) sum += name.length + this.#weightOf(value[name]);
    this.#weights.set(value, sum);
    return sum;
  }

  *#contentOf(event: Exclude<NodeEvent, { type: typeof EVENT_ID.ALIAS }>): Steps<JsonValue> {
    if (event.type === EVENT_ID.SCALAR) return scalarValue(this.#source, event);
    const value = yield* event.type === EVENT_ID.MAPPING ? this.#readMap() : this.#readList();
    this.#next++;
    return value;
  }

  *#readList(): Steps<JsonValue[]> {
    const items: JsonValue[] = [];
    while (!this.#atEnd()) items.push(yield* this.#readValue());
    return items;
  }

  *#readMap(): Steps<JsonObject> {
    const result: JsonObject = {};
    const merged: JsonObject[] = [];
    while (!this.#atEnd()) {
      const key = this.#take();
      if (isMergeKey(this.#source, key)) {
        merged.push(...mergedMaps(yield* this.#readValue()));
        continue;
      }
      const keyValue = yield* this.#valueOf(key);
      const name = keyName(keyValue);
      if (Object.hasOwn(result, name)) this.#reportDuplicate(key, keyValue);
      setMember(result, name, yield* this.#readValue());
    }
    for (const from of merged) {
      for (const name of Object.keys(from)) if (!Object.hasOwn(result, name)) setMember(result, name, from[name]);
    }
    return result;
  }

  #reportDuplicate(at: NodeEvent, key: JsonValue): void {
    if (this.duplicates.length >= limits.maxDecodingProblems.value) return;
    const position = at.type === EVENT_ID.SCALAR ? at.valueStart : at.anchorStart;
    this.duplicates.push(`line ${this.#lineOf(position)}: key ${quoteValue(key)} already set in map`);
  }

  #lineOf(position: number): number {
    let { number, start } = this.#line;
    for (let end = this.#source.indexOf("\n", start); end !== -1 && end < position; ) {
      number++;
      start = end + 1;
      end = this.#source.indexOf("\n", start);
    }
    this.#line = { number, start };
    return number;
  }
}

function isMergeKey(source: string, key: NodeEvent): boolean {
  if (key.type !== EVENT_ID.SCALAR || key.style !== SCALAR_STYLE.PLAIN) return false;
  return key.valueEnd - key.valueStart === 2 && source.startsWith("<<", key.valueStart);
}

/** What a `<<` key stands for; earlier maps win over later ones, and the map's own keys over all. */
function mergedMaps(value: JsonValue): JsonObject[] {
  const maps = Array.isArray(value) ? value : [value];
  return maps.map((map) => {
    if (!isObject(map)) throw new SyntaxError("yaml: map merge requires map or sequence of maps as the value");
    return map;
  });
}

function keyName(key: JsonValue): string {
  if (key === null || (typeof key === "object" && !isRawNumber(key))) {
    throw new SyntaxError(`yaml: unsupported map key: ${quoteValue(key)}`);
  }
  return typeof key === "string" ? key : JSON.stringify(key);
}

const typeTag = /^(?:!!|!<tag:yaml\.org,2002:)([a-z]+)>?$/;

function scalarValue(source: string, event: ScalarEvent): JsonValue {
  const text = getScalarValue(source, event);
  if (event.tagStart < 0) return event.style === SCALAR_STYLE.PLAIN ? plainValue(text) : text;
  const [, type] = typeTag.exec(source.slice(event.tagStart, event.tagEnd)) ?? [];
  if (type === "binary") return Buffer.from(text, "base64").toString("utf8");
  return type === undefined || type === "str" ? text : plainValue(text);
}
