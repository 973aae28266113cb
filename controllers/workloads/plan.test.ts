import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { workloadOf } from "../../test/support/render.ts";
import type { aSpec } from "../../test/support/workloads.ts";
import { defaultSettings } from "../settings.ts";
import type { FleetView } from "./fleet.ts";
import type { Observed } from "./gather.ts";
import { partOf } from "./parts.ts";
import { planWorkload, type Renderer, type WorkloadPlan } from "./plan.ts";
import { withRecord } from "./rollout.ts";

const renderer: Renderer = { settings: defaultSettings, rendererVersion: "this" };
const nothing: Observed & { readonly fleet: FleetView } = {
  children: {
    StatefulSet: undefined,
    Service: undefined,
    HorizontalPodAutoscaler: undefined,
    VerticalPodAutoscaler: undefined,
  },
  cleanupJob: undefined,
  configs: {},
  pods: [],
  foreignAutoscaler: undefined,
  restricted: false,
  terminating: undefined,
  globalConfigMissing: false,
  fleet: { hasPlace: true, isFailing: false },
  verticalPodAutoscaling: true,
};
const owner: KubeObject = {
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name: "w", namespace: "demo", uid: "UID", generation: 1 },
};

type Changes = Parameters<typeof aSpec>[1];
const plan = (changes: Changes = {}, observed = nothing, by = renderer, of = owner): WorkloadPlan =>
  planWorkload(of, workloadOf("Function", changes), observed, by);

/** The world after the plan was carried out. */
function after({ StatefulSet, Service }: WorkloadPlan): typeof nothing {
  const applied = (child: WorkloadPlan["Service"]): KubeObject =>
    child.action === "apply" ? child.object : assert.fail(child.action);
  return {
    ...nothing,
    children: { ...nothing.children, StatefulSet: applied(StatefulSet), Service: applied(Service) },
  };
}

/** What is done to the StatefulSet, and why. */
function decision({ StatefulSet: child }: WorkloadPlan): string {
  switch (child.action) {
    case "apply":
      return `apply: ${child.causes.join(", ")}${child.restarts ? ", restarts" : ""}`;
    case "hold":
      return `hold: ${child.reason}${child.replicas === undefined ? "" : `, ${child.replicas} replicas`}`;
    default:
      return child.action;
  }
}

const settled = after(plan());

/** Somebody scaled the StatefulSet itself. */
function byHand(observed: typeof nothing): typeof nothing {
  const { StatefulSet } = observed.children;
  const edited = { ...StatefulSet, spec: { ...partOf(StatefulSet, "spec"), replicas: 7 } };
  return { ...observed, children: { ...observed.children, StatefulSet: { ...aStatefulSet, ...edited } } };
}
const aStatefulSet: KubeObject = { apiVersion: "apps/v1", kind: "StatefulSet", metadata: {} };

test("a plan is pure: the same input gives the same decisions, and one that is settled gives none", () => {
  assert.deepEqual(plan(), plan());
  assert.equal(decision(plan()), "apply: Missing");
  const again = plan({}, settled);
  assert.deepEqual(
    Object.values(again).map(({ action }) => action),
    ["nothing", "nothing", "nothing", "nothing"],
  );
});

test("a plan says why it writes, and whether pods restart", () => {
  assert.equal(decision(plan({ className: "a.B" }, settled)), "apply: SpecChanged, restarts");
  assert.equal(decision(plan({}, byHand(settled))), "apply: Drifted");
  const scaled = { ...owner, metadata: { ...owner.metadata, generation: 2 } };
  assert.equal(decision(plan({ replicas: 3 }, settled, renderer, scaled)), "apply: SpecChanged");
  const changed = plan({ className: "a.B" }, settled).StatefulSet;
  assert.ok(changed.action === "apply" && changed.paths.some((path) => path.includes("command")));
});

test("why pods were replaced is written with the change, and stays until the next one", () => {
  const causeOf = ({ children }: typeof nothing) =>
    children.StatefulSet?.metadata.annotations?.["kubernetes.io/change-cause"];
  assert.equal(causeOf(settled), undefined, "nothing was replaced yet");
  const { StatefulSet: changed } = plan({ className: "a.B" }, settled);
  assert.ok(changed.action === "apply");
  const observed = { ...settled, children: { ...settled.children, StatefulSet: changed.object } };
  assert.match(
    causeOf(observed) ?? "",
    /^the spec changed: spec\.template\.spec\.containers\[pulsar-function\]\.command/,
  );
  assert.equal(decision(plan({ className: "a.B" }, observed)), "nothing");
  const scaled = plan({ className: "a.B", replicas: 3 }, observed).StatefulSet;
  assert.ok(scaled.action === "apply" && !scaled.restarts);
  assert.equal(scaled.object.metadata.annotations?.["kubernetes.io/change-cause"], causeOf(observed));
});

test("a vertical autoscaler that the cluster has no kind for is refused in words, and the rest goes on", () => {
  const vpa = { pod: { vpa: {} } };
  assert.equal(plan(vpa).VerticalPodAutoscaler.action, "apply");
  const { StatefulSet, VerticalPodAutoscaler } = plan(vpa, { ...nothing, verticalPodAutoscaling: false });
  assert.ok(VerticalPodAutoscaler.action === "refuse" && VerticalPodAutoscaler.message.includes("remove spec.pod.vpa"));
  assert.equal(StatefulSet.action, "apply");
});

const newer: Renderer = { ...renderer, rendererVersion: "next" };
const otherImage: Renderer = {
  ...renderer,
  settings: { ...defaultSettings, runnerImages: { ...defaultSettings.runnerImages, java: "java:next" } },
};

test("a release of ours restarts nothing by itself", () => {
  assert.equal(decision(plan({}, settled, newer)), "apply: RendererChanged", "same pods: only the record is renewed");
  assert.equal(decision(plan({}, settled, otherImage)), "hold: SettingsChanged");
  assert.equal(decision(plan({ replicas: 3 }, settled, otherImage)), "hold: SettingsChanged, 3 replicas");
  assert.equal(
    decision(plan({ className: "a.B" }, settled, otherImage)),
    "apply: SpecChanged, SettingsChanged, restarts",
  );
});

test("a readiness probe of ours waits like any other change of settings", () => {
  const probed: Renderer = { ...renderer, settings: { ...defaultSettings, readinessProbe: true } };
  assert.equal(decision(plan({}, settled, probed)), "hold: SettingsChanged");
  const paced: Renderer = { ...renderer, settings: { ...defaultSettings, maxConcurrentRollouts: 1 } };
  assert.equal(decision(plan({}, settled, paced)), "nothing", "a pace is no part of what is rendered");
});

test("what waits is rolled out when it is asked for", () => {
  const annotations = { "compute.functionmesh.io/roll-out": "now" };
  const asking = { ...owner, metadata: { ...owner.metadata, annotations } };
  assert.equal(decision(plan({}, settled, otherImage, asking)), "apply: RolloutRequested, SettingsChanged, restarts");
});

test("a renderer whose version tells nothing, and yet makes other pods, is noticed", () => {
  const { StatefulSet } = settled.children;
  assert.ok(StatefulSet !== undefined);
  const record = JSON.parse(StatefulSet.metadata.annotations?.["compute.functionmesh.io/rendered-from"] ?? "");
  const template = { metadata: {}, spec: { containers: [] } };
  const older = withRecord(
    { ...StatefulSet, spec: { ...partOf(StatefulSet, "spec"), template } },
    { ...record, template: "other" },
  );
  const observed = { ...settled, children: { ...settled.children, StatefulSet: older } };
  assert.equal(decision(plan({}, observed)), "hold: RendererChanged");
});
