/** What is let through although it will hardly do what its author wants: texts of `Warning` headers. */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { joinPath } from "../../errors/field-error.ts";
import { numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../machinery/quantity.ts";
import { annotationWarnings } from "./annotation-warnings.ts";
import { type AnySpec, defaultSpec, meshComponents, specOf, type WorkloadKind } from "./defaults.ts";
import {
  builtinWarnings,
  effectlessFields,
  backendConfigWarnings as effectlessOfConfig,
  flowWarnings,
  scalingWarnings,
  unfedSinks,
} from "./effects.ts";
import { podWarnings } from "./pod-warnings.ts";
import { configSizeWarnings } from "./text-rules.ts";
import { inputTopics } from "./topics.ts";
import { longName, nameTooLong } from "./validation.ts";

export function workloadWarnings(kind: WorkloadKind): (object: KubeObject) => readonly string[] {
  return (object) => [
    ...warnName(object),
    ...annotationWarnings(object, "workload"),
    ...warnSpec(kind, specOf(object), "spec"),
  ];
}

export function meshWarnings(mesh: KubeObject): readonly string[] {
  const components = meshComponents(mesh);
  return [
    ...annotationWarnings(mesh, "mesh"),
    ...components.flatMap(({ field, index, kind, spec }) =>
      warnSpec(kind, defaultSpec(kind, spec, textOf(spec, "name")), joinPath("spec", field, index)),
    ),
    ...unfedSinks(components.map((component) => ({ ...component, inputs: topicsOf(component.kind, component.spec) }))),
  ];
}

export const backendConfigWarnings = (config: KubeObject): readonly string[] =>
  effectlessOfConfig(objectOf(config, "spec") ?? {});

const topicsOf = (kind: WorkloadKind, spec: AnySpec): readonly string[] =>
  kind === "Source" ? [] : inputTopics(spec).map(({ topic }) => topic);

function warnName(object: KubeObject): readonly string[] {
  return longName(object) === "generated" ? [`metadata.name: ${nameTooLong}`] : [];
}

function warnSpec(kind: WorkloadKind, spec: AnySpec, at: string): readonly string[] {
  const given = { kind, spec };
  return [
    ...warnReplicas(spec, at),
    ...scalingWarnings(given, at),
    ...flowWarnings(given, at, topicsOf(kind, spec)),
    ...builtinWarnings(given, at),
    ...effectlessFields(given, at),
    ...configSizeWarnings(spec, at, kind),
    ...fractionWarnings(spec, at),
    ...podWarnings(spec, at),
  ];
}

/** kube-apiserver's own words for it: somebody wrote `m` and meant `M`. */
const fractionWarnings = (spec: AnySpec, at: string): readonly string[] =>
  (["requests", "limits"] as const).flatMap((part) => {
    const amount = objectOf(objectOf(spec, "resources"), part)?.memory;
    const quantity = amount === undefined || amount === null ? undefined : parseQuantity(amount);
    if (quantity === undefined || compareQuantities(quantity, Quantity.of(quantity.value())) === 0) return [];
    const where = joinPath(at, "resources", part, { key: "memory" });
    return [`${where}: fractional byte value ${JSON.stringify(String(quantity))} is invalid, must be an integer`];
  });

/** 0 is "switched off", whatever the autoscaler's bounds. */
function warnReplicas(spec: AnySpec, at: string): readonly string[] {
  const replicas = numberOf(spec, "replicas") ?? 1;
  const minReplicas = numberOf(spec, "minReplicas") ?? 1;
  const maxReplicas = numberOf(spec, "maxReplicas") ?? Number.POSITIVE_INFINITY;
  if (replicas === 0 || (replicas >= minReplicas && replicas <= maxReplicas)) return [];
  const [bound, amount] = replicas < minReplicas ? ["minReplicas", minReplicas] : ["maxReplicas", maxReplicas];
  const compared = replicas < minReplicas ? "less" : "more";
  const then =
    maxReplicas === Number.POSITIVE_INFINITY
      ? "without maxReplicas no autoscaler acts on it"
      : "the autoscaler will change it";
  return [`${joinPath(at, "replicas")}: is ${replicas}, ${compared} than ${bound}, ${amount}: ${then}`];
}
