/** Everything a workload wants to exist in the cluster. Pure: the same input gives the same output, byte for byte. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { desiredHorizontalPodAutoscaler, desiredVerticalPodAutoscaler } from "./autoscaler.ts";
import type { BackendConfigs } from "./backend-config.ts";
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
