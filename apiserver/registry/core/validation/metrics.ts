/** What a HorizontalPodAutoscaler scales by. Texts are kube-apiserver's. */
import type { JsonObject, JsonValue } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { isSet, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems, pathSegmentProblems } from "../../../machinery/names.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { type Fields, named, selectorErrors } from "./checks.ts";
import { containerResourceErrors } from "./resource-names.ts";

const zero = Quantity.of(0n);
const isPositive = (value: JsonValue | undefined): boolean => {
  const quantity = value === undefined ? undefined : parseQuantity(value);
  return quantity === undefined || compareQuantities(quantity, zero) > 0;
};

/** @param source  which of the members of a MetricSpec it is */
export function metricSourceErrors(source: string, metric: JsonObject, at: string): readonly FieldError[] {
  const target = objectOf(metric, "target");
  const targetAt = joinPath(at, "target");
  const errors = targetErrors(target, targetAt);
  const names = (field: string, owner: Fields, ownerAt: string): readonly FieldError[] => {
    const name = textOf(owner, field);
    return name === ""
      ? [required(joinPath(ownerAt, field), "")]
      : named(name, joinPath(ownerAt, field), pathSegmentProblems);
  };
  const identifier = objectOf(metric, "metric");
  const identified = [
    ...names("name", identifier, joinPath(at, "metric")),
    ...selectorErrors(identifier, "selector", joinPath(at, "metric")),
  ];
  const averageAt = joinPath(targetAt, "averageValue");
  switch (source) {
    case "resource":
      return [...neededName("name", metric, at), ...errors, ...amountErrors(target, targetAt)];
    case "containerResource":
      return [
        ...neededName("name", metric, at),
        ...(textOf(metric, "name") === "" ? [] : containerResourceErrors(textOf(metric, "name"), joinPath(at, "name"))),
        ...neededName("container", metric, at),
        ...(textOf(metric, "container") === ""
          ? []
          : named(textOf(metric, "container"), joinPath(at, "container"), labelProblems)),
        ...errors,
        ...amountErrors(target, targetAt),
      ];
    case "pods":
      return [
        ...identified,
        ...errors,
        ...(isSet(target, "averageValue") ? [] : [required(averageAt, "must specify a positive target averageValue")]),
      ];
    default:
      return [
        ...(source === "object"
          ? [
              ...["kind", "name"].flatMap((field) =>
                names(field, objectOf(metric, "describedObject"), joinPath(at, "describedObject")),
              ),
              ...groupVersionErrors(objectOf(metric, "describedObject"), joinPath(at, "describedObject")),
            ]
          : []),
        ...identified,
        ...errors,
        ...(isSet(target, "value") || isSet(target, "averageValue")
          ? []
          : [required(averageAt, "must set either a target value for metric or a per-pod target")]),
        ...(source === "external" && isSet(target, "value") && isSet(target, "averageValue")
          ? [
              forbiddenField(
                joinPath(targetAt, "value"),
                "may not set both a target value for metric and a per-pod target",
              ),
            ]
          : []),
      ];
  }
}

function groupVersionErrors(reference: Fields, at: string): readonly FieldError[] {
  const version = textOf(reference, "apiVersion");
  const problem = `unexpected GroupVersion string: ${version}`;
  return version.split("/").length > 2 ? [invalid(joinPath(at, "apiVersion"), version, problem)] : [];
}

const neededName = (field: string, metric: JsonObject, at: string): readonly FieldError[] =>
  textOf(metric, field) === "" ? [required(joinPath(at, field), "must specify a resource name")] : [];

const targetTypes = ["Utilization", "Value", "AverageValue"];

function targetErrors(target: Fields, at: string): readonly FieldError[] {
  const type = textOf(target, "type");
  const utilization = numericOf(target, "averageUtilization");
  return [
    ...(type === "" ? [required(joinPath(at, "type"), "must specify a metric target type")] : []),
    ...(targetTypes.includes(type)
      ? []
      : [invalid(joinPath(at, "type"), type, "must be either Utilization, Value, or AverageValue")]),
    ...["value", "averageValue"].flatMap((field) =>
      isPositive(target?.[field]) ? [] : [invalid(joinPath(at, field), target?.[field], "must be positive")],
    ),
    ...(utilization !== undefined && utilization < 1
      ? [invalid(joinPath(at, "averageUtilization"), utilization, "must be greater than 0")]
      : []),
  ];
}

function amountErrors(target: Fields, at: string): readonly FieldError[] {
  const [raw, share] = [isSet(target, "averageValue"), isSet(target, "averageUtilization")];
  const shareAt = joinPath(at, "averageUtilization");
  if (!raw && !share) return [required(shareAt, "must set either a target raw value or a target utilization")];
  return raw && share
    ? [forbiddenField(joinPath(at, "averageValue"), "may not set both a target raw value and a target utilization")]
    : [];
}
