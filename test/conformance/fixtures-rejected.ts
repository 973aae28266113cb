/**
 * Manifests of the public project that this server refuses, each with its reason. `fixtures.test.ts` fails when one of
 * them is accepted as well as when another one is refused.
 */
export type Rejection = {
  /** `details.causes[].field` of the answer; empty where there are none: a kind that isn't served, a body that cannot be read. */
  readonly fields: readonly string[];
  readonly reason: string;
};

const packageLocation =
  "the operator's webhook refuses it too: a package is named by a URL or by function://tenant/namespace/name@version";

const sidecarRequests =
  "spec.pod.sidecars[0]: requests nothing: the autoscaler of pulsar-function needs the requests of all containers";

/** By file below `fixtures/function-mesh` and by object, `Kind/name`. */
export const rejectedFixtures: { readonly [fixture: string]: Rejection } = {
  "integration-oauth2/google-pubsub-source/manifests.yaml Secret/gcp-account": {
    fields: [],
    reason: "a placeholder stands where base64 must be, so the body cannot be read; no Kubernetes API takes it",
  },
  "integration/elasticsearch-sink/elasticsearch.yaml Elasticsearch/quickstart": {
    fields: [],
    reason: "a kind of another operator, which a cluster may have beside us",
  },
  "samples/compute_v1alpha1_function_stateful.yaml Function/java-function-stateful-sample": {
    fields: ["spec.java.jarLocation"],
    reason: packageLocation,
  },
  "samples/compute_v1alpha1_go_function.yaml Function/go-function-sample": {
    fields: ["spec.golang.goLocation"],
    reason: packageLocation,
  },
  "samples/compute_v1alpha1_py_function.yaml Function/py-function-sample": {
    fields: ["spec.python.pyLocation"],
    reason: packageLocation,
  },
};

/** Warnings that the public manifests earn, by the same names. */
export const warnedFixtures: { readonly [fixture: string]: readonly string[] } = {
  "integration/reconciliation/manifests-one.yaml FunctionMesh/functionmesh-sample": [
    "spec.sinks[0].input: no member of the mesh writes to its topics",
  ],
  "integration/reconciliation/manifests-two.yaml FunctionMesh/functionmesh-sample": [
    "spec.sinks[0].input: no member of the mesh writes to its topics",
  ],
  "samples/compute_v1alpha1_function.yaml Function/java-function-sample": [sidecarRequests],
  "samples/compute_v1alpha1_function_key_based_batcher.yaml Function/java-function-batcher-sample": [sidecarRequests],
};
