/** The smallest valid workload of each kind, as its user would write it. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";

const specs = {
  Function: {
    className: "org.example.Split",
    java: { jar: "/split.jar" },
    input: { topics: ["in"] },
    output: { topic: "out" },
    pulsar: { pulsarConfig: "pulsar" },
  },
  Source: {
    className: "org.example.Lines",
    java: { jar: "/lines.nar" },
    sourceConfig: {},
    output: { topic: "out" },
    pulsar: { pulsarConfig: "pulsar" },
  },
  Sink: {
    className: "org.example.Store",
    java: { jar: "/store.nar" },
    sinkConfig: {},
    input: { topics: ["in"] },
    pulsar: { pulsarConfig: "pulsar" },
  },
} as const satisfies { readonly [kind: string]: JsonObject };
export type WorkloadKind = keyof typeof specs;

/** A spec of `kind` with `changes` laid over it; a member that is `undefined` is left out. */
export function aSpec(
  kind: WorkloadKind,
  changes: { readonly [field: string]: JsonObject[string] | undefined } = {},
): JsonObject {
  const given = Object.entries({ ...specs[kind], ...changes });
  const spec: JsonObject = {};
  for (const [field, value] of given) if (value !== undefined) spec[field] = value;
  return spec;
}

export function aWorkload(kind: WorkloadKind, spec: JsonObject, metadata: KubeObject["metadata"] = {}): KubeObject {
  return {
    apiVersion: "compute.functionmesh.io/v1alpha1",
    kind,
    metadata: { name: "w", namespace: "demo", ...metadata },
    spec,
  };
}

export function aMesh(spec: JsonObject, metadata: KubeObject["metadata"] = {}): KubeObject {
  return { ...aWorkload("Function", spec, { name: "mesh", ...metadata }), kind: "FunctionMesh" };
}
