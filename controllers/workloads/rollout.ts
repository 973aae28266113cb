/**
 * What a StatefulSet was rendered from, and whether a change of it may reach the running pods now (design D13).
 *
 * Invariant: a new version of this program alone restarts no pod.
 * Invariant: no cause is a way round another: what changes for several of them waits until each lets it through.
 */

import { annotations, group } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { BackendConfigResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson, stringifyJson } from "../../apiserver/machinery/json.ts";
import type { Settings } from "../settings.ts";
import type { BackendConfigs } from "./backend-config.ts";
import type { Cause, HoldReason } from "./child.ts";
import { digest } from "./drift.ts";
import { partOf } from "./parts.ts";
import { isAutoscaled, shipsLogFiles, type Workload } from "./workload.ts";

export const renderedFromAnnotation = `${group}/rendered-from`;

type ConfigRecord = { readonly digest: string; readonly autoUpdate: boolean };
export type RenderedFrom = {
  readonly generation: number;
  readonly spec: string;
  readonly settings: string;
  /** What made it, as `rendererVersion` tells. */
  readonly renderer: string;
  readonly global?: ConfigRecord;
  readonly namespaced?: ConfigRecord;
  /** Of the pods as they were rendered. */
  readonly template?: string;
  /** Uid of the object it was rendered for; instances carry it. */
  readonly owner?: string;
  /** The annotation by which a user last asked for everything that was pending. */
  readonly requested?: string;
  /**
   * Why its pods were last replaced, written with the change itself: an event may be lost, when this program ends between
   * the two. `kubectl rollout history` shows it of each revision.
   */
  readonly because?: string;
  /** Its pods were last changed in a turn of the fleet's, which is over when they are ready (see `fleet.ts`). */
  readonly paced?: true;
};

export function renderedFrom(
  owner: KubeObject,
  workload: Workload,
  inputs: { readonly configs: BackendConfigs; readonly settings: Settings; readonly rendererVersion: string },
  statefulSet: KubeObject,
): RenderedFrom {
  const { configs, settings, rendererVersion } = inputs;
  const {
    pauseRollout: _pauseRollout,
    cleanupDeadlineSeconds: _cleanupDeadlineSeconds,
    cleanupNamespace: _cleanupNamespace,
    maxConcurrentRollouts: _maxConcurrentRollouts,
    ...rendering
  } = settings;
  const requested = owner.metadata.annotations?.[annotations.rollOut];
  return {
    generation: owner.metadata.generation ?? 0,
    spec: specDigest(workload),
    settings: digest(rendering),
    renderer: rendererVersion,
    ...(configs.global && { global: configRecord(configs.global) }),
    ...(configs.namespaced && { namespaced: configRecord(configs.namespaced) }),
    template: templateDigest(statefulSet),
    owner: workload.uid,
    ...(requested === undefined ? {} : { requested }),
  };
}

/** Scaling is no change of the pods, unless they are told of it, or need more to be scaled at all. */
function specDigest({ spec: whole }: Workload): string {
  const { replicas, minReplicas, maxReplicas, showPreciseParallelism, ...spec } = whole;
  return digest({
    ...spec,
    ...(showPreciseParallelism === true ? { replicas } : {}),
    ...(isAutoscaled(whole) && shipsLogFiles(whole) ? { autoscaled: true } : {}),
  });
}

const templateDigest = (statefulSet: KubeObject): string => digest(partOf(statefulSet, "spec").template ?? null);

function configRecord({ spec = {} }: BackendConfigResource): ConfigRecord {
  const { autoUpdate = false, env, pod } = spec;
  return { digest: digest({ env, pod }), autoUpdate };
}

/** What changed since, other than by hand. */
export function changedCauses(current: RenderedFrom, recorded: RenderedFrom | undefined): Cause[] {
  if (recorded === undefined) return ["Adopted"];
  const changed: readonly (readonly [Cause, boolean])[] = [
    ["Adopted", recorded.owner !== undefined && recorded.owner !== current.owner],
    ["SpecChanged", recorded.spec !== current.spec],
    ["RolloutRequested", current.requested !== undefined && recorded.requested !== current.requested],
    ["BackendConfigChanged", changedConfigs(current, recorded).length > 0],
    ["SettingsChanged", recorded.settings !== current.settings],
    ["RendererChanged", recorded.renderer !== current.renderer],
  ];
  const causes = changed.filter(([, is]) => is).map(([cause]) => cause);
  if (causes.length > 0) return causes;
  // The same inputs gave other pods: a change of the renderer that its version doesn't tell of.
  return recorded.template !== undefined && recorded.template !== current.template ? ["RendererChanged"] : [];
}

const changedConfigs = (current: RenderedFrom, recorded: RenderedFrom) =>
  (["global", "namespaced"] as const).filter((scope) => recorded[scope]?.digest !== current[scope]?.digest);

/** The user's own wish: it rolls out, and takes along what waits. */
const askedFor: ReadonlySet<Cause> = new Set(["Missing", "Adopted", "SpecChanged", "RolloutRequested"]);
/** … about this one workload, so that it waits for no other. */
const ownWish: ReadonlySet<Cause> = new Set(["Missing", "Adopted", "SpecChanged"]);

/** What many workloads have in common changed, or was asked of many: they take turns. */
export const takesTurns = (causes: readonly Cause[]): boolean =>
  causes.length > 0 && !causes.some((cause) => ownWish.has(cause));

/**
 * Why a change of the pods waits; absent when it may go on.
 *
 * @param causes  of `changedCauses`; none: what was changed by hand is repaired
 */
export function holdReason(
  causes: readonly Cause[],
  current: RenderedFrom,
  recorded: RenderedFrom | undefined,
  paused: boolean,
): HoldReason | undefined {
  if (recorded === undefined || causes.some((cause) => askedFor.has(cause))) return undefined;
  if (paused) return "RolloutPaused";
  if (causes.includes("SettingsChanged")) return "SettingsChanged";
  if (causes.includes("RendererChanged")) return "RendererChanged";
  const waiting = changedConfigs(current, recorded).filter(
    (scope) => (current[scope] ?? recorded[scope])?.autoUpdate !== true,
  );
  return waiting.length > 0 ? "BackendConfigChanged" : undefined;
}

/** Exactly `"true"`, as the operator has it. */
export const isPaused = ({ metadata }: KubeObject, settings: Settings): boolean =>
  settings.pauseRollout || metadata.annotations?.[annotations.pauseRollout] === "true";

/** Kubernetes' own, which each revision of a StatefulSet takes over. */
export const changeCauseAnnotation = "kubernetes.io/change-cause";

export function withRecord(statefulSet: KubeObject, record: RenderedFrom): KubeObject {
  const { metadata } = statefulSet;
  const recorded = {
    ...metadata.annotations,
    [renderedFromAnnotation]: stringifyJson(record),
    ...(record.because !== undefined && { [changeCauseAnnotation]: record.because }),
  };
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
  if (typeof generation !== "number" || (typeof renderer !== "number" && typeof renderer !== "string"))
    return undefined;
  if (typeof spec !== "string" || typeof settings !== "string") return undefined;
  const global = parseConfigRecord(value.global);
  const namespaced = parseConfigRecord(value.namespaced);
  return {
    ...{ generation, spec, settings, renderer: String(renderer) },
    ...(global && { global }),
    ...(namespaced && { namespaced }),
    ...texts(value, "template", "owner", "requested", "because"),
    ...(value.paced === true && { paced: true }),
  };
}

function texts<Key extends string>(value: JsonObject, ...keys: readonly Key[]): { readonly [K in Key]?: string } {
  const found: { [K in Key]?: string } = {};
  for (const key of keys) {
    const text = value[key];
    if (typeof text === "string") found[key] = text;
  }
  return found;
}

function parseConfigRecord(value: JsonValue | undefined): ConfigRecord | undefined {
  if (!isObject(value) || typeof value.digest !== "string") return undefined;
  return { digest: value.digest, autoUpdate: value.autoUpdate === true };
}
