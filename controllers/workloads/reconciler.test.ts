import assert from "node:assert/strict";
import { test } from "node:test";
import { backendConfigType, functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { invalid } from "../../apiserver/errors/field-error.ts";
import { newForbidden, newInvalid, newNotFound, statusError } from "../../apiserver/errors/status-error.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { aFunction, ComputeControllers } from "../../test/support/compute-controllers.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { defaultSettings } from "../settings.ts";
import { hostTypes } from "./host-types.ts";
import { partOf } from "./parts.ts";
import { renderedFromAnnotation } from "./rollout.ts";

const { StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler, Job } = hostTypes;

/** As the StatefulSet controller reports when all is well. */
async function becomeReady(world: ComputeControllers, name: string): Promise<void> {
  const live = await world.find(StatefulSet, name);
  const { replicas } = partOf(live, "spec");
  const revisions = { currentRevision: "r1", updateRevision: "r1" };
  const status = { observedGeneration: live?.metadata.generation, readyReplicas: replicas, replicas, ...revisions };
  await world.patch(StatefulSet, name, { status }, "status");
}

async function conditions(world: ComputeControllers, name: string): Promise<{ [kind: string]: string }> {
  const found = partOf(await world.find(functionType, name), "status").conditions;
  const entries = Object.entries(isObject(found) ? found : {}).map(([kind, condition]) => {
    const { status, action, reason } = isObject(condition) ? condition : {};
    return [kind, `${status} ${action} ${reason}`];
  });
  return Object.fromEntries(entries);
}

/** The pod template's container of a Function, as JSON text: enough to see whether a value is there. */
async function templateText(world: ComputeControllers, name: string): Promise<string> {
  return JSON.stringify(partOf(await world.find(StatefulSet, name), "spec").template);
}

test("a new Function costs one write per object and one for its status", async () => {
  await using world = await ComputeControllers.start();
  const writes = await world.writesOf(() => world.client.create(functionType, aFunction("a")));
  assert.deepEqual(writes.sort(), [
    "create functions/a",
    "create services/a-function-headless",
    "create statefulsets/a-function",
    "patch functions/a status",
  ]);
  assert.deepEqual(await conditions(world, "a"), {
    StatefulSet: "False Wait PodsNotReady",
    Service: "True NoAction Ready",
  });
  assert.deepEqual(world.events.map(({ reason }) => reason).sort(), ["Created"]);
});

test("status follows the pods", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", { spec: { replicas: 2 } }));
  const writes = await world.writesOf(() => becomeReady(world, "a-function"));
  assert.deepEqual(writes, ["patch statefulsets/a-function status", "patch functions/a status"]);
  const status = partOf(await world.find(functionType, "a"), "status");
  assert.equal(status.readyReplicas, 2);
  assert.equal(status.replicas, 2);
  assert.equal(status.observedGeneration, 1);
  assert.match(String(status.selector), /^app=function-mesh,app\.kubernetes\.io\/instance=a-function,/);
  assert.equal((await conditions(world, "a")).StatefulSet, "True NoAction Ready");
  assert.ok(world.events.some(({ reason }) => reason === "Ready"));
});

test("a restart of the controllers writes nothing", async () => {
  const first = await ComputeControllers.start();
  await first.create(functionType, aFunction("a", { spec: { maxReplicas: 3, pod: { vpa: undefined } } }));
  await becomeReady(first, "a-function");
  await first[Symbol.asyncDispose]();
  const before = first.client.writes.length;
  await using _second = await ComputeControllers.start({}, first.client);
  await settle();
  assert.deepEqual(first.client.writes.slice(before), []);
});

test("what was deleted or edited by hand comes back", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  await world.delete(Service, "a-function-headless");
  assert.notEqual(await world.find(Service, "a-function-headless"), undefined);
  await world.patch(StatefulSet, "a-function", { spec: { replicas: 7, podManagementPolicy: "Parallel" } });
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 1);
  await world.patch(Service, "a-function-headless", { spec: { selector: { app: "other" } } });
  const selector = partOf(await world.find(Service, "a-function-headless"), "spec").selector;
  assert.equal(isObject(selector) && selector.app, "function-mesh");
});

test("labels and annotations that others add stay, and cost no write", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  const patch = { metadata: { labels: { team: "x" }, annotations: { note: "y" } } };
  const writes = await world.writesOf(() => world.patch(StatefulSet, "a-function", patch));
  assert.deepEqual(writes, ["patch statefulsets/a-function"]);
});

test("autoscalers come and go with the fields that ask for them", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", { spec: { maxReplicas: 3 } }));
  assert.notEqual(await world.find(HorizontalPodAutoscaler, "a-function"), undefined);
  assert.equal((await conditions(world, "a")).HorizontalPodAutoscaler, "True NoAction Ready");
  await world.patch(functionType, "a", {
    spec: { maxReplicas: null, pod: { vpa: { updatePolicy: { updateMode: "Off" } } } },
  });
  assert.equal(await world.find(HorizontalPodAutoscaler, "a-function"), undefined);
  assert.notEqual(await world.find(VerticalPodAutoscaler, "a-function"), undefined);
  assert.deepEqual(Object.keys(await conditions(world, "a")).sort(), [
    "Service",
    "StatefulSet",
    "VerticalPodAutoscaler",
  ]);
});

test("a new number of replicas reaches the StatefulSet", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  await world.patch(functionType, "a", { spec: { replicas: 4 } });
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 4);
  assert.equal(partOf(await world.find(functionType, "a"), "status").observedGeneration, 2);
});

test("an object of somebody else under one of our names is left alone, and the user is told", async () => {
  await using world = await ComputeControllers.start();
  const metadata = { name: "a-function", namespace: "demo", labels: { theirs: "yes" } };
  await world.create(StatefulSet, { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: { replicas: 9 } });
  await world.create(functionType, aFunction("a"));
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 9);
  assert.equal((await conditions(world, "a")).StatefulSet, "False Wait NotOwned");
  assert.ok(world.events.some(({ type, reason }) => type === "Warning" && reason === "NotOwned"));
});

test("a refused object is reported by its fields, not its values, and tried again, slowly", async () => {
  await using world = await ComputeControllers.start();
  const kind = { group: "apps", version: "v1", kind: "StatefulSet" };
  const refusal = newInvalid(kind, "a-function", [invalid("spec.template", "s3cret", "no good")]);
  world.client.fail(({ resource, verb }) => resource === "statefulsets" && verb === "create", refusal, 99);
  await world.create(functionType, aFunction("a"));
  assert.equal((await conditions(world, "a")).StatefulSet, "False Create ApplyFailed");
  const text = JSON.stringify([await world.find(functionType, "a"), world.events]);
  assert.match(text, /spec\.template/);
  assert.doesNotMatch(text, /s3cret/);
  const asked = ["create statefulsets/a-function"];
  assert.deepEqual(await world.writesOf(() => world.clock.advance(59_000)), []);
  const look = (times: string) => world.patch(functionType, "a", { metadata: { annotations: { look: times } } });
  assert.deepEqual(await world.writesOf(() => look("again")), ["patch functions/a"]);
  assert.deepEqual(await world.writesOf(() => world.clock.advance(1_000)), asked);
  assert.deepEqual(await world.writesOf(() => world.clock.advance(119_000)), []);
  assert.deepEqual(await world.writesOf(() => world.clock.advance(1_000)), asked);
  // Something else is wanted: that is another question.
  const changed = await world.writesOf(() => world.patch(functionType, "a", { spec: { replicas: 2 } }));
  assert.deepEqual(changed.slice(0, 2), ["patch functions/a", ...asked]);
});

test("a generic language without an image is asked of no cluster, and said", async () => {
  await using world = await ComputeControllers.start();
  const spec = { java: undefined, genericRuntime: { functionFile: "f", language: "cobol" } };
  const writes = await world.writesOf(() => world.client.create(functionType, aFunction("a", { spec })));
  assert.deepEqual(writes.includes("create statefulsets/a-function"), false);
  const { phase, reason, message } = await statusOf(world);
  assert.deepEqual([phase, reason], ["Failed", "ImageUnknown"]);
  assert.match(String(message), /"cobol".*executable, nodejs, python, wasm/);
});

test("a failure that may pass is tried again, and forgotten when it has passed", async () => {
  await using world = await ComputeControllers.start();
  const quota = newForbidden({ group: "", resource: "services" }, "a-function-headless", "exceeded quota: q");
  world.client.fail(({ resource, verb }) => resource === "services" && verb === "create", quota, 2);
  await world.create(functionType, aFunction("a"));
  assert.equal((await conditions(world, "a")).Service, "False Create ApplyFailed");
  await world.clock.advance(1_000);
  assert.equal((await conditions(world, "a")).Service, "True NoAction Ready");
});

test("an unmanaged object is left alone", async () => {
  await using world = await ComputeControllers.start();
  const annotations = { "compute.functionmesh.io/managed": "false" };
  const metadata = { name: "a", namespace: "demo", annotations };
  const writes = await world.writesOf(() => world.client.create(functionType, aFunction("a", { metadata })));
  assert.deepEqual(writes, ["create functions/a"]);
});

const config = (spec: JsonObject): KubeObject => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "BackendConfig",
  metadata: { name: "backend-config", namespace: "demo" },
  spec,
});

test("a BackendConfig rolls out when it says so, and waits when it doesn't", async () => {
  await using world = await ComputeControllers.start();
  await world.create(backendConfigType, config({ env: { MODE: "one" } }));
  await world.create(functionType, aFunction("a"));
  assert.match(await templateText(world, "a-function"), /"MODE","value":"one"/);

  await world.patch(backendConfigType, "backend-config", { spec: { env: { MODE: "two" } } });
  assert.match(await templateText(world, "a-function"), /"MODE","value":"one"/);
  const waiting = partOf(await world.find(functionType, "a"), "status");
  assert.match(String(waiting.pendingChange), /^BackendConfigChanged: .*env\[MODE\]\.value/);

  await world.patch(backendConfigType, "backend-config", { spec: { autoUpdate: true } });
  await world.patch(backendConfigType, "backend-config", { spec: { env: { MODE: "three" } } });
  assert.match(await templateText(world, "a-function"), /"MODE","value":"three"/);
  assert.equal(partOf(await world.find(functionType, "a"), "status").pendingChange, undefined);
});

test("while a change waits, scaling still works", async () => {
  await using world = await ComputeControllers.start();
  await world.create(backendConfigType, config({ env: { MODE: "one" } }));
  await world.create(functionType, aFunction("a"));
  await world.patch(backendConfigType, "backend-config", { spec: { env: { MODE: "two" } } });
  await world.patch(functionType, "a", { spec: { replicas: 3 } });
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 3);
  assert.match(await templateText(world, "a-function"), /"MODE","value":"one"/);
});

test("a paused Function holds back what it didn't ask for, until its own spec changes", async () => {
  await using world = await ComputeControllers.start();
  await world.create(backendConfigType, config({ autoUpdate: true, env: { MODE: "one" } }));
  const annotations = { "compute.functionmesh.io/pause-rollout": "true" };
  await world.create(functionType, aFunction("a", { metadata: { name: "a", namespace: "demo", annotations } }));
  await world.patch(backendConfigType, "backend-config", { spec: { env: { MODE: "two" } } });
  assert.match(await templateText(world, "a-function"), /"MODE","value":"one"/);
  assert.ok(world.events.some(({ reason }) => reason === "RolloutPaused"));
  await world.patch(functionType, "a", { spec: { className: "org.example.Other" } });
  assert.match(await templateText(world, "a-function"), /"MODE","value":"two"/);
});

test("a new renderer alone restarts no pod", async () => {
  const first = await ComputeControllers.start();
  await first.create(functionType, aFunction("a"));
  await becomeReady(first, "a-function");
  await first[Symbol.asyncDispose]();
  const live = await first.find(StatefulSet, "a-function");
  const record = JSON.parse(live?.metadata.annotations?.[renderedFromAnnotation] ?? "{}");
  const older = JSON.stringify({ ...record, renderer: "older", template: "older" });
  const template = { metadata: { annotations: { "prometheus.io/port": "1" } } };
  const body = { metadata: { annotations: { [renderedFromAnnotation]: older } }, spec: { template } };
  await first.client.patch({ type: StatefulSet, name: "a-function", namespace: "demo" }, { type: "merge", body });
  await using world = await ComputeControllers.start({}, first.client);
  await settle();
  assert.match(await templateText(world, "a-function"), /"prometheus.io\/port":"1"/);
  assert.match(String(partOf(await world.find(functionType, "a"), "status").pendingChange), /^RendererChanged: /);
});

const cleaning = { spec: { cleanupSubscription: true } };
const finish = (world: ComputeControllers, type: "Complete" | "Failed") =>
  world.patch(Job, "a-function-cleanup", { status: { conditions: [{ type, status: "True" }] } }, "status");

test("a deletion with clean-up: pods stop, the Job runs, then the object goes", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", cleaning));
  assert.deepEqual((await world.find(functionType, "a"))?.metadata.finalizers, ["cleanup.subscription.finalizer"]);
  await world.delete(functionType, "a");
  const stopping = await world.find(StatefulSet, "a-function");
  assert.notEqual(
    stopping?.metadata.deletionTimestamp,
    undefined,
    "in the foreground: it stays until its pods are gone",
  );
  assert.equal(await world.find(Job, "a-function-cleanup"), undefined);
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  assert.notEqual(await world.find(Job, "a-function-cleanup"), undefined);
  await finish(world, "Complete");
  assert.equal(await world.find(functionType, "a"), undefined);
  assert.equal(await world.find(Job, "a-function-cleanup"), undefined);
  assert.ok(world.events.some(({ reason }) => reason === "CleanedUp"));
});

test("a failed clean-up lets the object go, and says so", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", cleaning));
  await world.delete(functionType, "a");
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  await finish(world, "Failed");
  assert.equal(await world.find(functionType, "a"), undefined);
  assert.ok(world.events.some(({ type, reason }) => type === "Warning" && reason === "CleanupFailed"));
});

test("a clean-up that nobody carries out ends with its deadline", async () => {
  await using world = await ComputeControllers.start({ cleanupDeadlineSeconds: 10 });
  await world.create(functionType, aFunction("a", cleaning));
  await world.delete(functionType, "a");
  await world.clock.advance(31_000);
  assert.equal(await world.find(functionType, "a"), undefined);
});

test("the finalizer goes when clean-up is no longer wanted", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", cleaning));
  await world.patch(functionType, "a", {
    metadata: { annotations: { "compute.functionmesh.io/need-cleanup": "false" } },
  });
  assert.deepEqual((await world.find(functionType, "a"))?.metadata.finalizers, []);
});

async function statusOf(world: ComputeControllers, name = "a"): Promise<JsonObject> {
  return partOf(await world.find(functionType, name), "status");
}

test("phase, reason and message follow the pods", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", { spec: { replicas: 2 } }));
  const started = await statusOf(world);
  assert.deepEqual(
    [started.phase, started.reason, started.message],
    ["Pending", "PodsNotReady", "0 of 2 pods are ready."],
  );
  await becomeReady(world, "a-function");
  const ready = await statusOf(world);
  assert.deepEqual([ready.phase, ready.reason, ready.message], ["Ready", "Ready", "All 2 pods are ready."]);
  await world.patch(functionType, "a", { spec: { replicas: 0 } });
  await becomeReady(world, "a-function");
  const off = await statusOf(world);
  assert.deepEqual([off.phase, off.reason], ["Ready", "SwitchedOff"]);
});

/** A pod of the StatefulSet `a-function` in the given state. */
async function podOf(world: ComputeControllers, status: JsonObject): Promise<void> {
  const { metadata, spec } = (await world.find(StatefulSet, "a-function")) ?? assert.fail();
  const { labels } = metadata;
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "a-function", uid: metadata.uid ?? "" };
  const ownerReferences = [{ ...owner, controller: true }];
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a-function-0", namespace: "demo", ...(labels && { labels }), ownerReferences },
    spec: spec ?? {},
    status,
  };
  await world.create(hostTypes.Pod, pod);
}

test("a pod that can't start is told in words, with its name, as status and as event", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "nope"' };
  await podOf(world, { containerStatuses: [{ name: "pulsar-function", ready: false, state: { waiting } }] });
  const { phase, reason, message } = await statusOf(world);
  const expected = 'Pod a-function-0: container pulsar-function doesn\'t start: Back-off pulling image "nope".';
  assert.deepEqual([phase, reason, message], ["Degraded", "ImagePullBackOff", expected]);
  assert.ok(world.events.some((event) => event.type === "Warning" && event.message === expected));
});

test("an instance that ends with 0 again and again is not called fine while it runs in between", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  await becomeReady(world, "a-function");
  assert.equal((await statusOf(world)).phase, "Ready");
  const startedAt = formatTime(world.clock.now());
  const state = { running: { startedAt } };
  const lastState = { terminated: { exitCode: 0, reason: "Completed" } };
  const container = { name: "pulsar-function", ready: true, started: true, restartCount: 2, state, lastState };
  await podOf(world, { phase: "Running", containerStatuses: [container] });
  const { phase, reason, message } = await statusOf(world);
  const told = "Pod a-function-0: container pulsar-function restarted 2 times: Completed, exit code 0.";
  assert.deepEqual([phase, reason, message], ["Degraded", "Completed", told]);
  await world.clock.advance(60_000);
  assert.equal((await statusOf(world)).phase, "Ready", "it has run for a minute");
});

test("what pods need and the namespace lacks is named, and looked for again", async () => {
  await using world = await ComputeControllers.start();
  const pulsar = { pulsarConfig: "elsewhere", authSecret: "token" };
  await world.create(functionType, aFunction("a", { spec: { pulsar } }));
  const { phase, reason, message } = await statusOf(world);
  assert.deepEqual(
    [phase, reason, message],
    ["Degraded", "ReferenceNotFound", "ConfigMap elsewhere, Secret token don't exist in the namespace."],
  );
  for (const [kind, name] of [
    ["ConfigMap", "elsewhere"],
    ["Secret", "token"],
  ] as const) {
    await world.create(hostTypes[kind], { apiVersion: "v1", kind, metadata: { name, namespace: "demo" } });
  }
  await world.clock.advance(15_000);
  assert.equal((await statusOf(world)).phase, "Pending");
});

test("a status that somebody else edits is put right", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  await world.patch(functionType, "a", { status: { readyReplicas: 99, phase: "Ready" } }, "status");
  const { readyReplicas, phase } = await statusOf(world);
  assert.deepEqual([readyReplicas, phase], [0, "Pending"]);
});

test("when an obstacle goes, work goes on by itself (issue 26)", async () => {
  await using world = await ComputeControllers.start();
  const taken = (name: string) => ({ name, namespace: "demo" });
  await world.create(Service, { apiVersion: "v1", kind: "Service", metadata: taken("a-function-headless"), spec: {} });
  const target = { apiVersion: "apps/v1", kind: "Deployment", name: "other" };
  await world.create(HorizontalPodAutoscaler, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: taken("a-function"),
    spec: { scaleTargetRef: target, maxReplicas: 2 },
  });
  await world.create(functionType, aFunction("a", { spec: { maxReplicas: 3 } }));
  assert.equal((await statusOf(world)).phase, "Failed");
  await world.delete(Service, "a-function-headless");
  await world.delete(HorizontalPodAutoscaler, "a-function");
  const found = await conditions(world, "a");
  assert.deepEqual([found.Service, found.HorizontalPodAutoscaler], ["True NoAction Ready", "True NoAction Ready"]);
});

test("children that nobody manages any more are adopted by an object of the same name (tidb-operator issue 1246)", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  const orphan = { metadata: { ownerReferences: null } };
  await world.client.delete({ type: functionType, name: "a", namespace: "demo" }, { propagationPolicy: "Orphan" });
  await world.patch(functionType, "a", { metadata: { finalizers: null } });
  for (const [type, name] of [
    [StatefulSet, "a-function"],
    [Service, "a-function-headless"],
  ] as const) {
    await world.patch(type, name, orphan);
  }
  const again = await world.create(functionType, aFunction("a"));
  const adopted = await world.find(StatefulSet, "a-function");
  assert.equal(adopted?.metadata.ownerReferences?.[0]?.uid, again.metadata.uid);
  assert.notEqual((await statusOf(world)).phase, "Failed");
});

/** What the Function `a` of another uid has left, as a collector leaves it that missed its end. */
async function aPredecessor(world: ComputeControllers): Promise<KubeObject> {
  const { apiVersion, kind } = aFunction("a");
  const ownerReferences = [{ apiVersion, kind, name: "a", uid: "before", controller: true }];
  const metadata = { name: "a-function", namespace: "demo", ownerReferences };
  return world.create(StatefulSet, { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: { replicas: 9 } });
}

test("what a deleted object of the same name has left goes, and is made anew", async () => {
  await using world = await ComputeControllers.start();
  const before = await aPredecessor(world);
  const { metadata } = await world.create(functionType, aFunction("a"));
  await settle();
  const after = await world.find(StatefulSet, "a-function");
  assert.notEqual(after?.metadata.uid, before.metadata.uid);
  assert.equal(after?.metadata.ownerReferences?.[0]?.uid, metadata.uid);
  assert.notEqual((await statusOf(world)).phase, "Failed");
});

test("what a deleted object of the same name has left, and holds on to, is waited for", async () => {
  await using world = await ComputeControllers.start();
  await aPredecessor(world);
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: ["example.org/holds"] } });
  await world.create(functionType, aFunction("a"));
  await settle();
  assert.equal((await conditions(world, "a")).StatefulSet, "False Wait PredecessorLeaves");
  assert.equal((await statusOf(world)).phase, "Pending");
  const told = world.events.filter(({ reason }) => reason === "PredecessorLeaves");
  assert.deepEqual(
    told.map(({ message }) => message),
    ["StatefulSet a-function of a deleted object of this name is going."],
  );
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  await settle();
  assert.equal((await conditions(world, "a")).StatefulSet?.startsWith("False Wait PodsNotReady"), true);
});

test("who is gone already, as the store has it, takes nothing from a successor", async () => {
  await using world = await ComputeControllers.start();
  await aPredecessor(world);
  const gone = newNotFound({ group: functionType.group, resource: functionType.resource }, "a");
  world.client.fail(({ verb, resource }) => verb === "get" && resource === functionType.resource, gone, 99);
  await world.create(functionType, aFunction("a"));
  await settle();
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 9);
});

test("a refusal that comes from a policy keeps its message, and ends with it", async () => {
  await using world = await ComputeControllers.start();
  const refusal = statusError(422, "Invalid", "cost-center label is missing");
  let lifted = false;
  world.client.fail(({ resource, verb }) => !lifted && resource === "statefulsets" && verb === "create", refusal, 99);
  await world.create(functionType, aFunction("a"));
  const { phase, message } = await statusOf(world);
  assert.deepEqual([phase, message], ["Failed", "cost-center label is missing"]);
  lifted = true;
  await world.clock.advance(60_000);
  assert.equal((await statusOf(world)).phase, "Pending");
});

test("somebody else's autoscaler moves the StatefulSet as it likes, but not past switched off", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a"));
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "a-function" };
  await world.create(HorizontalPodAutoscaler, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "theirs", namespace: "demo" },
    spec: { scaleTargetRef, maxReplicas: 9 },
  });
  await world.patch(StatefulSet, "a-function", { spec: { replicas: 5 } });
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 5);
  await world.patch(functionType, "a", { spec: { replicas: 0 } });
  assert.equal(partOf(await world.find(StatefulSet, "a-function"), "spec").replicas, 0);
});

test("an argument that Linux doesn't take is told instead of tried (argo-workflows issue 15471)", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", { spec: { funcConfig: { schema: "x".repeat(140_000) } } }));
  const { phase, reason } = await statusOf(world);
  assert.deepEqual([phase, reason], ["Failed", "ArgumentTooLong"]);
  assert.equal(await world.find(StatefulSet, "a-function"), undefined);
});

test("in a namespace with the restricted standard pods are made to meet it (issue 574)", async () => {
  await using world = await ComputeControllers.start();
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await world.create(hostTypes.Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo", labels } });
  await world.create(functionType, aFunction("a"));
  assert.match(await templateText(world, "a-function"), /"runAsNonRoot":true/);
});

test("no cause is a way round another: a changed setting waits, and so does what comes with it", async () => {
  const first = await ComputeControllers.start();
  await first.create(backendConfigType, config({ autoUpdate: true, env: { MODE: "one" } }));
  await first.create(functionType, aFunction("a"));
  await becomeReady(first, "a-function");
  await first[Symbol.asyncDispose]();
  const images = { ...defaultSettings.runnerImages, java: "example.org/java:next" };
  await using world = await ComputeControllers.start({ runnerImages: images }, first.client);
  await settle();
  assert.doesNotMatch(await templateText(world, "a-function"), /java:next/);
  assert.match(String((await statusOf(world)).pendingChange), /^SettingsChanged: .*image/);
  await world.patch(backendConfigType, "backend-config", { spec: { env: { MODE: "two" } } });
  assert.match(await templateText(world, "a-function"), /"MODE","value":"one"/);
  const annotations = { "compute.functionmesh.io/roll-out": "2026-11-30" };
  await world.patch(functionType, "a", { metadata: { annotations } });
  const rolled = await templateText(world, "a-function");
  assert.match(rolled, /java:next/);
  assert.match(rolled, /"MODE","value":"two"/);
  assert.equal((await statusOf(world)).pendingChange, undefined);
  const told = world.events.find(({ message }) => message.includes("Its pods restart"));
  assert.match(told?.message ?? "", /a roll-out was asked for.*Changed: .*image/);
});

test("a setting that concerns other pods is no reason to wait, or to restart", async () => {
  const first = await ComputeControllers.start();
  await first.create(functionType, aFunction("a"));
  await becomeReady(first, "a-function");
  const before = await templateText(first, "a-function");
  await first[Symbol.asyncDispose]();
  const images = { ...defaultSettings.runnerImages, python: "example.org/python:next" };
  await using world = await ComputeControllers.start({ runnerImages: images }, first.client);
  await settle();
  assert.equal(await templateText(world, "a-function"), before);
  assert.equal((await statusOf(world)).pendingChange, undefined);
});

test("the BackendConfigs in effect are shown with what they give", async () => {
  await using world = await ComputeControllers.start();
  await world.create(backendConfigType, config({ env: { TZ: "UTC" }, pod: { labels: { team: "eu" }, vpa: {} } }));
  await world.create(functionType, aFunction("a"));
  const [applied] = Object(await statusOf(world)).backendConfigs;
  assert.deepEqual([applied.name, applied.fields], ["backend-config", ["env.TZ", "pod.labels.team"]]);
});

test("a clean-up Job that the cluster refuses is tried until the deadline, and each outcome told", async () => {
  await using world = await ComputeControllers.start({ cleanupDeadlineSeconds: 30 });
  const quota = newForbidden({ group: "batch", resource: "jobs" }, "a-function-cleanup", "exceeded quota: q");
  world.client.fail(({ resource, verb }) => resource === "jobs" && verb === "create", quota, 99);
  await world.create(functionType, aFunction("a", cleaning));
  await world.delete(functionType, "a");
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  assert.ok(world.events.some(({ reason, message }) => reason === "CleanupRefused" && message.includes("quota")));
  assert.notEqual(await world.find(functionType, "a"), undefined);
  await world.clock.advance(31_000);
  assert.equal(await world.find(functionType, "a"), undefined);
  assert.ok(world.events.some(({ reason, message }) => reason === "CleanupFailed" && message.includes("quota")));
});

test("deleted in the foreground: what the collector takes stays away, the clean-up runs, and only then our finalizer goes", async () => {
  await using world = await ComputeControllers.start();
  await world.create(functionType, aFunction("a", cleaning));
  const finalizers = ["cleanup.subscription.finalizer", "foregroundDeletion"];
  await world.patch(functionType, "a", { metadata: { finalizers } });
  await world.delete(functionType, "a");
  // The collector deletes what blocks the owner.
  await world.delete(Service, "a-function-headless");
  await world.patch(StatefulSet, "a-function", { metadata: { finalizers: null } });
  assert.equal(await world.find(StatefulSet, "a-function"), undefined);
  assert.equal(await world.find(Service, "a-function-headless"), undefined);
  const job = await world.find(Job, "a-function-cleanup");
  assert.deepEqual(job?.metadata.ownerReferences ?? [], [], "no collector takes it with its owner");
  await finish(world, "Complete");
  assert.deepEqual((await world.find(functionType, "a"))?.metadata.finalizers, ["foregroundDeletion"]);
  assert.ok(world.events.some(({ reason }) => reason === "CleanedUp"));
});
