/** The status of a pod that doesn't run yet. Pure. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Hurdle } from "./pod-hurdles.ts";

/** How long an init container of a simulated pod takes, in ms: long enough to be seen. */
const initContainerMs = 1000;

const containersIn = (pod: KubeObject, field: "containers" | "initContainers"): readonly JsonObject[] =>
  listOf(objectOf(pod, "spec"), field).filter(isObject);

/** Ends before the next one starts. */
const ends = (container: JsonObject): boolean => textOf(container, "restartPolicy") !== "Always";

/** How long the pod's init containers take from its start. */
export const initialisationMs = (pod: KubeObject): number =>
  containersIn(pod, "initContainers").filter(ends).length * initContainerMs;

/** @param hurdle  absent: its init containers are at work */
export function waitingStatus(pod: KubeObject, hurdle: Hurdle | undefined, now: string): JsonObject {
  const before = objectOf(pod, "status");
  if (hurdle?.at === "scheduling") {
    return { ...before, phase: "Pending", conditions: [unschedulable(hurdle.message, now)] };
  }
  const waiting = hurdle?.at === "starting" ? hurdle.waiting : new Map<string, JsonObject>();
  const inits = containersIn(pod, "initContainers");
  const stuckAt = inits.findIndex((container) => waiting.has(textOf(container, "name")));
  const initialised = hurdle?.at === "starting" && stuckAt === -1;
  const mounted = hurdle?.at !== "mounting";
  const idle = inits.length > 0 && !initialised ? "PodInitializing" : "ContainerCreating";
  const running = { running: { startedAt: now } };
  return {
    ...before,
    phase: "Pending",
    startTime: textOf(before, "startTime") || now,
    conditions: [
      condition("PodReadyToStartContainers", mounted, now),
      condition("Initialized", initialised || inits.length === 0, now, "ContainersNotInitialized"),
      condition("Ready", false, now, "ContainersNotReady"),
      condition("ContainersReady", false, now, "ContainersNotReady"),
      condition("PodScheduled", true, now),
    ],
    initContainerStatuses: inits.map((container, index) => {
      const why = waiting.get(textOf(container, "name"));
      if (why !== undefined) return statusOf(container, { waiting: { ...why } });
      const over = initialised || (stuckAt !== -1 && index < stuckAt);
      if (over) return statusOf(container, ends(container) ? finished(now) : running, true);
      const first = mounted && stuckAt === -1 && index === 0;
      return statusOf(container, first ? running : { waiting: { reason: "PodInitializing" } });
    }),
    containerStatuses: containersIn(pod, "containers").map((container) => {
      const why = waiting.get(textOf(container, "name"));
      if (!initialised) return statusOf(container, { waiting: { reason: idle } });
      return why === undefined ? statusOf(container, running, true) : statusOf(container, { waiting: { ...why } });
    }),
  };
}

const finished = (now: string): JsonObject => ({
  terminated: { exitCode: 0, reason: "Completed", startedAt: now, finishedAt: now },
});

const statusOf = (container: JsonObject, state: JsonObject, ready = false): JsonObject => ({
  name: textOf(container, "name"),
  image: textOf(container, "image"),
  imageID: "",
  restartCount: 0,
  lastState: {},
  ready,
  started: ready,
  state,
});

const condition = (type: string, holds: boolean, now: string, reason = ""): JsonObject => ({
  type,
  status: holds ? "True" : "False",
  lastTransitionTime: now,
  ...(holds || reason === "" ? {} : { reason }),
});

const unschedulable = (message: string, now: string): JsonObject => ({
  type: "PodScheduled",
  status: "False",
  reason: "Unschedulable",
  message,
  lastTransitionTime: now,
});
