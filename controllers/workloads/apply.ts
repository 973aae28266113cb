/** Every write of workloads to the cluster. */

import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ApplyOptions, ObjectRef, ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { isConflict, StatusError } from "../../apiserver/errors/status-error.ts";
import { limits } from "../../apiserver/limits.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { deleteExactly } from "../runtime/delete-exactly.ts";
import type { OwnWrites } from "../runtime/own-writes.ts";
import type { Cause, ChildPlan, HoldReason } from "./child.ts";
import type { ChildKind } from "./desired.ts";
import { differences, notingNotKept } from "./drift.ts";
import { hostTypes } from "./host-types.ts";
import { fieldManager } from "./labels.ts";
import { Refusals } from "./refusals.ts";

/** What became of a plan. `live` is the object as the server has it now, as far as we know. */
export type Outcome =
  | { readonly result: "unchanged"; readonly live: KubeObject }
  | ({ readonly result: "created" | "updated"; readonly live: KubeObject } & Change)
  | { readonly result: "deleted" | "absent" }
  | { readonly result: "foreign"; readonly live: KubeObject }
  /** A deleted object of the same name had it, and it is going. */
  | { readonly result: "leaving"; readonly live: KubeObject }
  /** A change that waits (see `rollout.ts`). */
  | ({
      readonly result: "held";
      readonly live: KubeObject;
      readonly reason: HoldReason;
      readonly diff: readonly string[];
    } & Omit<Change, "restarts">)
  | { readonly result: "refused"; readonly live?: KubeObject; readonly reason: string; readonly message: string }
  /** `retryInMs`: the cluster refuses it, and is asked again no sooner. */
  | { readonly result: "failed"; readonly live?: KubeObject; readonly error: unknown; readonly retryInMs?: number };

type Change = { readonly causes: readonly Cause[]; readonly paths: readonly string[]; readonly restarts: boolean };

export class WorkloadWriter {
  readonly #client: ResourceClient;
  readonly #written: OwnWrites;
  readonly #refusals: Refusals;

  constructor(client: ResourceClient, written: OwnWrites, clock: Clock) {
    this.#client = client;
    this.#written = written;
    this.#refusals = new Refusals(clock);
  }

  /**
   * Reports failures instead of throwing: that one object cannot be written must not keep the others from being.
   *
   * @throws StatusError `Conflict`: a lost race is nobody's failure, the next run sees what won
   */
  async carryOut(kind: ChildKind, plan: ChildPlan, signal: AbortSignal): Promise<Outcome> {
    try {
      switch (plan.action) {
        case "apply":
          return await this.#apply(kind, plan, signal);
        case "delete":
          await this.delete(kind, plan.live, "Background", signal);
          return { result: "deleted" };
        case "foreign":
          return { result: "foreign", live: plan.live };
        case "succeed":
          if (plan.live.metadata.deletionTimestamp === undefined)
            await this.delete(kind, plan.live, "Background", signal);
          return { result: "leaving", live: plan.live };
        case "hold":
          return await this.#hold(plan, signal);
        case "refuse": {
          const { action: _, ...refusal } = plan;
          return { result: "refused", ...refusal };
        }
        case "nothing":
          return plan.live === undefined ? { result: "absent" } : { result: "unchanged", live: plan.live };
      }
    } catch (error) {
      if (isConflict(error)) throw error;
      const live = "live" in plan ? plan.live : undefined;
      const retryInMs = plan.action === "apply" ? this.#refusals.retryInMs(plan.object) : undefined;
      return { result: "failed", error, ...(live && { live }), ...(retryInMs !== undefined && { retryInMs }) };
    }
  }

  async #apply(kind: ChildKind, plan: Extract<ChildPlan, { action: "apply" }>, signal: AbortSignal): Promise<Outcome> {
    const { causes, paths, restarts } = plan;
    const live = await this.#refusals.unlessRefused(plan.object, plan.live, () =>
      applyOnce(this.#client, hostTypes[kind], plan.object, { fieldManager, signal }),
    );
    this.#written.remember(hostTypes[kind].resource, live);
    return { result: plan.live === undefined ? "created" : "updated", live, causes, paths, restarts };
  }

  /** Leaves the pods as they are, but for their number. */
  async #hold(plan: Extract<ChildPlan, { action: "hold" }>, signal: AbortSignal): Promise<Outcome> {
    const { live, reason, causes, paths, diff, replicas } = plan;
    if (replicas === undefined) return { result: "held", live, reason, causes, paths, diff };
    const patch = { type: "merge", body: { spec: { replicas } } } as const;
    const scaled = await this.#client.patch(refOf("StatefulSet", live), patch, { fieldManager, signal });
    this.#written.remember(hostTypes.StatefulSet.resource, scaled);
    return { result: "held", live: scaled, reason, causes, paths, diff };
  }

  delete(
    kind: keyof typeof hostTypes,
    live: KubeObject,
    propagationPolicy: "Foreground" | "Background",
    signal: AbortSignal,
  ): Promise<void> {
    return deleteExactly(this.#client, hostTypes[kind], live, { propagationPolicy, signal });
  }

  async createJob(job: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    return this.#client.create(hostTypes.Job, job, { fieldManager, signal });
  }
}

/**
 * Applies `object`, and where the cluster doesn't keep all of it a second time with a note of that, which ends the matter.
 * Nearly everything is kept, and costs one request.
 */
export async function applyOnce(
  client: ResourceClient,
  type: ResourceType,
  object: KubeObject,
  options: ApplyOptions,
): Promise<KubeObject> {
  const live = await client.apply(type, object, options);
  const lost = differences(object, live);
  if (lost.length === 0) return live;
  const { resourceVersion, ...metadata } = object.metadata;
  const newest = live.metadata.resourceVersion;
  const again = { ...object, metadata: { ...metadata, ...(resourceVersion && newest && { resourceVersion: newest }) } };
  return client.apply(type, notingNotKept(again, lost), options);
}

function refOf(kind: keyof typeof hostTypes, { metadata }: KubeObject): ObjectRef {
  const { name = "", namespace = "" } = metadata;
  return { type: hostTypes[kind], name, namespace };
}

/**
 * What a user may read about a failed write. An API server quotes the values it refuses, and those may hold
 * credentials (FM W-43), so of an invalid object only the fields are named.
 */
export function failureMessage(error: unknown): string {
  if (!(error instanceof StatusError)) return "The write failed; see the log.";
  const { reason = "Unknown", message = "", details } = error.status;
  if (reason !== "Invalid") return `${reason}: ${message}`.slice(0, limits.maxMessageLength.value);
  const fields = (details?.causes ?? []).flatMap(({ field }) => (field ? [field] : []));
  // A policy refuses without naming fields, and its message is its author's.
  if (fields.length === 0) return message.slice(0, limits.maxMessageLength.value);
  return `The cluster refuses it as invalid: ${[...new Set(fields)].join(", ")}`.slice(
    0,
    limits.maxMessageLength.value,
  );
}
