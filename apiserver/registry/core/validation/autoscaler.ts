/** What a HorizontalPodAutoscaler may ask for. Texts are kube-apiserver's. */
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  path,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { pathSegmentProblems } from "../../../machinery/names.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { atLeast, entriesAt, type Fields, named } from "./checks.ts";
import { metricSourceErrors } from "./metrics.ts";

const metricSources: { readonly [type: string]: string } = {
  Object: "object",
  Pods: "pods",
  Resource: "resource",
  External: "external",
  ContainerResource: "containerResource",
};

export function validateAutoscaler(autoscaler: KubeObject): readonly FieldError[] {
  const spec = objectOf(autoscaler, "spec");
  const minReplicas = numericOf(spec, "minReplicas") ?? 1;
  const maxReplicas = numericOf(spec, "maxReplicas") ?? 0;
  const at = path("spec", "maxReplicas");
  return [
    ...atLeast(spec, "minReplicas", "spec", 0),
    ...(maxReplicas < minReplicas ? [invalid(at, maxReplicas, "must be greater than or equal to `minReplicas`")] : []),
    ...(maxReplicas === 0 ? [required(at, "")] : atLeast(spec, "maxReplicas", "spec", 1)),
    ...targetErrors(objectOf(spec, "scaleTargetRef")),
    ...metricErrors(spec, minReplicas),
    ...behaviorErrors(objectOf(spec, "behavior")),
  ];
}

function targetErrors(target: Fields): readonly FieldError[] {
  const at = path("spec", "scaleTargetRef");
  const apiVersion = textOf(target, "apiVersion");
  return [
    ...["kind", "name"].flatMap((field) => {
      const value = textOf(target, field);
      return value === ""
        ? [required(joinPath(at, field), "")]
        : named(value, joinPath(at, field), pathSegmentProblems);
    }),
    ...(apiVersion.includes("/")
      ? []
      : [invalid(joinPath(at, "apiVersion"), apiVersion, "apiVersion must specify API group")]),
  ];
}

function metricErrors(spec: Fields, minReplicas: number): readonly FieldError[] {
  const at = path("spec", "metrics");
  const metrics = entriesAt(listOf(spec, "metrics"), at);
  const wakes = metrics.some(([metric]) => ["Object", "External"].includes(textOf(metric, "type")));
  return [
    ...(minReplicas === 0 && !wakes
      ? [forbiddenField(at, "must specify at least one Object or External metric to support scaling to zero replicas")]
      : []),
    ...metrics.flatMap(([metric, metricAt]) => {
      const type = textOf(metric, "type");
      const source = Object.hasOwn(metricSources, type) ? metricSources[type] : undefined;
      if (type === "") return [required(joinPath(metricAt, "type"), "must specify a metric source type")];
      if (source === undefined) {
        return [notSupported(joinPath(metricAt, "type"), type, Object.keys(metricSources).sort())];
      }
      return isSet(metric, source)
        ? metricSourceErrors(source, objectOf(metric, source) ?? {}, joinPath(metricAt, source))
        : [required(joinPath(metricAt, source), "must populate information for the given metric source")];
    }),
  ];
}

/** Seconds over which recommendations are remembered, and which a policy may look back. */
const maxStabilizationSeconds = 3_600;
const maxPolicySeconds = 1_800;
const selectPolicies = ["Disabled", "Max", "Min"];

function behaviorErrors(behavior: Fields): readonly FieldError[] {
  return ["scaleUp", "scaleDown"].flatMap((field) => {
    const rules = objectOf(behavior, field);
    if (rules === undefined) return [];
    const at = path("spec", "behavior", field);
    const window = numericOf(rules, "stabilizationWindowSeconds") ?? 0;
    const policies = entriesAt(listOf(rules, "policies"), joinPath(at, "policies"));
    const tolerance = isSet(rules, "tolerance") ? parseQuantity(rules.tolerance ?? null) : undefined;
    return [
      ...(!isSet(rules, "selectPolicy") || selectPolicies.includes(textOf(rules, "selectPolicy"))
        ? []
        : [notSupported(joinPath(at, "selectPolicy"), textOf(rules, "selectPolicy"), selectPolicies)]),
      ...(tolerance !== undefined && compareQuantities(tolerance, Quantity.of(0n)) < 0
        ? [invalid(joinPath(at, "tolerance"), String(tolerance), "must be greater than or equal to 0")]
        : []),
      ...(window < 0 || window > maxStabilizationSeconds
        ? [
            invalid(
              joinPath(at, "stabilizationWindowSeconds"),
              window,
              window < 0
                ? "must be greater than or equal to zero"
                : `must be less than or equal to ${maxStabilizationSeconds}`,
            ),
          ]
        : []),
      ...(isSet(rules, "policies") && policies.length === 0
        ? [required(joinPath(at, "policies"), "must specify at least one Policy")]
        : []),
      ...policies.flatMap(([policy, policyAt]) => policyErrors(policy, policyAt)),
    ];
  });
}

function policyErrors(policy: JsonObject, at: string): readonly FieldError[] {
  const type = textOf(policy, "type");
  const seconds = numericOf(policy, "periodSeconds") ?? 0;
  const positive = ["value", "periodSeconds"].filter((field) => (numericOf(policy, field) ?? 0) <= 0);
  return [
    ...(["Pods", "Percent"].includes(type) ? [] : [notSupported(joinPath(at, "type"), type, ["Pods", "Percent"])]),
    ...positive.map((field) =>
      invalid(joinPath(at, field), numericOf(policy, field) ?? 0, "must be greater than zero"),
    ),
    ...(seconds > maxPolicySeconds
      ? [invalid(joinPath(at, "periodSeconds"), seconds, `must be less than or equal to ${maxPolicySeconds}`)]
      : []),
  ];
}
