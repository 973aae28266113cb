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
