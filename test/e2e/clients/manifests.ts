/** A Function as an object, for clients that send objects; `spec` changes fields of it. */
import type { KubernetesObject } from "@kubernetes/client-node";

export type FunctionObject = KubernetesObject & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; namespace: string; labels?: { [key: string]: string }; generation?: number };
  readonly spec: { readonly [field: string]: unknown };
};

export function functionObject(metadata: { name: string; namespace: string }, spec: object = {}): FunctionObject {
  return {
    apiVersion: "compute.functionmesh.io/v1alpha1",
    kind: "Function",
    metadata,
    spec: {
      className: "org.example.WordCount",
      image: "example.org/wordcount:1.0",
      replicas: 1,
      input: { topics: ["persistent://public/default/sentences"] },
      output: { topic: "persistent://public/default/counts" },
      resources: { requests: { cpu: "100m" }, limits: { cpu: "200m", memory: "512Mi" } },
      pulsar: { pulsarConfig: "pulsar" },
      java: { jar: "/pulsar/wordcount.jar" },
      ...spec,
    },
  };
}
