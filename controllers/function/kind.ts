import type { FunctionResource } from "../../apiserver/apis/compute/v1alpha1/function.ts";
import { functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { WorkloadKind } from "../workloads/kind.ts";
import { functionWorkload } from "./workload.ts";

export const functionKind: WorkloadKind<FunctionResource> = {
  type: functionType,
  component: "function",
  is: (object: KubeObject): object is FunctionResource => object.kind === "Function",
  workload: functionWorkload,
};
