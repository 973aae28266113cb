/** What a YAML scalar without quotes means: YAML 1.1 without dates and sexagesimals, as sigs.k8s.io/yaml reads it. */
import type { JsonValue } from "../apis/meta/v1.ts";
import { numberFromText } from "./json.ts";

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
export function plainValue(text: string): JsonValue {
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

/** `0b` and 64 digits: what is longer fits no integer, and is a text. */
const maxBasedDigits = 66;

function numberValue(text: string): JsonValue | undefined {
  const [, sign = "", digits = ""] = based.exec(text) ?? [];
  if (digits.length > maxBasedDigits) return undefined;
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
