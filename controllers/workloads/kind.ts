import type { WorkloadStatus } from "../../apiserver/apis/compute/v1alpha1/workload.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import type { Component, Workload } from "./workload.ts";

export type WorkloadResource = KubeObject & { status?: WorkloadStatus };

/** All that the reconciler must know of a kind. */
export type WorkloadKind<R extends WorkloadResource = WorkloadResource> = {
  readonly type: ResourceType;
  readonly component: Component;
  readonly is: (object: KubeObject) => object is R;
  readonly workload: (resource: R) => Workload;
};
