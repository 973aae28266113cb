import type { FunctionMeshResource } from "../../apiserver/apis/compute/v1alpha1/function-mesh.ts";
import { functionMeshType, functionType, sinkType, sourceType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ControllerOptions } from "../runtime/interface.ts";
import { narrow } from "../runtime/lister.ts";
import { ownedBy, ownKind } from "../runtime/triggers.ts";
import { changedByOthers, type WorkloadControllerDeps } from "../workloads/controller.ts";
import { MeshReconciler } from "./reconciler.ts";

export type MeshControllerDeps = Pick<WorkloadControllerDeps, "compute" | "computeInformers" | "recorder" | "clock">;

const isMesh = (object: KubeObject): object is FunctionMeshResource => object.kind === "FunctionMesh";

export function meshController({ compute, computeInformers, recorder, clock }: MeshControllerDeps): ControllerOptions {
  const own = computeInformers.informer(functionMeshType);
  const functions = computeInformers.informer(functionType);
  const sources = computeInformers.informer(sourceType);
  const sinks = computeInformers.informer(sinkType);
  const members = { functions: functions.lister, sources: sources.lister, sinks: sinks.lister };
  return {
    name: "function-mesh",
    reconciler: new MeshReconciler({ meshes: narrow(own.lister, isMesh), members, compute, recorder, clock }),
    triggers: [
      ownKind(own, changedByOthers),
      ...[functions, sources, sinks].map((informer) => ownedBy(functionMeshType, informer)),
    ],
  };
}
