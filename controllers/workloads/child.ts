/** What has to be done to one object of a workload. Pure. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isControlledBy, type Owner } from "../runtime/owners.ts";
import { isCurrent, stamped } from "./drift.ts";

/**
 * - `nothing`: it is as wanted, or rightly absent
 * - `foreign`: the name is taken by an object of somebody else
 */
export type Plan =
  | { readonly action: "apply"; readonly object: KubeObject; readonly live?: KubeObject }
  | { readonly action: "delete"; readonly live: KubeObject }
  | { readonly action: "nothing"; readonly live?: KubeObject }
  | { readonly action: "foreign"; readonly live: KubeObject };

/** @param wanted absent: must not exist. What isn't ours is left alone then, silently. */
export function planChild(wanted: KubeObject | undefined, live: KubeObject | undefined, owner: Owner): Plan {
  if (live !== undefined && !isControlledBy(live, owner)) {
    return wanted === undefined ? { action: "nothing" } : { action: "foreign", live };
  }
  if (wanted === undefined) {
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return { action: "nothing" };
    return { action: "delete", live };
  }
  const object = stamped(wanted);
  if (live === undefined) return { action: "apply", object };
  return isCurrent(object, live) ? { action: "nothing", live } : { action: "apply", object, live };
}
