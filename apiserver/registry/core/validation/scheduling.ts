/** What a pod may say of where it runs. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import {
  labelProblems,
  labelValueProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from "../../../machinery/names.ts";
import { entriesAt, type Fields, named, selectorErrors } from "./checks.ts";

/** `Lt` and `Gt` are behind a feature gate of the cluster that is off. */
const tolerationOperators = ["", "Equal", "Exists"];

export function tolerationErrors(toleration: JsonObject, at: string): readonly FieldError[] {
  const [key, operator, effect] = [
    textOf(toleration, "key"),
    textOf(toleration, "operator"),
    textOf(toleration, "effect"),
  ];
  const errors: FieldError[] = key === "" ? [] : [...named(key, joinPath(at, "key"), qualifiedNameProblems)];
  if (key === "" && operator !== "Exists") {
    errors.push(
      invalid(
        joinPath(at, "operator"),
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (!tolerationOperators.includes(operator)) {
    errors.push(notSupported(joinPath(at, "operator"), operator, ["Equal", "Exists"]));
  }
  if (operator === "" || operator === "Equal") {
    errors.push(...named(textOf(toleration, "value"), joinPath(at, "operator"), labelValueProblems));
  }
  if (operator === "Exists" && textOf(toleration, "value") !== "") {
    errors.push(invalid(joinPath(at, "operator"), toleration, "value must be empty when `operator` is 'Exists'"));
  }
  if (isSet(toleration, "tolerationSeconds") && effect !== "NoExecute") {
    errors.push(invalid(joinPath(at, "effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  return errors;
}

const requiredTerms = "requiredDuringSchedulingIgnoredDuringExecution";
const preferredTerms = "preferredDuringSchedulingIgnoredDuringExecution";

export function affinityErrors(affinity: Fields, at: string): readonly FieldError[] {
  const node = objectOf(affinity, "nodeAffinity");
  const nodeAt = joinPath(at, "nodeAffinity");
  return [
    ...nodeSelectorErrors(objectOf(node, requiredTerms), joinPath(nodeAt, requiredTerms)),
    ...entriesAt(listOf(node, preferredTerms), joinPath(nodeAt, preferredTerms)).flatMap(([term, termAt]) => [
      ...weightErrors(term, termAt),
      ...nodeTermErrors(objectOf(term, "preference"), joinPath(termAt, "preference")),
    ]),
    ...["podAffinity", "podAntiAffinity"].flatMap((field) =>
      podAffinityErrors(objectOf(affinity, field), joinPath(at, field)),
    ),
  ];
}

function podAffinityErrors(affinity: Fields, at: string): readonly FieldError[] {
  return [
    ...entriesAt(listOf(affinity, requiredTerms), joinPath(at, requiredTerms)).flatMap(([term, termAt]) =>
      podTermErrors(term, termAt),
    ),
    ...entriesAt(listOf(affinity, preferredTerms), joinPath(at, preferredTerms)).flatMap(([term, termAt]) => [
      ...weightErrors(term, termAt),
      ...podTermErrors(objectOf(term, "podAffinityTerm"), joinPath(termAt, "podAffinityTerm")),
    ]),
  ];
}

function weightErrors(term: JsonObject, at: string): readonly FieldError[] {
  const weight = numericOf(term, "weight") ?? 0;
  return weight >= 1 && weight <= 100 ? [] : [invalid(joinPath(at, "weight"), weight, "must be in the range 1-100")];
}

function podTermErrors(term: Fields, at: string): readonly FieldError[] {
  const topologyKey = textOf(term, "topologyKey");
  const keyAt = joinPath(at, "topologyKey");
  return [
    ...(topologyKey === "" ? [required(keyAt, "can not be empty")] : named(topologyKey, keyAt, qualifiedNameProblems)),
    ...selectorErrors(term, "labelSelector", at),
    ...selectorErrors(term, "namespaceSelector", at),
    ...textsOf(term, "namespaces").flatMap((name, index) =>
      named(name, joinPath(at, "namespaces", index), labelProblems),
    ),
    ...matchKeyErrors(term, at),
  ];
}

/** Keys whose values are the new pod's own; each says something in one place only. */
function matchKeyErrors(term: Fields, at: string): readonly FieldError[] {
  const [same, other] = [textsOf(term, "matchLabelKeys"), textsOf(term, "mismatchLabelKeys")];
  const selected = new Set(
    listOf(objectOf(term, "labelSelector"), "matchExpressions").map((expression) => textOf(Object(expression), "key")),
  );
  const keys = (field: string, list: readonly string[]) =>
    list.flatMap((key, index) => [
      ...named(key, joinPath(at, field, index), qualifiedNameProblems),
      ...(selected.has(key) || Object.hasOwn(objectOf(objectOf(term, "labelSelector"), "matchLabels") ?? {}, key)
        ? [invalid(joinPath(at, field, index), key, "exists in both matchLabelKeys and labelSelector")]
        : []),
    ]);
  const unselected = isSet(term, "labelSelector") ? [] : ["matchLabelKeys", "mismatchLabelKeys"];
  return [
    ...unselected
      .filter((field) => listOf(term, field).length > 0)
      .map((field) => forbiddenField(joinPath(at, field), "must not be specified when labelSelector is not set")),
    ...keys("matchLabelKeys", same),
    ...keys("mismatchLabelKeys", other),
    ...same
      .filter((key) => other.includes(key))
      .map((key) =>
        invalid(joinPath(at, "matchLabelKeys"), key, "exists in both matchLabelKeys and mismatchLabelKeys"),
      ),
  ];
}

function nodeSelectorErrors(selector: Fields, at: string): readonly FieldError[] {
  if (selector === undefined) return [];
  const terms = listOf(selector, "nodeSelectorTerms");
  const termsAt = joinPath(at, "nodeSelectorTerms");
  if (terms.length === 0) return [required(termsAt, "must have at least one node selector term")];
  return entriesAt(terms, termsAt).flatMap(([term, termAt]) => [
    ...nodeTermErrors(term, termAt),
    ...entriesAt(listOf(term, "matchExpressions"), joinPath(termAt, "matchExpressions")).flatMap(valueErrors),
  ]);
}

/** Values that no label has. In a term that is only preferred they are let be. */
const valueErrors = ([expression, at]: readonly [JsonObject, string]): readonly FieldError[] =>
  textsOf(expression, "values").flatMap((value, index) =>
    named(value, joinPath(at, "values", index), labelValueProblems),
  );

const nodeTermErrors = (term: Fields, at: string): readonly FieldError[] => [
  ...entriesAt(listOf(term, "matchExpressions"), joinPath(at, "matchExpressions")).flatMap(
    ([expression, expressionAt]) => expressionErrors(expression, expressionAt),
  ),
  ...entriesAt(listOf(term, "matchFields"), joinPath(at, "matchFields")).flatMap(([field, fieldAt]) =>
    fieldErrors(field, fieldAt),
  ),
];

/** By a field of the node, of which there is one: its name. */
function fieldErrors(field: JsonObject, at: string): readonly FieldError[] {
  const [key, operator, values] = [textOf(field, "key"), textOf(field, "operator"), textsOf(field, "values")];
  return [
    ...(operator === "In" || operator === "NotIn"
      ? values.length === 1
        ? []
        : [
            required(
              joinPath(at, "values"),
              "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
            ),
          ]
      : [invalid(joinPath(at, "operator"), operator, "not a valid selector operator")]),
    ...(key === "metadata.name"
      ? values.flatMap((value, index) => named(value, joinPath(at, "values", index), subdomainProblems))
      : [invalid(joinPath(at, "key"), key, "not a valid field selector key")]),
  ];
}

function expressionErrors(expression: JsonObject, at: string): readonly FieldError[] {
  const operator = textOf(expression, "operator");
  const count = listOf(expression, "values").length;
  const valuesAt = joinPath(at, "values");
  const key = named(textOf(expression, "key"), joinPath(at, "key"), qualifiedNameProblems);
  switch (operator) {
    case "In":
    case "NotIn":
      return count > 0 ? key : [required(valuesAt, "must be specified when `operator` is 'In' or 'NotIn'"), ...key];
    case "Exists":
    case "DoesNotExist":
      return count === 0
        ? key
        : [forbiddenField(valuesAt, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"), ...key];
    case "Gt":
    case "Lt":
      return count === 1
        ? key
        : [required(valuesAt, "must be specified single value when `operator` is 'Lt' or 'Gt'"), ...key];
    default:
      return [invalid(joinPath(at, "operator"), operator, "not a valid selector operator"), ...key];
  }
}
