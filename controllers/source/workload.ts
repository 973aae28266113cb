import { sourceType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { SourceResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { batchTasks } from "../workloads/cleanup-tasks.ts";
import { cryptoConfigs } from "../workloads/pulsar-access.ts";
import { javaRuntime } from "../workloads/runtime.ts";
import { identity, type Workload, type WorkloadKind } from "../workloads/workload.ts";
import { sourceDetails } from "./details.ts";

export function sourceWorkload(source: SourceResource): Workload {
  const spec = source.spec ?? {};
  return {
    type: sourceType,
    component: "source",
    ...identity(source),
    spec,
    kindLabels: {},
    ...(spec.java && { runtime: javaRuntime(spec.java) }),
    details: sourceDetails(spec),
    javaFlags: { before: [], after: [] },
    cryptoConfigs: cryptoConfigs(spec.output, undefined),
    cleanup: spec.batchSourceConfig === undefined ? [] : batchTasks(spec),
  };
}

export const sourceKind: WorkloadKind<SourceResource> = {
  type: sourceType,
  component: "source",
  is: (object: KubeObject): object is SourceResource => object.kind === "Source",
  workload: sourceWorkload,
};
