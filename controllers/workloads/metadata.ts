import type { ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { componentLabels } from "./labels.ts";
import { ownerReference, type Workload } from "./workload.ts";

/** Metadata of an object that lives and dies with its workload. */
export const childMetadata = (workload: Workload, name: string): ObjectMeta => ({
  name,
  namespace: workload.namespace,
  labels: componentLabels(workload),
  ownerReferences: [ownerReference(workload)],
});
