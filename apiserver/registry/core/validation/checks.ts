/** What rules of core kinds have in common. Texts are kube-apiserver's: people search for them. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { listOf, numericOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import { deepEqual, isObject } from "../../../machinery/json.ts";
import { labelValueProblems, qualifiedNameProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { type LabelSelector, labelSelectorFromObject } from "../../../machinery/selectors.ts";

export type Fields = JsonObject | undefined;

/** An absent number is right; what has to be there is required by the schema. */
export function atLeast(object: Fields, field: string, at: string, least: number): readonly FieldError[] {
  const value = numericOf(object, field);
  if (value === undefined || value >= least) return [];
  return [invalid(joinPath(at, field), value, `must be greater than or equal to ${least}`)];
}

export const notNegative = (object: Fields, fields: readonly string[], at: string): readonly FieldError[] =>
  fields.flatMap((field) => atLeast(object, field, at, 0));

/** A port that others connect to. */
export function portRange(port: number, at: string): readonly FieldError[] {
  return port >= 1 && port <= 65_535 ? [] : [invalid(at, port, "must be between 1 and 65535, inclusive")];
}

/** @param problemsOf  one of `machinery/names.ts` */
export const named = (
  name: string,
  at: string,
  problemsOf: (name: string) => readonly string[],
): readonly FieldError[] => problemsOf(name).map((problem) => invalid(at, name, problem));

export function unchanged(object: Fields, old: Fields, fields: readonly string[], at: string): readonly FieldError[] {
  return fields
    .filter((field) => !deepEqual(object?.[field] ?? null, old?.[field] ?? null))
    .map((field) => invalid(joinPath(at, field), object?.[field] ?? null, "field is immutable"));
}

/** Of metadata that isn't an object's own, such as a template's. */
export const annotationKeyErrors = (metadata: Fields, at: string): readonly FieldError[] =>
  Object.keys(objectOf(metadata, "annotations") ?? {}).flatMap((key) =>
    named(key, joinPath(at, "annotations", { key }), (name) => qualifiedNameProblems(name.toLowerCase())),
  );

/** The entries of a list that are objects, with their paths. */
export function entriesAt(list: readonly unknown[], at: string): readonly (readonly [entry: JsonObject, at: string])[] {
  return list.flatMap((entry, index): (readonly [JsonObject, string])[] =>
    isJsonObject(entry) ? [[entry, joinPath(at, index)]] : [],
  );
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value);
}

/** Texts of a map of texts, such as labels. */
export const textsIn = (object: Fields, field: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(objectOf(object, field) ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );

const operators: ReadonlySet<string> = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

/** The LabelSelector at `field`, empty when absent; what is wrong with it is told by `selectorErrors`. */
export function selectorOf(object: Fields, field: string): LabelSelector {
  const selector = objectOf(object, field);
  return labelSelectorFromObject({
    matchLabels: textsIn(selector, "matchLabels"),
    matchExpressions: listOf(selector, "matchExpressions")
      .filter(isJsonObject)
      .filter((expression) => operators.has(textOf(expression, "operator")))
      .map((expression) => ({
        key: textOf(expression, "key"),
        operator: textOf(expression, "operator"),
        values: textsOf(expression, "values"),
      })),
  });
}

export function selectorErrors(object: Fields, field: string, at: string): readonly FieldError[] {
  const selector = objectOf(object, field);
  const selectorAt = joinPath(at, field);
  return [
    ...validateLabels(textsIn(selector, "matchLabels"), joinPath(selectorAt, "matchLabels")),
    ...entriesAt(listOf(selector, "matchExpressions"), joinPath(selectorAt, "matchExpressions")).flatMap(
      ([expression, expressionAt]) => expressionErrors(expression, expressionAt),
    ),
  ];
}

function expressionErrors(expression: JsonObject, at: string): readonly FieldError[] {
  const [key, operator, values] = [
    textOf(expression, "key"),
    textOf(expression, "operator"),
    textsOf(expression, "values"),
  ];
  const errors: FieldError[] = [...named(key, joinPath(at, "key"), qualifiedNameProblems)];
  const valuesAt = joinPath(at, "values");
  if (!operators.has(operator)) {
    errors.push(invalid(joinPath(at, "operator"), operator, "not a valid selector operator"));
  } else if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(required(valuesAt, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (values.length > 0) {
    errors.push(forbiddenField(valuesAt, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
  for (const [index, value] of values.entries()) {
    errors.push(...named(value, joinPath(valuesAt, index), labelValueProblems));
  }
  return errors;
}

/** Longest name of a port (RFC 6335). */
const maxLength = 15;

/** Names of ports of containers, by which Services and probes find them. */
export function portNameProblems(name: string): readonly string[] {
  const problems: string[] = [];
  if (name.length > maxLength) problems.push(`must be no more than ${maxLength} characters`);
  if (!/^[-a-z0-9]+$/.test(name))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) problems.push("must contain at least one letter (a-z)");
  if (name.includes("--")) problems.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}
