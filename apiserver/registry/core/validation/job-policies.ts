/** What the policies of a Job for success and failure may say. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  invalid,
  joinPath,
  notSupported,
  path,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { isObject } from "../../../machinery/json.ts";
import { qualifiedNameProblems } from "../../../machinery/names.ts";
import { entriesAt, type Fields, named } from "./checks.ts";

export const jobPolicyErrors = (spec: Fields): readonly FieldError[] => [
  ...successErrors(spec),
  ...failureErrors(spec),
];

function successErrors(spec: Fields): readonly FieldError[] {
  const policy = objectOf(spec, "successPolicy");
  if (policy === undefined || textOf(spec, "completionMode") !== "Indexed") return [];
  const at = path("spec", "successPolicy", "rules");
  const rules = entriesAt(listOf(policy, "rules"), at);
  if (rules.length === 0) {
    return [required(at, "at least one rules must be specified when the successPolicy is specified")];
  }
  const completions = numericOf(spec, "completions") ?? 0;
  return rules.flatMap(([rule, ruleAt]) => successRuleErrors(rule, ruleAt, completions));
}

function successRuleErrors(rule: JsonObject, at: string, completions: number): readonly FieldError[] {
  const count = numericOf(rule, "succeededCount");
  const listed = isSet(rule, "succeededIndexes") ? textOf(rule, "succeededIndexes") : undefined;
  if (count === undefined && listed === undefined) {
    return [required(at, "at least one of succeededCount or succeededIndexes must be specified")];
  }
  const indexes = listed === undefined ? undefined : countIndexes(listed, completions);
  const countAt = joinPath(at, "succeededCount");
  const errors: FieldError[] = [];
  if (typeof indexes === "string") {
    errors.push(invalid(joinPath(at, "succeededIndexes"), listed ?? "", `error parsing succeededIndexes: ${indexes}`));
  }
  if (count !== undefined && count <= 0) errors.push(invalid(countAt, count, "must be greater than or equal to 1"));
  if (count !== undefined && count > completions) {
    const most = `must be less than or equal to ${completions} (the number of specified completions)`;
    errors.push(invalid(countAt, count, most));
  }
  if (count !== undefined && typeof indexes === "number" && count > indexes) {
    const most = `must be less than or equal to ${indexes} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(invalid(countAt, count, most));
  }
  return errors;
}

/** How many indexes a list such as `1,3-5` names, or what is wrong with it. */
function countIndexes(text: string, completions: number): number | string {
  if (text === "") return 0;
  let count = 0;
  let previous = -1;
  for (const part of text.split(",")) {
    const bounds = part.split("-");
    if (bounds.length > 2)
      return `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`;
    const [first = "", last = first] = bounds;
    for (const bound of [first, last]) {
      if (!/^\d{1,10}$/.test(bound)) return `cannot convert string to integer for index: ${JSON.stringify(bound)}`;
      if (Number(bound) >= completions) return `too large index: ${JSON.stringify(bound)}`;
    }
    if (Number(first) <= previous) return `non-increasing order, previous: ${previous}, current: ${Number(first)}`;
    if (bounds.length === 2 && Number(last) <= Number(first)) {
      return `non-increasing order, previous: ${Number(first)}, current: ${Number(last)}`;
    }
    count += Number(last) - Number(first) + 1;
    previous = Number(last);
  }
  return count;
}

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];

function failureErrors(spec: Fields): readonly FieldError[] {
  const policy = objectOf(spec, "podFailurePolicy");
  if (policy === undefined) return [];
  const pod = objectOf(objectOf(spec, "template"), "spec");
  const restarts = textOf(pod, "restartPolicy");
  const replacement = textOf(spec, "podReplacementPolicy");
  const containers = ["containers", "initContainers"].flatMap((field) => listOf(pod, field).filter(isObject));
  const known = new Set(containers.map((container) => textOf(container, "name")));
  const hasLimits = isSet(spec, "backoffLimitPerIndex");
  return [
    ...(restarts === "Never"
      ? []
      : [
          invalid(
            path("spec", "template", "spec", "restartPolicy"),
            restarts,
            'only "Never" is supported when podFailurePolicy is specified',
          ),
        ]),
    ...(replacement === "" || replacement === "Failed"
      ? []
      : [notSupported(path("spec", "podReplacementPolicy"), replacement, ["Failed"])]),
    ...entriesAt(listOf(policy, "rules"), path("spec", "podFailurePolicy", "rules")).flatMap(([rule, at]) =>
      failureRuleErrors(rule, at, known, hasLimits),
    ),
  ];
}

function failureRuleErrors(
  rule: JsonObject,
  at: string,
  known: ReadonlySet<string>,
  hasLimits: boolean,
): readonly FieldError[] {
  const action = textOf(rule, "action");
  const codes = objectOf(rule, "onExitCodes");
  const conditions = listOf(rule, "onPodConditions");
  const errors: FieldError[] = [];
  const actionAt = joinPath(at, "action");
  if (action === "") errors.push(required(actionAt, `valid values: ${actions.map((one) => `"${one}"`).join(", ")}`));
  else if (!actions.includes(action)) errors.push(notSupported(actionAt, action, actions));
  else if (action === "FailIndex" && !hasLimits) {
    errors.push(invalid(actionAt, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (codes !== undefined) errors.push(...exitCodeErrors(codes, joinPath(at, "onExitCodes"), known));
  errors.push(
    ...entriesAt(conditions, joinPath(at, "onPodConditions")).flatMap(([condition, conditionAt]) => {
      const status = textOf(condition, "status");
      return [
        ...named(textOf(condition, "type"), joinPath(conditionAt, "type"), qualifiedNameProblems),
        ...(["", "True", "False", "Unknown"].includes(status)
          ? []
          : [notSupported(joinPath(conditionAt, "status"), status, ["False", "True", "Unknown"])]),
      ];
    }),
  );
  if (codes !== undefined && conditions.length > 0) {
    errors.push(invalid(at, "", "specifying both OnExitCodes and OnPodConditions is not supported"));
  }
  if (codes === undefined && conditions.length === 0) {
    errors.push(invalid(at, "", "specifying one of OnExitCodes and OnPodConditions is required"));
  }
  return errors;
}

function exitCodeErrors(codes: JsonObject, at: string, known: ReadonlySet<string>): readonly FieldError[] {
  const operator = textOf(codes, "operator");
  const container = textOf(codes, "containerName");
  const values = listOf(codes, "values").filter((value) => typeof value === "number");
  const valuesAt = joinPath(at, "values");
  const ordered = values.every((value, index) => index === 0 || value >= (values[index - 1] ?? value));
  return [
    ...(operator === "In" || operator === "NotIn"
      ? []
      : [notSupported(joinPath(at, "operator"), operator, ["In", "NotIn"])]),
    ...(container !== "" && !known.has(container)
      ? [
          invalid(
            joinPath(at, "containerName"),
            container,
            "must be one of the container or initContainer names in the pod template",
          ),
        ]
      : []),
    ...(values.length === 0 ? [invalid(valuesAt, [], "at least one value is required")] : []),
    ...values.flatMap((value, index) => {
      const valueAt = joinPath(valuesAt, index);
      if (values.indexOf(value) < index) return [duplicate(valueAt, value)];
      return value === 0 && operator === "In" ? [invalid(valueAt, value, "must not be 0 for the In operator")] : [];
    }),
    ...(ordered ? [] : [invalid(valuesAt, values, "must be ordered")]),
  ];
}
