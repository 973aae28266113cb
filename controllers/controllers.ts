import { functionKind } from "./function/workload.ts";
import { meshController } from "./function-mesh/controller.ts";
import { rendererVersion } from "./renderer-version.ts";
import { Controller, type ControllerDeps } from "./runtime/controller.ts";
import type { ControllerOptions } from "./runtime/interface.ts";
import { sinkKind } from "./sink/workload.ts";
import { sourceKind } from "./source/workload.ts";
import { type WorkloadControllerDeps, workloadController } from "./workloads/controller.ts";
import { Fleet } from "./workloads/fleet.ts";
import { hostTypes } from "./workloads/host-types.ts";
import { nameLabel } from "./workloads/labels.ts";

/** @param concurrentSyncs objects reconciled at once, per controller */
export type ComputeControllersDeps = Omit<WorkloadControllerDeps, "rendererVersion" | "fleet"> &
  ControllerDeps & { readonly concurrentSyncs?: number };

/** Every controller of the compute group. */
export function computeControllers(deps: ComputeControllersDeps): Controller[] {
  const { concurrentSyncs: workers } = deps;
  const { StatefulSet, Pod } = hostTypes;
  const fleet = new Fleet({
    sets: deps.workloadInformers.informer(StatefulSet),
    pods: deps.workloadInformers.informer(Pod, undefined, nameLabel),
    places: deps.settings.maxConcurrentRollouts,
    clock: deps.clock,
  });
  const rendering = { ...deps, rendererVersion: rendererVersion(), fleet };
  const controllers: ControllerOptions[] = [
    workloadController(functionKind, rendering),
    workloadController(sourceKind, rendering),
    workloadController(sinkKind, rendering),
    meshController(deps),
  ];
  return controllers.map((options) => new Controller({ ...options, ...(workers && { workers }) }, deps));
}
