import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, Parser, Scalar } from "yaml";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { DepthError, duplicateFields, isObject, isRawNumber, numberFromText, parseJson, setMember } from "./json.ts";

/**
 * YAML bodies as Kubernetes reads them (sigs.k8s.io/yaml): the first document, by the scalar rules of YAML 1.1 without
 * dates and sexagesimals. Hence unquoted `y`, `yes` and `on` are booleans, also as keys, and `0777` is octal.
 */

export type ParsedYaml = {
  readonly value: JsonValue;
  /** One sentence per repeated key, e.g. `line 5: key "a" already set in map` (API V-20). The last one counts. */
  readonly duplicates: string[];
};

type YamlNode = ParsedNode | null;
type YamlMap = { readonly items: readonly { readonly key: ParsedNode; readonly value: YamlNode }[] };
type YamlDocument = ReturnType<Composer["compose"]> extends Generator<infer D> ? D : never;

/** @throws SyntaxError for what is not YAML, has no JSON form, or expands too much */
export function parseYaml(text: string): ParsedYaml {
  return parseAsJson(text) ?? parseDocument(text);
}

/** JSON is YAML, and what most clients send; duplicates are left to the slow way, which knows lines. */
function parseAsJson(text: string): ParsedYaml | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value = parseJson(text);
    return duplicateFields(text).length === 0 ? { value, duplicates: [] } : undefined;
  } catch (error) {
    if (error instanceof DepthError) throw error;
    return undefined;
  }
}

function parseDocument(text: string): ParsedYaml {
  const lines = new LineCounter();
  try {
    const tokens = new Parser(lines.addNewLine).parse(text);
    const composer = new Composer({ schema: "failsafe", uniqueKeys: false });
    for (const document of composer.compose(tokens, true, text.length)) {
      const [problem] = document.errors;
      if (problem !== undefined) {
        throw new SyntaxError(`yaml: line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`);
      }
      const reader = new DocumentReader(document, lines);
      return { value: reader.read(document.contents), duplicates: reader.duplicates };
    }
  } catch (error) {
    throw error instanceof RangeError ? new DepthError() : error;
  }
  return { value: null, duplicates: [] };
}

class DocumentReader {
  readonly duplicates: string[] = [];
  readonly #document: YamlDocument;
  readonly #lines: LineCounter;
  /** Anchored nodes read so far, so that an alias shares the value; `undefined` while one is being read. */
  readonly #anchored = new Map<unknown, JsonValue | undefined>();
  #expansion = 0;

  constructor(document: YamlDocument, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  read(node: YamlNode): JsonValue {
    if (node === null) return null;
    if (isAlias(node)) return this.#readAlias(node);
    if (node.anchor === undefined) return this.#readContent(node);
    this.#anchored.set(node, undefined);
    const value = this.#readContent(node);
    this.#anchored.set(node, value);
    return value;
  }

  #readAlias(node: ParsedNode & { resolve: (document: YamlDocument) => unknown; source: string }): JsonValue {
    const target = node.resolve(this.#document);
    const value = this.#anchored.get(target);
    if (value === undefined) throw new SyntaxError(`yaml: anchor '${node.source}' is unknown or contains itself`);
    this.#expansion += weight(value);
    if (this.#expansion > limits.maxYamlExpansion.value)
      throw new SyntaxError("yaml: document contains excessive aliasing");
    return value;
  }

  #readContent(node: ParsedNode): JsonValue {
    if (isMap(node)) return this.#readMap(node);
    if (isSeq(node)) return node.items.map((item) => this.read(item));
    return isScalar(node) ? scalarValue(node) : null;
  }

  #readMap(map: YamlMap): JsonObject {
    const result: JsonObject = {};
    const merged: JsonObject[] = [];
    for (const { key, value } of map.items) {
      if (isScalar(key) && key.value === "<<" && key.type === Scalar.PLAIN) merged.push(...this.#mergedMaps(value));
      else {
        const name = keyName(this.read(key));
        if (Object.hasOwn(result, name)) this.#reportDuplicate(value ?? key, this.read(key));
        setMember(result, name, this.read(value));
      }
    }
    for (const from of merged) {
      for (const name of Object.keys(from)) if (!Object.hasOwn(result, name)) setMember(result, name, from[name]);
    }
    return result;
  }

  /** What a `<<` key stands for; earlier maps win over later ones, and the map's own keys over all. */
  #mergedMaps(node: YamlNode): JsonObject[] {
    const value = this.read(node);
    const maps = Array.isArray(value) ? value : [value];
    return maps.map((map) => {
      if (!isObject(map)) throw new SyntaxError("yaml: map merge requires map or sequence of maps as the value");
      return map;
    });
  }

  #reportDuplicate(at: ParsedNode, key: JsonValue): void {
    const { line } = this.#lines.linePos(at.range[0]);
    this.duplicates.push(`line ${line}: key ${JSON.stringify(key)} already set in map`);
  }
}

/** Characters and values that printing `value` would take, roughly. */
function weight(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length + 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + weight(item), 1);
  if (!isObject(value)) return 1;
  return Object.keys(value).reduce((sum, name) => sum + name.length + weight(value[name]), 1);
}

function keyName(key: JsonValue): string {
  if (key === null || (typeof key === "object" && !isRawNumber(key))) {
    throw new SyntaxError(`yaml: unsupported map key: ${JSON.stringify(key)}`);
  }
  return typeof key === "string" ? key : JSON.stringify(key);
}

const tagPrefix = "tag:yaml.org,2002:";

function scalarValue(node: Scalar.Parsed): JsonValue {
  const text = String(node.value ?? "");
  if (node.tag === `${tagPrefix}binary`) return Buffer.from(text, "base64").toString("utf8");
  const isTyped = node.tag?.startsWith(tagPrefix) === true && node.tag !== `${tagPrefix}str`;
  if (isTyped) return plainValue(text);
  return node.tag === undefined && node.type === Scalar.PLAIN ? plainValue(text) : text;
}

const nulls = new Set(["", "~", "null", "Null", "NULL"]);
const booleans = new Map(
  Object.entries({ y: true, yes: true, on: true, true: true, n: false, no: false, off: false, false: false }).flatMap(
    ([word, value]) =>
      [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()].map((form) => [form, value] as const),
  ),
);
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const decimal = /^([-+]?)(\d*)(?:\.(\d*))?([eE][-+]?\d+)?$/;
const based = /^([-+]?)(0x[\da-fA-F]+|0o[0-7]+|0b[01]+|0[0-7]+)$/;
const notFinite = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/**
 * The value of a scalar without quotes. A number that JSON could have written keeps its text (design D8), but for whole
 * numbers with an exponent: those must be what they were after they were printed and read again.
 */
function plainValue(text: string): JsonValue {
  if (nulls.has(text)) return null;
  const boolean = booleans.get(text);
  if (boolean !== undefined) return boolean;
  if (jsonNumber.test(text)) return /e/i.test(text) ? exponentialValue(text) : numberFromText(text);
  if (notFinite.test(text)) throw new SyntaxError(`yaml: ${text} has no JSON form`);
  if (!/^[-+.\d]/.test(text)) return text;
  return numberValue(text.replaceAll("_", "")) ?? text;
}

function exponentialValue(text: string): JsonValue {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : numberFromText(text);
}

function numberValue(text: string): JsonValue | undefined {
  const [, sign = "", digits = ""] = based.exec(text) ?? [];
  if (digits !== "") {
    const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
    return numberFromText(String(sign === "-" ? -value : value));
  }
  const match = decimal.exec(text);
  const [, minus = "", whole = "", fraction = "", exponent = ""] = match ?? [];
  if (match === null || (whole === "" && fraction === "")) return undefined;
  const canonical = `${minus === "-" ? "-" : ""}${whole.replace(/^0+(?=\d)/, "") || "0"}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
  return numberFromText(canonical);
}
