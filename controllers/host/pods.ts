/** What the controllers of pods agree on. */
import type { JsonObject, KubeObject, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

/** On every pod that nothing but this simulator runs. */
export const simulatedLabel = "functionmesh.io/simulated";

/** The only node there is. */
export const nodeName = "simulated";

export const phaseOf = (pod: KubeObject): string => textOf(objectOf(pod, "status"), "phase");

export const isTerminating = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

export const hasEnded = (pod: KubeObject): boolean => ["Succeeded", "Failed"].includes(phaseOf(pod));

export const isReady = (pod: KubeObject): boolean => phaseOf(pod) === "Running" && readyCondition(pod) !== undefined;

/** Since when the pod has been ready, in ms since the epoch. */
export const readySinceMs = (pod: KubeObject): number | undefined => {
  const condition = readyCondition(pod);
  return condition === undefined ? undefined : Date.parse(textOf(condition, "lastTransitionTime"));
};

function readyCondition(pod: KubeObject): JsonObject | undefined {
  return listOf(objectOf(pod, "status"), "conditions")
    .filter(isObject)
    .find((condition) => condition.type === "Ready" && condition.status === "True");
}

export type PodIdentity = {
  readonly name: string;
  readonly namespace: string;
  readonly owner: OwnerReference;
  readonly labels: { readonly [key: string]: string };
};

/** A pod of `template`, placed on the simulated node and labelled as what it is. */
export function podFromTemplate(
  template: JsonObject | undefined,
  { name, namespace, owner, labels }: PodIdentity,
): KubeObject {
  const metadata = objectOf(template, "metadata");
  const annotations = textMap(objectOf(metadata, "annotations"));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { ...textMap(objectOf(metadata, "labels")), ...labels, [simulatedLabel]: "true" },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [owner],
    },
    spec: { ...objectOf(template, "spec"), nodeName },
  };
}

/** Labels or annotations. */
export function textMap(object: JsonObject | undefined): { [key: string]: string } {
  const texts: { [key: string]: string } = {};
  for (const [key, value] of Object.entries(object ?? {})) if (typeof value === "string") texts[key] = value;
  return texts;
}
