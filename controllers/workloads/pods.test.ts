import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { podProblem, steadyInMs } from "./pods.ts";

const container = (changes: JsonObject): JsonObject => ({
  containerStatuses: [{ name: "pulsar-function", ready: false, started: true, restartCount: 0, ...changes }],
});
const waiting = (reason: string, message = ""): JsonObject => ({ state: { waiting: { reason, message } } });
const ended = (exitCode: number, reason: string, message = ""): JsonObject => ({
  terminated: { exitCode, reason, message },
});

const cases: { readonly [what: string]: readonly [status: JsonObject, reason: string, message: string] } = {
  "an image that can't be pulled": [
    container(waiting("ImagePullBackOff", "Back-off pulling image x")),
    "ImagePullBackOff",
    "container pulsar-function doesn't start: Back-off pulling image x",
  ],
  "a name that is no image": [
    container(waiting("InvalidImageName")),
    "InvalidImageName",
    "container pulsar-function doesn't start",
  ],
  "a ConfigMap that isn't there": [
    container(waiting("CreateContainerConfigError", 'configmap "pulsar" not found')),
    "CreateContainerConfigError",
    'container pulsar-function doesn\'t start: configmap "pulsar" not found',
  ],
  "a crash loop, with the last line that was said": [
    container({ ...waiting("CrashLoopBackOff"), lastState: ended(1, "Error", "one\nNo such class\n") }),
    "CrashLoopBackOff",
    "container pulsar-function doesn't start: Error, exit code 1, last said: No such class",
  ],
  "last words that would colour a terminal": [
    container({ ...waiting("CrashLoopBackOff"), lastState: ended(1, "Error", "one\n\u001b[31mNo\rclass\u001b[0m\n") }),
    "CrashLoopBackOff",
    "container pulsar-function doesn't start: Error, exit code 1, last said: [31mNo class [0m",
  ],
  "too little memory": [
    container({ state: { running: {} }, restartCount: 2, lastState: ended(137, "OOMKilled") }),
    "OOMKilled",
    "container pulsar-function restarted 2 times: OOMKilled, exit code 137",
  ],
  "an instance that ends with 0 after a fatal error": [
    container({ state: { running: {} }, restartCount: 1, lastState: ended(0, "Completed") }),
    "Completed",
    "container pulsar-function restarted once: Completed, exit code 0",
  ],
  "a probe that fails": [
    container({ state: { running: {} } }),
    "ProbeFailing",
    "container pulsar-function runs, but isn't ready",
  ],
  "an init container": [
    { initContainerStatuses: [{ name: "downloader", ready: false, state: ended(1, "Error", "404") }] },
    "Error",
    "init container downloader ended: Error, exit code 1, last said: 404",
  ],
  "no node for it": [
    {
      conditions: [
        { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available" },
      ],
    },
    "Unschedulable",
    "0/3 nodes are available",
  ],
  "an eviction": [
    { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." },
    "Evicted",
    "the pod ended as Failed: The node was low on resource: memory.",
  ],
};
for (const [what, [status, reason, message]] of Object.entries(cases)) {
  test(`podProblem: ${what}`, () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a-0" }, status };
    assert.deepEqual(podProblem(pod), { pod: "a-0", reason, message });
  });
}

const fine: { readonly [what: string]: JsonObject } = {
  "a pod that starts": container(waiting("ContainerCreating")),
  "one whose init containers still run": container(waiting("PodInitializing")),
  "one that is ready": container({ ready: true, state: { running: {} } }),
  "one that is ready again": container({ ready: true, state: { running: {} }, lastState: ended(1, "Error") }),
  "one that hasn't got past its startup probe": container({ started: false, state: { running: {} } }),
  "one of which nothing is known": {},
};
for (const [what, status] of Object.entries(fine)) {
  test(`podProblem: none of ${what}`, () =>
    assert.equal(podProblem({ apiVersion: "v1", kind: "Pod", metadata: { name: "a-0" }, status }), undefined));
}

test("podProblem: one that ends again and again is no good news while it runs, until it has run for a minute", () => {
  const running = { state: { running: { startedAt: "2026-01-01T00:00:00Z" } }, ready: true, restartCount: 3 };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a-0" } };
  const after = (seconds: number, lastState: JsonObject) => {
    const nowMs = Date.parse("2026-01-01T00:00:00Z") + seconds * 1000;
    return podProblem({ ...pod, status: container({ ...running, lastState }) }, nowMs)?.message;
  };
  const java = ended(0, "Completed");
  assert.equal(after(2, java), "container pulsar-function restarted 3 times: Completed, exit code 0");
  assert.equal(after(59, java), "container pulsar-function restarted 3 times: Completed, exit code 0");
  assert.equal(after(60, java), undefined);
  assert.equal(after(2, {}), undefined, "it runs for the first time");
  const status = container({ ...running, lastState: java });
  assert.equal(steadyInMs([{ ...pod, status }], Date.parse("2026-01-01T00:00:20Z")), 40_000);
  assert.equal(steadyInMs([pod], 0), undefined);
});
