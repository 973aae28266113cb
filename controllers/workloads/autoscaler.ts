/** HorizontalPodAutoscaler and VerticalPodAutoscaler; both drive the workload itself, by its scale (FM 4.11, 4.12). */
import type { MetricSpec, WorkloadSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { parseQuantity } from "../../apiserver/machinery/quantity.ts";
import { childMetadata } from "./labels.ts";
import { objectName, type Workload } from "./workload.ts";

const targetOf = ({ type, name }: Workload) => ({
  apiVersion: `${type.group}/${type.version}`,
  kind: type.kind,
  name,
});

/** Absent unless `maxReplicas` is set. */
export function desiredHorizontalPodAutoscaler(workload: Workload): KubeObject | undefined {
  const { spec } = workload;
  if (spec.maxReplicas === undefined) return undefined;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: childMetadata(workload, objectName(workload)),
    spec: {
      scaleTargetRef: targetOf(workload),
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      ...scalingRules(spec),
    },
  };
}

/** Absent unless `pod.vpa` is set. */
export function desiredVerticalPodAutoscaler(workload: Workload): KubeObject | undefined {
  const vpa = workload.spec.pod?.vpa;
  return (
    vpa && {
      apiVersion: "autoscaling.k8s.io/v1",
      kind: "VerticalPodAutoscaler",
      metadata: childMetadata(workload, objectName(workload)),
      spec: { targetRef: targetOf(workload), updatePolicy: vpa.updatePolicy, resourcePolicy: vpa.resourcePolicy },
    }
  );
}

type Rule = { readonly resource: "cpu" | "memory"; readonly percent: number };
const builtinRules: { readonly [name: string]: Rule } = {
  AverageUtilizationCPUPercent80: { resource: "cpu", percent: 80 },
  AverageUtilizationCPUPercent50: { resource: "cpu", percent: 50 },
  AverageUtilizationCPUPercent20: { resource: "cpu", percent: 20 },
  AverageUtilizationMemoryPercent80: { resource: "memory", percent: 80 },
  AverageUtilizationMemoryPercent50: { resource: "memory", percent: 50 },
  AverageUtilizationMemoryPercent20: { resource: "memory", percent: 20 },
};
const defaultRule: Rule = { resource: "cpu", percent: 80 };

function scalingRules(spec: WorkloadSpec): JsonObject {
  const { builtinAutoscaler = [], autoScalingMetrics, autoScalingBehavior } = spec.pod ?? {};
  // With nothing to choose from, the server's own default is as good as any.
  const scales = (spec.maxReplicas ?? 0) > (spec.minReplicas ?? 1);
  if (builtinAutoscaler.length > 0 && scales) {
    return { metrics: firstOfEachResource(builtinAutoscaler).map((rule) => utilization(rule, spec)) };
  }
  if (
    builtinAutoscaler.length === 0 &&
    autoScalingMetrics === undefined &&
    autoScalingBehavior === undefined &&
    scales
  ) {
    return { metrics: [utilization(defaultRule, spec)] };
  }
  return { metrics: autoScalingMetrics, behavior: autoScalingBehavior };
}

/** Names nobody knows are skipped; of two rules for one resource the first counts. */
function firstOfEachResource(names: readonly string[]): Rule[] {
  const rules = new Map<string, Rule>();
  for (const name of names) {
    const rule = Object.hasOwn(builtinRules, name) ? builtinRules[name] : undefined;
    if (rule !== undefined && !rules.has(rule.resource)) rules.set(rule.resource, rule);
  }
  return [...rules.values()];
}

/** The percentage is meant of the limit, Kubernetes takes it of the request. */
function utilization({ resource, percent }: Rule, { resources }: WorkloadSpec): MetricSpec {
  const amount = (list: { [resource: string]: string | number } | undefined) =>
    parseQuantity(list?.[resource] ?? 0)?.milliValue() ?? 0n;
  const request = amount(resources?.requests);
  const limit = amount(resources?.limits);
  const factor = request > 0n && limit > 0n ? Number(limit) / Number(request) : 1;
  const averageUtilization = Math.trunc(percent * factor);
  return { type: "Resource", resource: { name: resource, target: { type: "Utilization", averageUtilization } } };
}
