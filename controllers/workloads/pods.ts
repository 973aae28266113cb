/** What pods say about themselves, in words for the user of a workload. Pure. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isTrue, listOf, numberOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

/** Why a pod doesn't do its work. `reason` is Kubernetes' own word where it has one. */
export type PodProblem = { readonly pod: string; readonly reason: string; readonly message: string };

/** What a container waits for that passes by itself. */
const ordinaryWaits = new Set(["", "ContainerCreating", "PodInitializing"]);
/** Longest quote of what a program or the cluster said, in characters. */
const maxQuote = 200;

/**
 * A container that has run for so long after a restart is taken for mended, in ms. One that ends again and again is ready
 * in between, a second after each start where it has no probe: that is no good news.
 */
const steadyAfterMs = 60_000;

/**
 * Absent when nothing is wrong, or nothing yet: a pod that starts is no problem.
 *
 * @param nowMs  since the epoch; 0: whatever was restarted was so just now
 */
export function podProblem(pod: KubeObject, nowMs = 0): PodProblem | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  const status = objectOf(pod, "status");
  const found =
    unschedulable(status) ??
    firstOf(containersOf(status, "initContainerStatuses"), (container) =>
      containerProblem(container, "init container"),
    ) ??
    firstOf(containersOf(status, "containerStatuses"), (container) => containerProblem(container, "container")) ??
    ended(status) ??
    firstOf(containersOf(status, "containerStatuses"), (container) => unready(container) ?? unsteady(container, nowMs));
  return found && { pod: pod.metadata.name ?? "", ...found };
}

type Problem = Omit<PodProblem, "pod">;

const containersOf = (status: JsonObject | undefined, list: string): readonly JsonObject[] =>
  listOf(status, list).filter(isObject);

function firstOf(containers: readonly JsonObject[], problemOf: (container: JsonObject) => Problem | undefined) {
  for (const container of containers) {
    const problem = problemOf(container);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function unschedulable(status: JsonObject | undefined): Problem | undefined {
  const condition = containersOf(status, "conditions").find((each) => textOf(each, "type") === "PodScheduled");
  if (textOf(condition, "status") !== "False") return undefined;
  return { reason: textOf(condition, "reason") || "Unschedulable", message: quote(textOf(condition, "message")) };
}

function containerProblem(container: JsonObject, what: string): Problem | undefined {
  const state = objectOf(container, "state");
  const last = objectOf(objectOf(container, "lastState"), "terminated");
  const waiting = objectOf(state, "waiting");
  const waitsFor = textOf(waiting, "reason");
  const name = `${what} ${textOf(container, "name")}`;
  if (waiting !== undefined && !ordinaryWaits.has(waitsFor)) {
    const how = last === undefined ? quote(textOf(waiting, "message")) : endOf(last);
    return { reason: waitsFor, message: sentence(`${name} doesn't start`, how) };
  }
  const terminated = objectOf(state, "terminated");
  if (terminated !== undefined && (numberOf(terminated, "exitCode") ?? 0) !== 0) {
    return { reason: textOf(terminated, "reason") || "Error", message: sentence(`${name} ended`, endOf(terminated)) };
  }
  return what === "container" && !isTrue(container, "ready") ? restarted(container) : undefined;
}

/** What a whole pod came to, for example an eviction. */
function ended(status: JsonObject | undefined): Problem | undefined {
  const phase = textOf(status, "phase");
  if (phase !== "Failed" && phase !== "Succeeded") return undefined;
  const reason = textOf(status, "reason") || phase;
  return { reason, message: sentence(`the pod ended as ${phase}`, quote(textOf(status, "message"))) };
}

/** Runs, started, and yet fails its readiness probe. */
function unready(container: JsonObject): Problem | undefined {
  const running = objectOf(objectOf(container, "state"), "running");
  if (running === undefined || isTrue(container, "ready") || !isTrue(container, "started")) return undefined;
  return { reason: "ProbeFailing", message: `container ${textOf(container, "name")} runs, but isn't ready` };
}

/** When the last container of these that was restarted will have run long enough, in ms from now; absent: none was. */
export function steadyInMs(pods: readonly KubeObject[], nowMs: number): number | undefined {
  const left = pods
    .flatMap((pod) => containersOf(objectOf(pod, "status"), "containerStatuses"))
    .map((container) => steadyAtMs(container) - nowMs)
    .filter((ms) => ms > 0);
  return left.length === 0 ? undefined : Math.max(...left);
}

/** NaN of one that wasn't restarted. */
function steadyAtMs(container: JsonObject): number {
  const restarted = objectOf(objectOf(container, "lastState"), "terminated") !== undefined;
  const startedAt = textOf(objectOf(objectOf(container, "state"), "running"), "startedAt");
  return restarted && isTrue(container, "ready") ? Date.parse(startedAt) + steadyAfterMs : Number.NaN;
}

function unsteady(container: JsonObject, nowMs: number): Problem | undefined {
  return steadyAtMs(container) > nowMs ? restarted(container) : undefined;
}

/** A Java instance may exit with 0 after a fatal error: one that ended by itself is not fine, whatever its code. */
function restarted(container: JsonObject): Problem | undefined {
  const last = objectOf(objectOf(container, "lastState"), "terminated");
  if (last === undefined) return undefined;
  const restarts = numberOf(container, "restartCount") ?? 0;
  return {
    reason: textOf(last, "reason") || "Restarted",
    message: sentence(`container ${textOf(container, "name")} restarted ${times(restarts)}`, endOf(last)),
  };
}

function endOf(terminated: JsonObject): string {
  const code = numberOf(terminated, "exitCode");
  const signal = numberOf(terminated, "signal");
  const how = code === undefined ? `signal ${signal ?? 0}` : `exit code ${code}`;
  const why = textOf(terminated, "reason");
  const said = quote(lastLine(textOf(terminated, "message")));
  return [why === "" ? how : `${why}, ${how}`, said].filter((part) => part !== "").join(", last said: ");
}

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";
/** Programs write colours and carriage returns into their logs; whoever reads a status has a terminal. */
const quote = (text: string): string => {
  const plain = text.replace(/\p{Cc}+/gu, " ").trim();
  return plain.length > maxQuote ? `${plain.slice(0, maxQuote)}…` : plain;
};
const sentence = (what: string, how: string): string => (how === "" ? what : `${what}: ${how}`);
