/** What has to be done to one object of a workload. Pure. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { controllerOf, isControlledBy, isOfPredecessor, type Owner } from "../runtime/owners.ts";
import { differences, isCurrent, stamped } from "./drift.ts";
import { identifyingLabels } from "./labels.ts";

/**
 * Why an object is written.
 *
 * - `Missing`: it doesn't exist
 * - `Adopted`: it is one of ours that nobody manages any more, or one whose rendering isn't known
 * - `RolloutRequested`: the user asked for all that is pending
 * - `Drifted`: somebody else changed it
 */
export type Cause =
  | "Missing"
  | "Adopted"
  | "SpecChanged"
  | "RolloutRequested"
  | "BackendConfigChanged"
  | "SettingsChanged"
  | "RendererChanged"
  | "Drifted";

const texts: { readonly [C in Cause]: string } = {
  Missing: "it didn't exist",
  Adopted: "it was taken over",
  SpecChanged: "the spec changed",
  RolloutRequested: "a roll-out was asked for",
  BackendConfigChanged: "a BackendConfig changed",
  SettingsChanged: "the server's settings changed",
  RendererChanged: "the server was upgraded",
  Drifted: "somebody else had changed it",
};

/** For people. */
export const causesText = (causes: readonly Cause[]): string => causes.map((cause) => texts[cause]).join(", ");

/**
 * Why a change of the pods waits; the `reason` that users see.
 *
 * - `WaitsForTurn`: as many workloads as may change at once are changing
 * - `RolloutStopped`: one that got its change doesn't become ready
 */
export const holdReasons = [
  "RolloutPaused",
  "BackendConfigChanged",
  "SettingsChanged",
  "RendererChanged",
  "WaitsForTurn",
  "RolloutStopped",
] as const;
export type HoldReason = (typeof holdReasons)[number];

/**
 * - `nothing`: it is as wanted, or rightly absent
 * - `foreign`: the name is taken by an object of somebody else
 * - `succeed`: … by one of a deleted object of the owner's name, which goes first
 * - `hold`: `object` waits, but for the number of `replicas` when that is given. `paths` is where it would change
 * - `refuse`: `object` could never work, whatever a cluster says
 */
export type ChildPlan =
  | {
      readonly action: "apply";
      readonly object: KubeObject;
      readonly live?: KubeObject;
      readonly causes: readonly Cause[];
      readonly paths: readonly string[];
      /** The pods get a new template. */
      readonly restarts: boolean;
      /** … in a turn of the fleet's, which is taken. */
      readonly takesTurn?: boolean;
    }
  | { readonly action: "delete"; readonly live: KubeObject }
  | { readonly action: "nothing"; readonly live?: KubeObject }
  | { readonly action: "foreign" | "succeed"; readonly live: KubeObject }
  | {
      readonly action: "hold";
      readonly live: KubeObject;
      readonly reason: HoldReason;
      readonly causes: readonly Cause[];
      readonly paths: readonly string[];
      /** What would change, for people. */
      readonly diff: readonly string[];
      readonly replicas?: number;
    }
  | { readonly action: "refuse"; readonly live?: KubeObject; readonly reason: string; readonly message: string };

/** Made for this workload and managed by nobody: left behind when its owner was deleted without it. */
export function isOrphanOf(live: KubeObject, wanted: KubeObject): boolean {
  const { labels = {}, deletionTimestamp } = live.metadata;
  if (controllerOf(live) !== undefined || deletionTimestamp !== undefined) return false;
  return identifyingLabels.every(
    (label) => labels[label] !== undefined && labels[label] === wanted.metadata.labels?.[label],
  );
}

/** @param wanted absent: must not exist. What isn't ours is left alone then, silently. */
export function planChild(wanted: KubeObject | undefined, live: KubeObject | undefined, owner: Owner): ChildPlan {
  const ours = live !== undefined && isControlledBy(live, owner);
  if (wanted === undefined) {
    if (!ours || live.metadata.deletionTimestamp !== undefined) return { action: "nothing" };
    return { action: "delete", live };
  }
  const object = stamped(wanted);
  const write = { action: "apply", object, restarts: false } as const;
  if (live === undefined) return { ...write, causes: ["Missing"], paths: [] };
  if (!ours) {
    if (isOfPredecessor(live, owner)) return { action: "succeed", live };
    return isOrphanOf(live, wanted) ? { ...write, live, causes: ["Adopted"], paths: [] } : { action: "foreign", live };
  }
  if (isCurrent(object, live)) return { action: "nothing", live };
  return { ...write, live, causes: ["SpecChanged"], paths: differences(object, live) };
}
