import {
  functionMeshType,
  functionType,
  group,
  sinkType,
  sourceType,
} from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { FunctionMeshResource, WorkloadSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { ownerReference } from "../workloads/workload.ts";

/** On every member: the name of its mesh. */
export const meshLabel = `${group}/mesh`;

/** The lists of a mesh, in the order they are made. */
export const memberKinds = [
  { type: functionType, list: "functions", conditions: "functionConditions", condition: "FunctionReady" },
  { type: sourceType, list: "sources", conditions: "sourceConditions", condition: "SourceReady" },
  { type: sinkType, list: "sinks", conditions: "sinkConditions", condition: "SinkReady" },
] as const;
export type MemberKind = (typeof memberKinds)[number];

/** One component of a mesh, and the object it wants to exist. */
export type Member = {
  readonly kind: MemberKind;
  readonly component: string;
  readonly object: KubeObject;
  /** An autoscaler moves the replicas. */
  readonly autoscaled: boolean;
};

/**
 * Members named `<mesh>-<component>`, their specs as the mesh has them (FM 5). Of two components with one name in one
 * list, the first counts.
 */
export function desiredMembers(mesh: FunctionMeshResource): Member[] {
  return memberKinds.flatMap((kind) => {
    const components: readonly (WorkloadSpec & JsonObject)[] = mesh.spec?.[kind.list] ?? [];
    const byName = new Map<string, WorkloadSpec & JsonObject>();
    for (const component of components) {
      const name = component.name ?? "";
      if (!byName.has(name)) byName.set(name, component);
    }
    return [...byName].map(([component, spec]) => member(mesh, kind, component, spec));
  });
}

function member(
  mesh: FunctionMeshResource,
  kind: MemberKind,
  component: string,
  spec: WorkloadSpec & JsonObject,
): Member {
  const { name = "", namespace = "", uid = "" } = mesh.metadata;
  const owner = ownerReference({ type: functionMeshType, name, uid });
  const object: KubeObject = {
    apiVersion: owner.apiVersion,
    kind: kind.type.kind,
    metadata: { name: memberName(name, component), namespace, labels: { [meshLabel]: name }, ownerReferences: [owner] },
    spec: withoutEmptyLocations(spec),
  };
  return { kind, component, object, autoscaled: spec.maxReplicas !== undefined };
}

const locations = [
  ["java", "jarLocation"],
  ["python", "pyLocation"],
  ["golang", "goLocation"],
  ["genericRuntime", "functionFileLocation"],
] as const;

/** An empty location means the same as none, and the operator's members never have one. */
function withoutEmptyLocations(spec: JsonObject): JsonObject {
  const result: JsonObject = { ...spec };
  for (const [field, location] of locations) {
    const { [location]: where, ...runtime } = objectOf(spec, field) ?? {};
    if (where === "") result[field] = runtime;
  }
  return result;
}

export const memberName = (mesh: string, component: string): string => `${mesh}-${component}`;
