/**
 * Autoscalers as autoscaling/v1 has them: one field for a target of cpu. What else version 2 knows is kept in the annotations
 * in which kube-apiserver keeps it, metrics in the first version's words.
 */
import type { JsonObject, JsonValue, KubeObject } from "../../../apis/meta/v1.ts";
import { isSet, listOf, numberOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { isObject, parseJson, stringifyJson } from "../../../machinery/json.ts";
import type { Conversion } from "../../rest/strategy.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";
const annotations = {
  metrics: `${prefix}metrics`,
  behavior: `${prefix}behavior`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
} as const;

/** Per kind of metric: what of its second version is called what in the first. */
type Words = readonly (readonly [path: readonly [string, ...string[]], name: string])[];
const averageValue = [["target", "averageValue"], "targetAverageValue"] as const;
const averageUtilization = [["target", "averageUtilization"], "targetAverageUtilization"] as const;
const metricName = [["metric", "name"], "metricName"] as const;
const metricWords: { readonly [source: string]: Words } = {
  resource: [[["name"], "name"], averageUtilization, averageValue],
  containerResource: [[["name"], "name"], [["container"], "container"], averageUtilization, averageValue],
  pods: [metricName, [["metric", "selector"], "selector"], averageValue],
  object: [
    [["describedObject"], "target"],
    metricName,
    [["metric", "selector"], "selector"],
    [["target", "value"], "targetValue"],
    [["target", "averageValue"], "averageValue"],
  ],
  external: [
    metricName,
    [["metric", "selector"], "metricSelector"],
    [["target", "value"], "targetValue"],
    averageValue,
  ],
};
const sourceOf = (metric: JsonObject): string | undefined =>
  Object.keys(metricWords).find((source) => isSet(metric, source));

function valueAt(object: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  return value;
}

function firstMetric(metric: JsonObject): JsonObject {
  const source = sourceOf(metric);
  if (source === undefined) return metric;
  const second = objectOf(metric, source) ?? {};
  const first: JsonObject = {};
  for (const [path, name] of metricWords[source] ?? []) {
    const value = valueAt(second, path);
    if (value !== undefined) first[name] = value;
  }
  return { type: textOf(metric, "type"), [source]: first };
}

function secondMetric(metric: JsonObject): JsonObject {
  const source = sourceOf(metric);
  if (source === undefined) return metric;
  const first = objectOf(metric, source) ?? {};
  const second: { [name: string]: JsonValue } = {};
  const groups: { [name: string]: JsonObject } = {};
  for (const [[head, member], name] of metricWords[source] ?? []) {
    const value = first[name];
    if (value === undefined) continue;
    if (member === undefined) second[head] = value;
    else groups[head] = { ...groups[head], [member]: value };
  }
  const target = groups.target ?? {};
  const type = isSet(target, "averageUtilization") ? "Utilization" : isSet(target, "value") ? "Value" : "AverageValue";
  return { type: textOf(metric, "type"), [source]: { ...second, ...groups, target: { type, ...target } } };
}

const cpuUtilization = (metric: JsonValue): number | undefined => {
  if (!isObject(metric) || textOf(metric, "type") !== "Resource") return undefined;
  const resource = objectOf(metric, "resource");
  return textOf(resource, "name") === "cpu" ? numberOf(objectOf(resource, "target"), "averageUtilization") : undefined;
};

const cpuMetric = (utilization: JsonValue): JsonObject => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: utilization } },
});

function fromStored(stored: KubeObject): KubeObject {
  const { metrics: _metrics, behavior, ...spec } = objectOf(stored, "spec") ?? {};
  const { currentMetrics, conditions, ...status } = objectOf(stored, "status") ?? {};
  const metrics = listOf(objectOf(stored, "spec"), "metrics");
  const cpu = metrics.findIndex((metric) => cpuUtilization(metric) !== undefined);
  const others = metrics.filter((_, index) => index !== cpu);
  const target = metrics[cpu];
  const kept = {
    ...noted(annotations.metrics, others.length === 0 ? undefined : others.filter(isObject).map(firstMetric)),
    ...noted(annotations.behavior, behavior),
    ...noted(annotations.currentMetrics, currentMetrics),
    ...noted(annotations.conditions, conditions),
  };
  const utilization = target === undefined ? undefined : cpuUtilization(target);
  return {
    ...stored,
    metadata: withAnnotations(stored.metadata, kept),
    spec: { ...spec, ...(utilization === undefined ? {} : { targetCPUUtilizationPercentage: utilization }) },
    ...(isSet(stored, "status") ? { status } : {}),
  };
}

function toStored(served: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = objectOf(served, "spec") ?? {};
  const { currentCPUUtilizationPercentage: _current, ...status } = objectOf(served, "status") ?? {};
  const noted = served.metadata.annotations ?? {};
  const others = parsed(noted[annotations.metrics]);
  const behavior = parsed(noted[annotations.behavior]);
  const [currentMetrics, conditions] = [
    parsed(noted[annotations.currentMetrics]),
    parsed(noted[annotations.conditions]),
  ];
  const metrics = [
    ...(cpu === undefined || cpu === null ? [] : [cpuMetric(cpu)]),
    ...(Array.isArray(others) ? others.filter(isObject).map(secondMetric) : []),
  ];
  const rest = Object.fromEntries(Object.entries(noted).filter(([key]) => !ownKeys.has(key)));
  const { annotations: _annotations, ...metadata } = served.metadata;
  return {
    ...served,
    metadata: { ...metadata, ...(Object.keys(rest).length === 0 ? {} : { annotations: rest }) },
    spec: {
      ...spec,
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(isObject(behavior) ? { behavior } : {}),
    },
    ...(isSet(served, "status") || currentMetrics !== undefined || conditions !== undefined
      ? {
          status: {
            ...status,
            ...(Array.isArray(currentMetrics) ? { currentMetrics } : {}),
            ...(Array.isArray(conditions) ? { conditions } : {}),
          },
        }
      : {}),
  };
}

const ownKeys: ReadonlySet<string> = new Set(Object.values(annotations));

const noted = (key: string, value: JsonValue | undefined): { readonly [key: string]: string } =>
  value === undefined || value === null ? {} : { [key]: stringifyJson(value) };

function withAnnotations(
  metadata: KubeObject["metadata"],
  more: { readonly [key: string]: string },
): KubeObject["metadata"] {
  return Object.keys(more).length === 0 ? metadata : { ...metadata, annotations: { ...metadata.annotations, ...more } };
}

/** What a user wrote into an annotation need not be what is kept there. */
function parsed(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

export const autoscalerV1Conversion: Conversion = { fromStored, toStored };
