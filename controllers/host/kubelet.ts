/** Kubelet and scheduler in one: pods run as soon as they exist, those of Jobs do their work, and stop when told. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { podType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { listOf, numberOf, numericOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, isObject } from "../../apiserver/machinery/json.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import type { EventRecorder, Informer, Trigger } from "../runtime/interface.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { controllerOf } from "../runtime/owners.ts";
import { done, type ReconcileContext, type Reconciler, type Result, requeueAfter } from "../runtime/reconciler.ts";
import { mapped, ownKind } from "../runtime/triggers.ts";
import { hashOf } from "./hash-name.ts";
import { type Hurdle, hurdleOf, type Lookup, type Source, sourcesOf } from "./pod-hurdles.ts";
import { initialisationMs, waitingStatus } from "./pod-waiting.ts";
import { hasEnded, isTerminating, nodeName, phaseOf, simulatedLabel } from "./pods.ts";
import { courseOf, lastingMs } from "./program.ts";

/** Pods that don't run yet by what they need, as `namespace/Kind/name`. */
const neededIndex = "needed";
const hostAddress = "10.0.0.1";

export class Kubelet implements Reconciler {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #events: EventRecorder;
  readonly #pods: Informer;
  /** What pods are made of besides themselves. */
  readonly #sources: { readonly [Kind in Source]: Informer };

  constructor(deps: {
    client: ResourceClient;
    clock: Clock;
    events: EventRecorder;
    pods: Informer;
    sources: { readonly [Kind in Source]: Informer };
  }) {
    this.#sources = deps.sources;
    deps.pods.addIndex(neededIndex, (pod) =>
      phaseOf(pod) === "Running" || hasEnded(pod)
        ? []
        : sourcesOf(pod).map(({ kind, name }) => `${pod.metadata.namespace ?? ""}/${kind}/${name}`),
    );
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#events = deps.events;
    this.#pods = deps.pods;
  }

  triggers(): readonly Trigger[] {
    return [ownKind(this.#pods), ...Object.values(this.#sources).map((informer) => this.#neededBy(informer))];
  }

  /** Pods that don't run, and need what has just been made or changed. */
  #neededBy(informer: Informer): Trigger {
    return mapped(informer, ({ metadata: { namespace = "", name = "" } }) =>
      this.#pods.lister.byIndex(neededIndex, `${namespace}/${informer.type.kind}/${name}`).map(keyOf),
    );
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<Result> {
    const pod = this.#pods.lister.get(key);
    if (pod === undefined) return done;
    if (isTerminating(pod)) await this.#stop(pod, signal);
    else if (pod.metadata.labels?.[simulatedLabel] !== "true") await this.#place(pod, signal);
    else if (phaseOf(pod) !== "Running" && !hasEnded(pod)) return this.#start(pod, signal);
    else if (phaseOf(pod) === "Running") return this.#keepRunning(pod, signal);
    return done;
  }

  /** Runs it when nothing keeps it from running: what it needs wakes it when it is made, its init containers by their time. */
  async #start(pod: KubeObject, signal: AbortSignal): Promise<Result> {
    const known = hurdleOf(pod, (kind, name) => this.#sources[kind].lister.get({ ...keyOf(pod), name }));
    // What was made just before the pod may not have arrived here: nothing is called missing that is there.
    const hurdle = known && hurdleOf(pod, await this.#freshSources(pod, signal));
    const startedAt = Date.parse(textOf(objectOf(pod, "status"), "startTime"));
    const nowMs = this.#clock.now();
    const leftMs = (Number.isNaN(startedAt) ? nowMs : startedAt) + initialisationMs(pod) - nowMs;
    if (hurdle === undefined && leftMs <= 0) {
      await this.#run(pod, signal);
      return done;
    }
    await this.#publishWaiting(pod, hurdle, signal);
    return hurdle === undefined ? requeueAfter(leftMs) : done;
  }

  async #freshSources(pod: KubeObject, signal: AbortSignal): Promise<Lookup> {
    const { namespace } = keyOf(pod);
    const found = await Promise.all(
      sourcesOf(pod).map(async ({ kind, name }) => {
        const { type } = this.#sources[kind];
        return [`${kind}/${name}`, await unlessGone(this.#client.get({ type, namespace, name }, { signal }))] as const;
      }),
    );
    const fresh = new Map(found);
    return (kind, name) => fresh.get(`${kind}/${name}`);
  }

  async #publishWaiting(pod: KubeObject, hurdle: Hurdle | undefined, signal: AbortSignal): Promise<void> {
    const since = textOf(objectOf(pod, "status"), "startTime") || formatTime(this.#clock.now());
    const status = waitingStatus(pod, hurdle, since);
    if (deepEqual(status, objectOf(pod, "status") ?? null)) return;
    if (hurdle?.at === "mounting") {
      this.#events.record(pod, { type: "Warning", reason: "FailedMount", message: hurdle.message });
    }
    await unlessGone(this.#client.update(podType, { ...pod, status }, { subresource: "status", signal }));
  }

  /** Until its own deadline, if it has one, or until its work is done. */
  async #keepRunning(pod: KubeObject, signal: AbortSignal): Promise<Result> {
    const nowMs = this.#clock.now();
    const [deadline, end] = [deadlineOf(pod), endOfWork(pod)];
    const leftMs = Math.min(deadline, end) - nowMs;
    if (leftMs <= 0) {
      const now = formatTime(nowMs);
      const status = end <= deadline ? endedStatus(pod, now) : overdueStatus(pod, now);
      await unlessGone(this.#client.update(podType, { ...pod, status }, { subresource: "status", signal }));
      return done;
    }
    await this.#keepUp(pod, signal);
    return leftMs === Number.POSITIVE_INFINITY ? done : requeueAfter(leftMs);
  }

  /** Ends the grace period; a pod without one is held by a finalizer, which is not ours to judge, but does not run. */
  async #stop(pod: KubeObject, signal: AbortSignal): Promise<void> {
    const { uid = "", deletionGracePeriodSeconds = 0 } = pod.metadata;
    if (deletionGracePeriodSeconds > 0) {
      await unlessGone(this.#client.delete(refOf(pod), { gracePeriodSeconds: 0, preconditions: { uid }, signal }));
    } else if (phaseOf(pod) === "Running") {
      const status = endedStatus(pod, formatTime(this.#clock.now()), stopped);
      await unlessGone(this.#client.update(podType, { ...pod, status }, { subresource: "status", signal }));
    }
  }

  /** Takes over a pod that none of the controllers here has made. */
  async #place(pod: KubeObject, signal: AbortSignal): Promise<void> {
    const body = { metadata: { uid: pod.metadata.uid, labels: { [simulatedLabel]: "true" } }, spec: { nodeName } };
    await unlessGone(this.#client.patch(refOf(pod), { type: "merge", body }, { signal }));
  }

  async #run(pod: KubeObject, signal: AbortSignal): Promise<void> {
    const now = formatTime(this.#clock.now());
    const status = isWorking(pod) && lastingMs(pod) === 0 ? endedStatus(pod, now) : runningStatus(pod, now);
    const { name = "", namespace = "" } = pod.metadata;
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    this.#events.record(pod, { type: "Normal", reason: "Scheduled", message, component: "default-scheduler" });
    const started = "Started the pod in name only: nothing computes on a simulated node";
    this.#events.record(pod, { type: "Normal", reason: "Started", message: started, component: "kubelet" });
    await unlessGone(this.#client.update(podType, { ...pod, status }, { subresource: "status", signal }));
  }

  /** Notes what changed of a pod that runs; others have a say in whether it is ready, by conditions its gates name. */
  async #keepUp(pod: KubeObject, signal: AbortSignal): Promise<void> {
    const status = objectOf(pod, "status");
    const conditions = listOf(status, "conditions").filter(isObject);
    const ready = conditions.find(({ type }) => type === "Ready");
    const wanted = gatesPass(pod) ? "True" : "False";
    const isJudged = ready === undefined || ready.status === wanted;
    const { generation } = pod.metadata;
    if (isJudged && (generation === undefined || numberOf(status, "observedGeneration") === generation)) return;
    const now = formatTime(this.#clock.now());
    const next = isJudged ? conditions : conditions.map((one) => (one === ready ? readyCondition(pod, now) : one));
    const object = { ...pod, status: { ...status, ...observed(pod), conditions: next } };
    await unlessGone(this.#client.update(podType, object, { subresource: "status", signal }));
  }
}

const refOf = ({ metadata: { name = "", namespace = "" } }: KubeObject) => ({ type: podType, name, namespace });

/** From 10.0.0.0/8, by uid. */
function podAddress({ metadata: { uid = "" } }: KubeObject): string {
  const hash = hashOf(uid);
  return `10.${1 + ((hash >>> 16) % 254)}.${(hash >>> 8) & 255}.${1 + (hash % 254)}`;
}

const condition = (type: string, status: "True" | "False", now: string, reason = ""): JsonObject => ({
  type,
  status,
  lastTransitionTime: now,
  ...(reason === "" ? {} : { reason }),
});

function gatesPass(pod: KubeObject): boolean {
  const passed = new Set(
    listOf(objectOf(pod, "status"), "conditions")
      .filter(isObject)
      .filter(({ status }) => status === "True")
      .map(({ type }) => type),
  );
  const gates = listOf(objectOf(pod, "spec"), "readinessGates").filter(isObject);
  return gates.every(({ conditionType }) => passed.has(conditionType));
}

const readyCondition = (pod: KubeObject, now: string): JsonObject =>
  gatesPass(pod) ? condition("Ready", "True", now) : condition("Ready", "False", now, "ReadinessGatesNotReady");

function runningStatus(pod: KubeObject, now: string): JsonObject {
  const types = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
  const own: ReadonlySet<unknown> = new Set(types);
  const others = listOf(objectOf(pod, "status"), "conditions")
    .filter(isObject)
    .filter(({ type }) => !own.has(type));
  return {
    ...commonStatus(pod, now),
    phase: "Running",
    conditions: [
      ...types.map((type) => (type === "Ready" ? readyCondition(pod, now) : condition(type, "True", now))),
      ...others,
    ],
    initContainerStatuses: containers(pod, "initContainers").map((container) => completed(container, now)),
    containerStatuses: containers(pod, "containers").map((container) => ({
      ...containerStatus(container),
      ready: true,
      started: true,
      state: { running: { startedAt: now } },
    })),
  };
}

/** Pods of others serve until they are stopped. */
const isWorking = (pod: KubeObject): boolean => controllerOf(pod)?.kind === "Job";

type ExitCode = (container: JsonObject) => number;
const ownExitCode: ExitCode = (container) => courseOf(container).exitCode;
const stopped: ExitCode = () => 0;

/** Restarts in place are not simulated: a pod whose program fails has failed, whatever its restart policy. */
function endedStatus(pod: KubeObject, now: string, exitCodeOf: ExitCode = ownExitCode): JsonObject {
  const main = containers(pod, "containers");
  const succeeded = main.every((container) => exitCodeOf(container) === 0);
  const reason = succeeded ? "PodCompleted" : "PodFailed";
  const over = (type: string) => condition(type, "False", now, reason);
  return {
    ...commonStatus(pod, now),
    phase: succeeded ? "Succeeded" : "Failed",
    conditions: [
      over("PodReadyToStartContainers"),
      condition("Initialized", "True", now, reason),
      over("Ready"),
      over("ContainersReady"),
      condition("PodScheduled", "True", now),
    ],
    initContainerStatuses: containers(pod, "initContainers").map((container) => completed(container, now)),
    containerStatuses: main.map((container) => completed(container, now, exitCodeOf(container))),
  };
}

/** When a working pod will have done its work, in ms since the epoch; infinity for others. */
function endOfWork(pod: KubeObject): number {
  const startedAt = Date.parse(textOf(objectOf(pod, "status"), "startTime"));
  return isWorking(pod) && !Number.isNaN(startedAt) ? startedAt + lastingMs(pod) : Number.POSITIVE_INFINITY;
}

/** In ms since the epoch; infinity for most. */
function deadlineOf(pod: KubeObject): number {
  const seconds = numericOf(objectOf(pod, "spec"), "activeDeadlineSeconds");
  const startedAt = Date.parse(textOf(objectOf(pod, "status"), "startTime"));
  return seconds === undefined || Number.isNaN(startedAt) ? Number.POSITIVE_INFINITY : startedAt + seconds * 1000;
}

/** Killed at its deadline, whatever it was at. */
function overdueStatus(pod: KubeObject, now: string): JsonObject {
  const over = (type: string) => condition(type, "False", now, "PodFailed");
  const killed = {
    exitCode: 137,
    reason: "Error",
    startedAt: textOf(objectOf(pod, "status"), "startTime"),
    finishedAt: now,
  };
  return {
    ...objectOf(pod, "status"),
    ...observed(pod),
    phase: "Failed",
    reason: "DeadlineExceeded",
    message: "Pod was active on the node longer than the specified deadline",
    conditions: [
      over("PodReadyToStartContainers"),
      condition("Initialized", "True", now),
      over("Ready"),
      over("ContainersReady"),
      condition("PodScheduled", "True", now),
    ],
    containerStatuses: containers(pod, "containers").map((container) => ({
      ...containerStatus(container),
      ready: false,
      started: false,
      state: { terminated: killed },
    })),
  };
}

const observed = ({ metadata: { generation } }: KubeObject): JsonObject =>
  generation === undefined ? {} : { observedGeneration: generation };

function commonStatus(pod: KubeObject, now: string): JsonObject {
  const podIP = podAddress(pod);
  return {
    ...objectOf(pod, "status"),
    ...observed(pod),
    hostIP: hostAddress,
    hostIPs: [{ ip: hostAddress }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: textOf(objectOf(pod, "status"), "startTime") || now,
  };
}

const containers = (pod: KubeObject, field: "containers" | "initContainers"): readonly JsonObject[] =>
  listOf(objectOf(pod, "spec"), field).filter(isObject);

const containerStatus = (container: JsonObject): JsonObject => ({
  name: textOf(container, "name"),
  image: textOf(container, "image"),
  imageID: "",
  restartCount: 0,
  lastState: {},
});

const completed = (container: JsonObject, now: string, exitCode = 0): JsonObject => ({
  ...containerStatus(container),
  ready: false,
  started: false,
  state: {
    terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt: now, finishedAt: now },
  },
});
