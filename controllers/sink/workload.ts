import { sinkType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { SinkResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { subscriptionTasks } from "../workloads/cleanup-tasks.ts";
import { cryptoConfigs } from "../workloads/pulsar-access.ts";
import { javaRuntime } from "../workloads/runtime.ts";
import { identity, type Workload, type WorkloadKind } from "../workloads/workload.ts";
import { sinkDetails } from "./details.ts";

export function sinkWorkload(sink: SinkResource): Workload {
  const spec = sink.spec ?? {};
  return {
    type: sinkType,
    component: "sink",
    ...identity(sink),
    spec,
    kindLabels: {},
    ...(spec.java && { runtime: javaRuntime(spec.java) }),
    details: sinkDetails(spec),
    javaFlags: { before: [], after: [] },
    cryptoConfigs: cryptoConfigs(undefined, spec.input),
    cleanup: subscriptionTasks(spec),
  };
}

export const sinkKind: WorkloadKind<SinkResource> = {
  type: sinkType,
  component: "sink",
  is: (object: KubeObject): object is SinkResource => object.kind === "Sink",
  workload: sinkWorkload,
};
