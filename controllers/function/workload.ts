import { functionType, group } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { FunctionResource, FunctionSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { subscriptionTasks } from "../workloads/cleanup-tasks.ts";
import { cryptoConfigs } from "../workloads/pulsar-access.ts";
import { genericRuntime, goRuntime, javaRuntime, pythonRuntime } from "../workloads/runtime.ts";
import { identity, type Runtime, type Workload, type WorkloadKind } from "../workloads/workload.ts";
import { functionDetails } from "./details.ts";
import { goConfig } from "./go-config.ts";

/** Labels that only functions carry; the selectors of existing StatefulSets hold them (FM 4.1). */
const kindLabels = { app: "function-mesh", [`${group}/app`]: "function-mesh" };

export function functionWorkload(fn: FunctionResource): Workload {
  const spec = fn.spec ?? {};
  const runtime = runtimeOf(spec);
  const { volumeClaimTemplates, persistentVolumeClaimRetentionPolicy, maxPendingAsyncRequests } = spec;
  const details = functionDetails(spec);
  const connects = spec.sourceConfig !== undefined || spec.sinkConfig !== undefined;
  return {
    type: functionType,
    component: "function",
    ...identity(fn),
    spec,
    kindLabels,
    ...(runtime && { runtime }),
    details,
    goConfig: goConfig(spec, details),
    javaFlags: {
      before: connects ? ["--connectors_directory", "/pulsar/connectors"] : [],
      after: maxPendingAsyncRequests === undefined ? [] : ["--pending_async_requests", String(maxPendingAsyncRequests)],
    },
    cryptoConfigs: cryptoConfigs(spec.output, spec.input),
    ...(volumeClaimTemplates && { volumeClaimTemplates }),
    ...(persistentVolumeClaimRetentionPolicy && { claimRetentionPolicy: persistentVolumeClaimRetentionPolicy }),
    cleanup: subscriptionTasks(spec),
  };
}

/** The first that is there; validation sees to it that there is only one. */
function runtimeOf({ java, python, golang, genericRuntime: generic }: FunctionSpec): Runtime | undefined {
  return (
    (java && javaRuntime(java)) ??
    (python && pythonRuntime(python)) ??
    (golang && goRuntime(golang)) ??
    (generic && genericRuntime(generic))
  );
}

export const functionKind: WorkloadKind<FunctionResource> = {
  type: functionType,
  component: "function",
  is: (object: KubeObject): object is FunctionResource => object.kind === "Function",
  workload: functionWorkload,
};
