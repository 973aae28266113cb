import { sourceType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { SourceResource } from "../../apiserver/apis/compute/v1alpha1/source.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { WorkloadKind } from "../workloads/kind.ts";
import { sourceWorkload } from "./workload.ts";

export const sourceKind: WorkloadKind<SourceResource> = {
  type: sourceType,
  component: "source",
  is: (object: KubeObject): object is SourceResource => object.kind === "Source",
  workload: sourceWorkload,
};
