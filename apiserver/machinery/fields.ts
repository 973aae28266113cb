/**
 * Reading decoded JSON by field: an absent field and one of another type read alike. Schemas have refused the latter, but
 * an object from before a rule may still hold one (API CR-25).
 *
 * Of an object whose type is known only its own members can be named, and what is read has their type.
 */
import type { JsonObject, JsonValue, RawNumber } from "../apis/meta/v1.ts";
import { isObject, isRawNumber } from "./json.ts";

/** Members of `T` that can be named: any, where nothing is known of them. */
type Name<T> = Extract<keyof T, string>;
/** Nothing is known of the members of `T`. */
type IsOpen<T> = string extends keyof T ? true : false;
type ObjectIn<T, K extends keyof T> =
  IsOpen<T> extends true ? JsonObject : Exclude<Extract<NonNullable<T[K]>, object>, readonly unknown[] | RawNumber>;
type EntryIn<T, K extends keyof T> =
  IsOpen<T> extends true ? JsonObject : NonNullable<T[K]> extends { [key: string]: infer Entry } ? Entry : never;
type ItemIn<T, K extends keyof T> =
  IsOpen<T> extends true ? JsonValue : NonNullable<T[K]> extends readonly (infer Item)[] ? Item : never;

export function textOf<T extends object>(object: T | undefined, field: Name<T>): string {
  const value: unknown = object?.[field];
  return typeof value === "string" ? value : "";
}
export function numberOf<T extends object>(object: T | undefined, field: Name<T>): number | undefined {
  const value: unknown = object?.[field];
  return typeof value === "number" ? value : undefined;
}
/** Also of a number that is kept as it was written: an int64 beyond 2^53, to the nearest double. */
export function numericOf<T extends object>(object: T | undefined, field: Name<T>): number | undefined {
  const value: unknown = object?.[field];
  return isRawNumber(value) ? Number(value.rawJSON) : numberOf(object, field);
}
export function isTrue<T extends object>(object: T | undefined, field: Name<T>): boolean {
  const value: unknown = object?.[field];
  return value === true;
}
export function objectOf<T extends object, K extends Name<T>>(
  object: T | undefined,
  field: K,
): ObjectIn<T, K> | undefined;
export function objectOf(object: { readonly [field: string]: unknown } | undefined, field: string): unknown {
  const value = object?.[field];
  return isJsonObject(value) ? value : undefined;
}
export function listOf<T extends object, K extends Name<T>>(object: T | undefined, field: K): readonly ItemIn<T, K>[];
export function listOf(object: { readonly [field: string]: unknown } | undefined, field: string): unknown {
  const value = object?.[field];
  return Array.isArray(value) ? value : [];
}
export function textsOf<T extends object>(object: T | undefined, field: Name<T>): readonly string[] {
  const value: unknown = object?.[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
/** Members that are objects themselves, by key in their order. */
export function entriesOf<T extends object, K extends Name<T>>(
  object: T | undefined,
  field: K,
): readonly (readonly [key: string, entry: EntryIn<T, K>])[];
export function entriesOf(object: { readonly [field: string]: unknown } | undefined, field: string): unknown {
  const value = object?.[field];
  return isJsonObject(value) ? Object.entries(value).filter(([, entry]) => isJsonObject(entry)) : [];
}
export function isSet<T extends object>(object: T | undefined, field: Name<T>): boolean {
  return object?.[field] !== undefined && object[field] !== null;
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}
