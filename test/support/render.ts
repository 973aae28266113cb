/** What a workload written by a user becomes: defaulted as the API does, rendered as the controllers do. */
import assert from "node:assert/strict";
import type {
  BackendConfigResource,
  BackendConfigSpec,
  Container,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { defaultWorkload } from "../../apiserver/registry/compute/defaults.ts";
import { functionKind } from "../../controllers/function/workload.ts";
import { defaultSettings, type Settings } from "../../controllers/settings.ts";
import { sinkKind } from "../../controllers/sink/workload.ts";
import { sourceKind } from "../../controllers/source/workload.ts";
import { desiredCleanupJob } from "../../controllers/workloads/cleanup-job.ts";
import { type DesiredWorkloads, desiredWorkloads } from "../../controllers/workloads/desired.ts";
import { partOf } from "../../controllers/workloads/parts.ts";
import type { PodTemplate } from "../../controllers/workloads/pod-template.ts";
import type { Workload } from "../../controllers/workloads/workload.ts";
import { aSpec, aWorkload, type WorkloadKind } from "./workloads.ts";

const metadata = { name: "w", namespace: "demo", uid: "UID" };

/** `changes` are laid over the smallest valid spec. */
export function workloadOf(kind: WorkloadKind, changes: Parameters<typeof aSpec>[1] = {}): Workload {
  const object = defaultWorkload(kind)(aWorkload(kind, aSpec(kind, changes), metadata));
  if (functionKind.is(object)) return functionKind.workload(object);
  if (sourceKind.is(object)) return sourceKind.workload(object);
  assert.ok(sinkKind.is(object));
  return sinkKind.workload(object);
}

export type Rendering = { readonly config?: BackendConfigSpec; readonly settings?: Partial<Settings> };

const aConfig = (spec: BackendConfigSpec): BackendConfigResource => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "BackendConfig",
  metadata: { name: "backend-config", namespace: "demo" },
  spec,
});

/** Everything it wants to exist; `config` is the BackendConfig of its namespace. */
export function render(workload: Workload, { config, settings }: Rendering = {}): DesiredWorkloads {
  return desiredWorkloads(workload, config ? { namespaced: aConfig(config) } : {}, { ...defaultSettings, ...settings });
}

export function renderCleanup(workload: Workload, { config, settings }: Rendering = {}): KubeObject {
  return desiredCleanupJob(workload, config ? { namespaced: aConfig(config) } : {}, {
    ...defaultSettings,
    ...settings,
  });
}

/** The pod of a StatefulSet or Job. */
export function podOf(object: KubeObject): PodTemplate {
  const { template } = partOf(object, "spec");
  const pod: PodTemplate = Object(template);
  return pod;
}

export function containerOf(object: KubeObject, name: string): Container {
  const { containers, initContainers = [] } = podOf(object).spec;
  return [...containers, ...initContainers].find((container) => container.name === name) ?? assert.fail(name);
}

/** Names with their values, in order. */
export const environmentOf = (container: Container): JsonObject[] =>
  (container.env ?? []).map(({ name, value }) => ({ [name]: value ?? "from" }));
