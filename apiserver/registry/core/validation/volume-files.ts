/** What the files of a volume must be: where they lie and who may read them. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { listOf, numericOf, textOf } from "../../../machinery/fields.ts";
import { entriesAt, type Fields } from "./checks.ts";

export const nonEmpty = (object: Fields, field: string, at: string): readonly FieldError[] =>
  textOf(object, field) === "" ? [required(joinPath(at, field), "")] : [];

export const fileErrors = (source: JsonObject, at: string): readonly FieldError[] => [
  ...modeErrors(source, "defaultMode", at),
  ...itemErrors(source, at, true),
];

/** @param keyed  each item is a key of an object, not a field of the pod */
export function itemErrors(source: Fields, at: string, keyed: boolean): readonly FieldError[] {
  return entriesAt(listOf(source, "items"), joinPath(at, "items")).flatMap(([item, itemAt]) => [
    ...(keyed ? nonEmpty(item, "key", itemAt) : []),
    ...nonEmpty(item, "path", itemAt),
    ...localPath(item, "path", itemAt),
    ...modeErrors(item, "mode", itemAt),
  ]);
}

const greatestMode = 0o777;

export function modeErrors(object: JsonObject, field: string, at: string): readonly FieldError[] {
  const mode = numericOf(object, field) ?? 0;
  return mode >= 0 && mode <= greatestMode
    ? []
    : [invalid(joinPath(at, field), mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

export function noBacksteps(object: JsonObject, field: string, at: string): readonly FieldError[] {
  const path = textOf(object, field);
  return path.split("/").includes("..") ? [invalid(joinPath(at, field), path, "must not contain '..'")] : [];
}

/** A path below a directory. */
export const descending = (object: JsonObject, field: string, at: string): readonly FieldError[] => [
  ...(textOf(object, field).startsWith("/")
    ? [invalid(joinPath(at, field), textOf(object, field), "must be a relative path")]
    : []),
  ...noBacksteps(object, field, at),
];

/** A path below a directory in which names that begin with two dots are the kubelet's. */
export const localPath = (object: JsonObject, field: string, at: string): readonly FieldError[] => {
  const path = textOf(object, field);
  return [
    ...descending(object, field, at),
    ...(path.startsWith("..") && !path.startsWith("../")
      ? [invalid(joinPath(at, field), path, "must not start with '..'")]
      : []),
  ];
};
