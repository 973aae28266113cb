import { group } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { objectName, ownerReference, type Workload } from "./workload.ts";

/** Found on every object of a workload, the clean-up Job included: whose it is. */
export const nameLabel = `${group}/name`;
export const namespaceLabel = `${group}/namespace`;
export const componentLabel = `${group}/component`;
/** Together they say which workload an object was made for. */
export const identifyingLabels = [nameLabel, namespaceLabel, componentLabel];

/**
 * Labels of a workload's objects and pods; the StatefulSet's and the Service's selector (FM 4.1). Selectors cannot be
 * changed, so neither can these.
 */
export function componentLabels(workload: Workload): { [key: string]: string } {
  const { name, namespace, component, kindLabels } = workload;
  return {
    ...kindLabels,
    "app.kubernetes.io/instance": objectName(workload),
    "app.kubernetes.io/name": objectName(workload),
    [componentLabel]: component,
    [nameLabel]: name,
    [namespaceLabel]: namespace,
    component,
    name,
    namespace,
  };
}

/** A label selector as text, keys sorted, as `status.selector` and the scale subresource show it. */
export function selectorText(labels: { readonly [key: string]: string }): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(",");
}

/** Under which name workloads, members and status are written (design D12). */
export const fieldManager = "function-mesh";

/** Metadata of an object that lives and dies with its workload. */
export const childMetadata = (workload: Workload, name: string): ObjectMeta => ({
  name,
  namespace: workload.namespace,
  labels: componentLabels(workload),
  ownerReferences: [ownerReference(workload)],
});
