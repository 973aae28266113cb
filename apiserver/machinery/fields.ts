/** Reading decoded JSON by field: an absent field and one of another type read alike, schemas have refused the latter. */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject, isRawNumber } from "./json.ts";

type Fields = { readonly [field: string]: unknown } | undefined;

export function textOf(object: Fields, field: string): string {
  const value = object?.[field];
  return typeof value === "string" ? value : "";
}
export function numberOf(object: Fields, field: string): number | undefined {
  const value = object?.[field];
  return typeof value === "number" ? value : undefined;
}
/** Also of a number that is kept as it was written: an int64 beyond 2^53, to the nearest double. */
export function numericOf(object: Fields, field: string): number | undefined {
  const value = object?.[field];
  return isRawNumber(value) ? Number(value.rawJSON) : numberOf(object, field);
}
export function isTrue(object: Fields, field: string): boolean {
  return object?.[field] === true;
}
export function objectOf(object: Fields, field: string): JsonObject | undefined {
  const value = object?.[field];
  return isJsonObject(value) ? value : undefined;
}
export function listOf(object: Fields, field: string): readonly JsonValue[] {
  const value = object?.[field];
  return Array.isArray(value) ? value : [];
}
export function textsOf(object: Fields, field: string): readonly string[] {
  return listOf(object, field).filter((item) => typeof item === "string");
}
/** Members that are objects themselves, by key in their order. */
export function entriesOf(object: Fields, field: string): readonly (readonly [string, JsonObject])[] {
  return Object.entries(objectOf(object, field) ?? {}).flatMap(([key, value]) =>
    isJsonObject(value) ? [[key, value] as const] : [],
  );
}
export function isSet(object: Fields, field: string): boolean {
  return object?.[field] !== undefined && object[field] !== null;
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}
