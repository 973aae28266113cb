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

/** Absent when nothing is wrong, or nothing yet: a pod that starts is no problem. */
export function podProblem(pod: KubeObject): PodProblem | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  const status = objectOf(pod, "status");
  const found =
    unschedulable(status) ??
    firstOf(containersOf(status, "initContainerStatuses"), (container) =>
      containerProblem(container, "init container"),
    ) ??
    firstOf(containersOf(status, "containerStatuses"), (container) => containerProblem(container, "container")) ??
    ended(status) ??
    firstOf(containersOf(status, "containerStatuses"), unready);
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
  // A Java instance may exit with 0 after a fatal error: one that ended by itself is not fine, whatever its code.
  if (what === "container" && last !== undefined && !isTrue(container, "ready")) {
    const restarts = numberOf(container, "restartCount") ?? 0;
    return {
      reason: textOf(last, "reason") || "Restarted",
      message: sentence(`${name} restarted ${times(restarts)}`, endOf(last)),
    };
  }
  return undefined;
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
const quote = (text: string): string => (text.length > maxQuote ? `${text.slice(0, maxQuote)}…` : text);
const sentence = (what: string, how: string): string => (how === "" ? what : `${what}: ${how}`);
