import { functionKind } from "./function/kind.ts";
import { meshController } from "./function-mesh/controller.ts";
import { rendererVersion } from "./renderer-version.ts";
import { Controller, type ControllerDeps } from "./runtime/controller.ts";
import type { ControllerOptions } from "./runtime/interface.ts";
import { sinkKind } from "./sink/kind.ts";
import { sourceKind } from "./source/kind.ts";
import { type WorkloadControllerDeps, workloadController } from "./workloads/controller.ts";

/** @param concurrentSyncs objects reconciled at once, per controller */
export type ComputeControllersDeps = Omit<WorkloadControllerDeps, "rendererVersion"> &
  ControllerDeps & { readonly concurrentSyncs?: number };

/** Every controller of the compute group. */
export function computeControllers(deps: ComputeControllersDeps): Controller[] {
  const { concurrentSyncs: workers } = deps;
  const rendering = { ...deps, rendererVersion: rendererVersion() };
  const controllers: ControllerOptions[] = [
    workloadController(functionKind, rendering),
    workloadController(sourceKind, rendering),
    workloadController(sinkKind, rendering),
    meshController(deps),
  ];
  return controllers.map((options) => new Controller({ ...options, ...(workers && { workers }) }, deps));
}
