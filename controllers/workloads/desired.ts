/** Everything a workload wants to exist in the cluster. Pure: the same input gives the same output, byte for byte. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { desiredHorizontalPodAutoscaler, desiredVerticalPodAutoscaler } from "./autoscaler.ts";
import type { BackendConfigs } from "./backend-config.ts";
import { argumentProblem } from "./command/argument-size.ts";
import { imageProblem } from "./images.ts";
import { desiredService } from "./service.ts";
import { desiredStatefulSet } from "./stateful-set.ts";
import type { Workload } from "./workload.ts";

/** Keyed as `status.conditions`; what is `undefined` must not exist. */
export type DesiredWorkloads = {
  readonly StatefulSet: KubeObject;
  readonly Service: KubeObject;
  readonly HorizontalPodAutoscaler: KubeObject | undefined;
  readonly VerticalPodAutoscaler: KubeObject | undefined;
};
export type ChildKind = keyof DesiredWorkloads;

/** Why the StatefulSet could never work, whatever a cluster says of it; absent when it may. */
export const desiredProblem = (
  workload: Workload,
  statefulSet: KubeObject,
  settings: Settings,
): { readonly reason: string; readonly message: string } | undefined =>
  imageProblem(workload, settings) ?? argumentProblem(statefulSet);

export const desiredWorkloads = (
  workload: Workload,
  configs: BackendConfigs,
  settings: Settings,
): DesiredWorkloads => ({
  StatefulSet: desiredStatefulSet(workload, configs, settings),
  Service: desiredService(workload),
  HorizontalPodAutoscaler: desiredHorizontalPodAutoscaler(workload),
  VerticalPodAutoscaler: desiredVerticalPodAutoscaler(workload),
});
