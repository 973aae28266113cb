import { sinkType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { SinkResource } from "../../apiserver/apis/compute/v1alpha1/sink.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { WorkloadKind } from "../workloads/kind.ts";
import { sinkWorkload } from "./workload.ts";

export const sinkKind: WorkloadKind<SinkResource> = {
  type: sinkType,
  component: "sink",
  is: (object: KubeObject): object is SinkResource => object.kind === "Sink",
  workload: sinkWorkload,
};
