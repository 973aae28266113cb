/**
 * What a StatefulSet was rendered from, and whether a change of it may reach the running pods now (design D13).
 *
 * Invariant: a new version of this program alone restarts no pod.
 */
import type { BackendConfigResource } from "../../apiserver/apis/compute/v1alpha1/backend-config.ts";
import { annotations } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson, stringifyJson } from "../../apiserver/machinery/json.ts";
import type { Settings } from "../settings.ts";
import type { BackendConfigs } from "./backend-config.ts";
import { digest } from "./drift.ts";
import { group } from "./labels.ts";
import type { Workload } from "./workload.ts";

/** To be raised by every change of the code in this folder that alters a pod template. */
export const rendererVersion = 1;

export const renderedFromAnnotation = `${group}/rendered-from`;

type ConfigRecord = { readonly digest: string; readonly autoUpdate: boolean };
export type RenderedFrom = {
  readonly generation: number;
  readonly spec: string;
  readonly settings: string;
  readonly renderer: number;
  readonly global?: ConfigRecord;
  readonly namespaced?: ConfigRecord;
};

/** Why a change waits; the `reason` that users see. */
export type HoldReason = "RolloutPaused" | "BackendConfigChanged" | "RendererChanged";
export type Rollout = { readonly held: false } | { readonly held: true; readonly reason: HoldReason };

export function renderedFrom(
  owner: KubeObject,
  workload: Workload,
  configs: BackendConfigs,
  settings: Settings,
): RenderedFrom {
  // Scaling is no change of the pods, unless they are told of it.
  const { replicas, minReplicas, maxReplicas, showPreciseParallelism, ...spec } = workload.spec;
  const { pauseRollout: _, cleanupDeadlineSeconds: __, ...rendering } = settings;
  return {
    generation: owner.metadata.generation ?? 0,
    spec: digest(showPreciseParallelism === true ? { ...spec, replicas } : spec),
    settings: digest(rendering),
    renderer: rendererVersion,
    ...(configs.global && { global: configRecord(configs.global) }),
    ...(configs.namespaced && { namespaced: configRecord(configs.namespaced) }),
  };
}

function configRecord({ spec = {} }: BackendConfigResource): ConfigRecord {
  const { autoUpdate = false, env, pod } = spec;
  return { digest: digest({ env, pod }), autoUpdate };
}

/** @param recorded  of the live StatefulSet; absent when there is none, or none that we rendered */
export function rollout(current: RenderedFrom, recorded: RenderedFrom | undefined, paused: boolean): Rollout {
  const go = { held: false } as const;
  if (recorded === undefined || recorded.spec !== current.spec) return go;
  if (paused) return { held: true, reason: "RolloutPaused" };
  if (recorded.settings !== current.settings) return go;
  const changed = (["global", "namespaced"] as const).filter(
    (scope) => recorded[scope]?.digest !== current[scope]?.digest,
  );
  if (changed.length > 0) {
    const rolls = changed.some((scope) => (current[scope] ?? recorded[scope])?.autoUpdate === true);
    return rolls ? go : { held: true, reason: "BackendConfigChanged" };
  }
  return recorded.renderer === current.renderer ? go : { held: true, reason: "RendererChanged" };
}

/** Exactly `"true"`, as the operator has it. */
export const isPaused = ({ metadata }: KubeObject, settings: Settings): boolean =>
  settings.pauseRollout || metadata.annotations?.[annotations.pauseRollout] === "true";

export function withRecord(statefulSet: KubeObject, record: RenderedFrom): KubeObject {
  const { metadata } = statefulSet;
  const recorded = { ...metadata.annotations, [renderedFromAnnotation]: stringifyJson(record) };
  return { ...statefulSet, metadata: { ...metadata, annotations: recorded } };
}

/** Absent when there is none, or when somebody wrote something else in its place. */
export function recordOf(statefulSet: KubeObject | undefined): RenderedFrom | undefined {
  const text = statefulSet?.metadata.annotations?.[renderedFromAnnotation];
  if (text === undefined) return undefined;
  try {
    return parseRecord(parseJson(text));
  } catch {
    return undefined;
  }
}

function parseRecord(value: JsonValue): RenderedFrom | undefined {
  if (!isObject(value)) return undefined;
  const { generation, spec, settings, renderer } = value;
  if (typeof generation !== "number" || typeof renderer !== "number") return undefined;
  if (typeof spec !== "string" || typeof settings !== "string") return undefined;
  const global = parseConfigRecord(value.global);
  const namespaced = parseConfigRecord(value.namespaced);
  return { generation, spec, settings, renderer, ...(global && { global }), ...(namespaced && { namespaced }) };
}

function parseConfigRecord(value: JsonValue | undefined): ConfigRecord | undefined {
  if (!isObject(value) || typeof value.digest !== "string") return undefined;
  return { digest: value.digest, autoUpdate: value.autoUpdate === true };
}
