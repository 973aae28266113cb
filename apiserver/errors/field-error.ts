import type { JsonValue } from "../apis/meta/v1.ts";
import { abridged, quoteValue } from "./abridge.ts";

/** Machine-readable kinds of field errors, as they appear in `details.causes[].reason` (API E-14). */
export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueTypeInvalid"
  | "FieldValueDuplicate"
  | "FieldValueNotSupported"
  | "FieldValueNotFound"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooShort"
  | "FieldValueTooMany"
  | "FieldValueTooFew"
  | "InternalError";

/** One wrong field. `body` is the message without the path, e.g. `Invalid value: -1: must be …`. */
export type FieldError = { readonly type: FieldErrorType; readonly field: string; readonly body: string };

/**
 * The path of a field as its user would write it: `path("spec", "ports", 0, "name")` is `spec.ports[0].name`; names too
 * long to be anybody's field are cut. A string given as `{ key }` is a map key: `path("metadata", "labels", { key: "a/b" })` is `metadata.labels[a/b]`.
 */
export function path(...parts: (string | number | { key: string })[]): string {
  return joinPath("", ...parts);
}

export function joinPath(base: string, ...parts: (string | number | { key: string })[]): string {
  let text = base;
  for (const part of parts) {
    if (typeof part === "number") text += `[${part}]`;
    else if (typeof part === "object") text += `[${abridged(part.key)}]`;
    else text += text === "" ? abridged(part) : `.${abridged(part)}`;
  }
  return text;
}

export const required = (field: string, detail: string): FieldError => ({
  type: "FieldValueRequired",
  field,
  body: detail === "" ? "Required value" : `Required value: ${detail}`,
});
export const invalid = (field: string, value: JsonValue | undefined, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field,
  body: `Invalid value: ${quoteValue(value)}: ${detail}`,
});
export const typeInvalid = (field: string, value: JsonValue | undefined, detail: string): FieldError => ({
  type: "FieldValueTypeInvalid",
  field,
  body: `Invalid value: ${quoteValue(value)}: ${detail}`,
});
export const duplicate = (field: string, value: JsonValue | undefined): FieldError => ({
  type: "FieldValueDuplicate",
  field,
  body: `Duplicate value: ${quoteValue(value)}`,
});
export const notSupported = (
  field: string,
  value: JsonValue | undefined,
  supported: readonly string[],
): FieldError => ({
  type: "FieldValueNotSupported",
  field,
  body: `Unsupported value: ${quoteValue(value)}: supported values: ${supported.map((s) => JSON.stringify(s)).join(", ")}`,
});
export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field,
  body: `Forbidden: ${detail}`,
});
export const tooLong = (field: string, max: number, unit: "bytes" | "characters"): FieldError => ({
  type: "FieldValueTooLong",
  field,
  body: `Too long: may not be more than ${max} ${unit}`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  type: "FieldValueTooMany",
  field,
  body: `Too many: ${actual}: must have at most ${max} items`,
});
