import { functionMeshType, functionType, sinkType, sourceType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { FunctionMeshResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ControllerOptions } from "../runtime/interface.ts";
import { type Lister, narrow } from "../runtime/lister.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { mapped, ownedBy, ownKind } from "../runtime/triggers.ts";
import { changedByOthers, type WorkloadControllerDeps } from "../workloads/controller.ts";
import { PublishedStatus } from "../workloads/published-status.ts";
import { MeshReconciler } from "./reconciler.ts";

export type MeshControllerDeps = Pick<WorkloadControllerDeps, "compute" | "computeInformers" | "recorder" | "clock">;

/** A member's name that somebody else's object has: when that goes or changes hands, its mesh has work to do. */
function meshesThatMayWant({ metadata: { name = "", namespace = "" } }: KubeObject, meshes: Lister): ObjectKey[] {
  const keys: ObjectKey[] = [];
  for (let dash = name.indexOf("-"); dash !== -1; dash = name.indexOf("-", dash + 1)) {
    const key = { namespace, name: name.slice(0, dash) };
    if (meshes.get(key) !== undefined) keys.push(key);
  }
  return keys;
}

const isMesh = (object: KubeObject): object is FunctionMeshResource => object.kind === "FunctionMesh";

export function meshController({ compute, computeInformers, recorder, clock }: MeshControllerDeps): ControllerOptions {
  const own = computeInformers.informer(functionMeshType);
  const functions = computeInformers.informer(functionType);
  const sources = computeInformers.informer(sourceType);
  const sinks = computeInformers.informer(sinkType);
  const published = new PublishedStatus();
  return {
    name: "function-mesh",
    reconciler: new MeshReconciler({
      meshes: narrow(own.lister, isMesh),
      members: { functions, sources, sinks },
      published,
      compute,
      recorder,
      clock,
    }),
    triggers: [
      ownKind(own, changedByOthers(published)),
      ...[functions, sources, sinks].flatMap((informer) => [
        ownedBy(functionMeshType, informer),
        mapped(informer, (object) => meshesThatMayWant(object, own.lister)),
      ]),
    ],
  };
}
