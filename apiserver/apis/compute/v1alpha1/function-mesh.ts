import type { KubeObject } from "../../meta/v1.ts";
import type { FunctionSpec } from "./function.ts";
import type { SinkSpec } from "./sink.ts";
import type { SourceSpec } from "./source.ts";
import type { ResourceCondition, WorkloadPhase } from "./workload.ts";

/** Components are told apart by their `name`. */
export type FunctionMeshSpec = { functions?: FunctionSpec[]; sources?: SourceSpec[]; sinks?: SinkSpec[] };

/** The maps are keyed by the component's `name`. */
export type FunctionMeshStatus = {
  functionConditions?: { [component: string]: ResourceCondition };
  sourceConditions?: { [component: string]: ResourceCondition };
  sinkConditions?: { [component: string]: ResourceCondition };
  /** `MeshReady`. */
  condition?: ResourceCondition;
  phase?: WorkloadPhase;
  reason?: string;
  message?: string;
  observedGeneration?: number;
};

export type FunctionMeshResource = KubeObject & {
  kind: "FunctionMesh";
  spec?: FunctionMeshSpec;
  status?: FunctionMeshStatus;
};
