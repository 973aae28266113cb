/** What a delete does to an object (API 3.7). Pure: the store carries it out. */
import { type DeletionPropagation, foregroundFinalizer, type KubeObject, orphanFinalizer } from "../../apis/meta/v1.ts";
import { formatTime, lastTimeMs } from "../../machinery/time.ts";
import type { DeleteRequest } from "../rest/interface.ts";
import type { Strategy } from "../rest/strategy.ts";

/** `delete` removes the object at once; `put` stores it as terminating; `keep` leaves what is there. */
export type DeletionPlan =
  | { readonly action: "delete"; readonly object: KubeObject }
  | { readonly action: "put"; readonly object: KubeObject }
  | { readonly action: "keep" };

export function planDeletion(
  object: KubeObject,
  request: DeleteRequest,
  { strategy, nowMs }: { strategy: Strategy; nowMs: number },
): DeletionPlan {
  const finalizers = garbageCollectionFinalizers(object.metadata.finalizers ?? [], policyOf(request));
  const marked = withFinalizers(object, finalizers);
  const asked = strategy.gracePeriodSeconds?.(object, effectiveGrace(request.gracePeriodSeconds)) ?? 0;
  const graceSeconds = Math.min(effectiveGrace(asked) ?? 0, longestGrace(nowMs));
  const plan = object.metadata.deletionTimestamp === undefined ? planFirst : planAgain;
  return plan(marked, graceSeconds, { strategy, nowMs, before: object });
}

/** True when nothing keeps a terminating object any longer (API U-09). */
export function isFinished(object: KubeObject, strategy: Strategy): boolean {
  const { metadata } = object;
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    (metadata.finalizers ?? []).length === 0 &&
    strategy.holdsDeletion?.(object) !== true
  );
}

type Circumstances = { readonly strategy: Strategy; readonly nowMs: number; readonly before: KubeObject };

function planFirst(marked: KubeObject, graceSeconds: number, { strategy, nowMs }: Circumstances): DeletionPlan {
  const held = (marked.metadata.finalizers ?? []).length > 0 || strategy.holdsDeletion?.(marked) === true;
  if (!held && graceSeconds === 0) return { action: "delete", object: marked };
  const terminating = terminate(marked, graceSeconds, nowMs);
  return { action: "put", object: strategy.prepareForDelete?.(terminating) ?? terminating };
}

/** A later delete may change who collects the dependents and shorten the grace period, nothing else (API ). */
function planAgain(marked: KubeObject, graceSeconds: number, { strategy, nowMs, before }: Circumstances): DeletionPlan {
  const remaining = marked.metadata.deletionGracePeriodSeconds ?? 0;
  const next = graceSeconds < remaining ? shorten(marked, graceSeconds, nowMs) : marked;
  if (isFinished(next, strategy)) return { action: "delete", object: next };
  return next === before ? { action: "keep" } : { action: "put", object: next };
}

function terminate(object: KubeObject, graceSeconds: number, nowMs: number): KubeObject {
  const { generation } = object.metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: formatTime(nowMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
      ...(generation === undefined || generation === 0 ? {} : { generation: generation + 1 }),
    },
  };
}

function shorten(object: KubeObject, graceSeconds: number, nowMs: number): KubeObject {
  const { deletionTimestamp } = object.metadata;
  const sooner = formatTime(nowMs + graceSeconds * 1000);
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: deletionTimestamp !== undefined && deletionTimestamp < sooner ? deletionTimestamp : sooner,
      deletionGracePeriodSeconds: graceSeconds,
    },
  };
}

/** Until the last time that can be written, in seconds: a later one would be in every list and no client could read it. */
const longestGrace = (nowMs: number): number => Math.floor((lastTimeMs - nowMs) / 1000);

/** Negative values count as 1 (API X-10). */
function effectiveGrace(requested: number | undefined): number | undefined {
  return requested !== undefined && requested < 0 ? 1 : requested;
}

function policyOf({ propagationPolicy, orphanDependents }: DeleteRequest): DeletionPropagation | undefined {
  if (propagationPolicy !== undefined) return propagationPolicy;
  if (orphanDependents === undefined) return undefined;
  return orphanDependents ? "Orphan" : "Background";
}

const policyFinalizer: { readonly [policy in DeletionPropagation]: string | undefined } = {
  Orphan: orphanFinalizer,
  Foreground: foregroundFinalizer,
  Background: undefined,
};

/** Finalizers under a policy (API X-07); without one those that are there decide. */
function garbageCollectionFinalizers(
  finalizers: readonly string[],
  policy: DeletionPropagation | undefined,
): readonly string[] {
  if (policy === undefined) return finalizers;
  const wanted = policyFinalizer[policy];
  const kept = finalizers.filter((f) => f === wanted || (f !== orphanFinalizer && f !== foregroundFinalizer));
  return wanted === undefined || kept.includes(wanted) ? kept : [...kept, wanted];
}

function withFinalizers(object: KubeObject, finalizers: readonly string[]): KubeObject {
  const current = object.metadata.finalizers ?? [];
  if (current.length === finalizers.length && current.every((f, index) => f === finalizers[index])) return object;
  const { finalizers: _finalizers, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }) } };
}
