/**
 * The pace at which a change that concerns many workloads goes through them: so many at once, the next one when one of
 * them is ready again, and none in a namespace where one of them fails.
 *
 * What fails gives its place to other namespaces, so that one tenant's trouble is no other's. A change that breaks the
 * workloads of several is nobody's own trouble: when as many fail as may change at once, it stops for all. Of one namespace
 * at most half of that counts.
 *
 * Who has a turn is read from the StatefulSets themselves (`paced` of their record, until the roll-out is over), so that a
 * restart or another leader goes on where the last one was; only turns whose write the cache hasn't shown yet are kept here.
 *
 * Invariant: a workload that isn't ready has no turn to wait for and takes none: it has nothing to lose.
 */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { formatKey, keyOf, type ObjectKey, parseKey } from "../runtime/object-key.ts";
import { controlledBy, ownerOf } from "../runtime/owners.ts";
import type { Outcome } from "./apply.ts";
import type { ChildPlan, HoldReason } from "./child.ts";
import { hostTypes } from "./host-types.ts";
import { numberAt, partOf } from "./parts.ts";
import { podProblem } from "./pods.ts";
import { recordOf } from "./rollout.ts";
import { type Component, objectName, type Workload } from "./workload.ts";

/** What a plan must know of the others. */
export type FleetView = {
  /** Another one may change now. */
  readonly hasPlace: boolean;
  /** Pods of one in the same namespace that got its change can't do their work, or those of many in others. */
  readonly isFailing: boolean;
};

export function turnReason({ hasPlace, isFailing }: FleetView): HoldReason | undefined {
  if (isFailing) return "RolloutStopped";
  return hasPlace ? undefined : "WaitsForTurn";
}

/** There are pods, and each is ready. */
export function allReady(statefulSet: KubeObject): boolean {
  const wanted = numberAt(statefulSet, "spec", "replicas");
  return wanted > 0 && numberAt(statefulSet, "status", "readyReplicas") >= wanted;
}

function isRolling(statefulSet: KubeObject): boolean {
  const { generation = 0 } = statefulSet.metadata;
  if (numberAt(statefulSet, "status", "observedGeneration") < generation) return true;
  const { updateRevision, currentRevision } = partOf(statefulSet, "status");
  if (updateRevision === currentRevision) return false;
  const fewest = Math.min(
    numberAt(statefulSet, "status", "updatedReplicas"),
    numberAt(statefulSet, "status", "readyReplicas"),
  );
  return fewest < numberAt(statefulSet, "spec", "replicas");
}

/** Whatever else changes meanwhile goes on in the same turn: what mends a failing one reaches it at once. */
export const hasTurn = (statefulSet: KubeObject): boolean =>
  isRolling(statefulSet) && recordOf(statefulSet)?.paced === true;

const turnIndex = "turn";
const inTurn = "yes";
const unlimited: FleetView = { hasPlace: true, isFailing: false };

export type FleetOptions = {
  readonly sets: Informer;
  readonly pods: Informer;
  /** Workloads that may change at once; 0: all. */
  readonly places: number;
  readonly clock: Clock;
};

export class Fleet {
  readonly #clock: Clock;
  readonly #sets: Informer;
  readonly #pods: Informer;
  readonly #places: number;
  /** Turns that are taken, by StatefulSet; with the generation that was written, once it was. */
  readonly #taken = new Map<string, number | undefined>();
  /** By component, in the order in which they came. */
  readonly #waiting = new Map<Component, Set<string>>();

  constructor({ sets, pods, places, clock }: FleetOptions) {
    this.#clock = clock;
    this.#sets = sets;
    this.#pods = pods;
    this.#places = places;
    sets.addIndex(turnIndex, (set) => (hasTurn(set) ? [inTurn] : []));
  }

  /** As the workloads of one namespace see it. */
  view(namespace: string): FleetView {
    if (this.#places === 0) return unlimited;
    const changing = this.#sets.lister.byIndex(turnIndex, inTurn);
    const failing = changing.filter((set) => this.#fails(set));
    const keys = new Set(changing.filter((set) => !failing.includes(set)).map((set) => formatKey(keyOf(set))));
    for (const [key, generation] of this.#taken) {
      if (this.#isShown(key, generation)) this.#taken.delete(key);
      else keys.add(key);
    }
    return { hasPlace: keys.size < this.#places, isFailing: this.#stops(failing)(namespace) };
  }

  /** Which namespaces the change stops in. */
  #stops(failing: readonly KubeObject[]): (namespace: string) => boolean {
    const counts = new Map<string, number>();
    for (const { metadata } of failing) {
      const namespace = metadata.namespace ?? "";
      counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
    }
    const most = Math.max(1, Math.floor(this.#places / 2));
    const total = [...counts.values()].reduce((sum, count) => sum + Math.min(count, most), 0);
    return total >= Math.max(2, this.#places) ? () => true : (namespace) => counts.has(namespace);
  }

  /** To be called with a plan before anything is awaited, so that nobody else takes the same place. */
  decided(workload: Workload, plan: ChildPlan): void {
    const { namespace, name, component } = workload;
    const waits = plan.action === "hold" && isTurnReason(plan.reason);
    const waiting = this.#waitingOf(component);
    waiting.delete(formatKey({ namespace, name }));
    if (waits) waiting.add(formatKey({ namespace, name }));
    if (plan.action === "apply" && plan.takesTurn === true) this.#taken.set(setKey(workload), undefined);
  }

  /** @param outcome  absent: the write's end is unknown, and the cache tells what became of it */
  written(workload: Workload, outcome: Outcome | undefined): void {
    const key = setKey(workload);
    if (!this.#taken.has(key)) return;
    if (outcome?.result === "updated") this.#taken.set(key, outcome.live.metadata.generation ?? 0);
    else this.#taken.delete(key);
  }

  forget(component: Component, key: ObjectKey): void {
    this.#waitingOf(component).delete(formatKey(key));
  }

  /** Wakes those that wait when a turn is over. */
  turnOver(component: Component): Trigger {
    return {
      informer: this.#sets,
      keysOf: () => this.#next(component),
      concerns: (set, old) => hasTurn(old) && !hasTurn(set),
    };
  }

  /** Who came first, but for those whose change is stopped. */
  #next(component: Component): ObjectKey[] {
    const stops = this.#stops(this.#sets.lister.byIndex(turnIndex, inTurn).filter((set) => this.#fails(set)));
    const next: ObjectKey[] = [];
    for (const waiting of this.#waitingOf(component)) {
      if (next.length >= this.#places) break;
      const key = parseKey(waiting);
      if (!stops(key.namespace)) next.push(key);
    }
    return next;
  }

  #waitingOf(component: Component): Set<string> {
    const waiting = this.#waiting.get(component) ?? new Set();
    this.#waiting.set(component, waiting);
    return waiting;
  }

  #isShown(key: string, generation: number | undefined): boolean {
    if (generation === undefined) return false;
    const set = this.#sets.lister.get(parseKey(key));
    return set === undefined || (set.metadata.generation ?? 0) >= generation;
  }

  /** That a pod isn't ready yet is what a roll-out is about, for a while. */
  #fails(set: KubeObject): boolean {
    const now = this.#clock.now();
    return controlledBy(this.#pods.lister, ownerOf(hostTypes.StatefulSet, set)).some((pod) => {
      const problem = podProblem(pod, now);
      return (problem !== undefined && problem.reason !== "ProbeFailing") || isOverdue(pod, now);
    });
  }
}

/** A pod that isn't ready so long after it was made fails, in ms; as long as a Deployment waits for progress. */
const readyWithinMs = 600_000;

function isOverdue(pod: KubeObject, nowMs: number): boolean {
  const { metadata } = pod;
  if (metadata.deletionTimestamp !== undefined || metadata.creationTimestamp === undefined) return false;
  const conditions = listOf(objectOf(pod, "status"), "conditions").filter(isObject);
  const isReady = conditions.some((each) => textOf(each, "type") === "Ready" && textOf(each, "status") === "True");
  return !isReady && Date.parse(metadata.creationTimestamp) + readyWithinMs < nowMs;
}

export const isTurnReason = (reason: HoldReason): boolean => reason === "WaitsForTurn" || reason === "RolloutStopped";

const setKey = (workload: Workload): string => formatKey({ namespace: workload.namespace, name: objectName(workload) });
