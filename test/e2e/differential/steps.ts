/** Random writes to one object: what each says is the same for both servers. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";

export type Step =
  | {
      readonly verb: "apply";
      readonly manager: string;
      readonly force: boolean;
      readonly dryRun: boolean;
      readonly fields: JsonObject;
    }
  | {
      readonly verb: "put" | "merge" | "strategic";
      readonly manager: string;
      readonly dryRun: boolean;
      readonly fields: JsonObject;
    }
  | {
      readonly verb: "json";
      readonly manager: string;
      readonly dryRun: boolean;
      readonly operations: readonly JsonObject[];
    }
  | { readonly verb: "reset"; readonly manager: string };

/** One kind that both servers serve. */
export type Subject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly collection: (namespace: string) => string;
  /** Whole and valid: what the founder always says. */
  readonly base: JsonObject;
  /** Parts of the object that steps are about. */
  readonly parts: fc.Arbitrary<JsonObject>;
  /** Paths of members that JSON patches add, replace and remove. */
  readonly pointers: readonly { readonly pointer: string; readonly value: JsonValue }[];
  readonly verbs: readonly Step["verb"][];
};

const managers = fc.constantFrom("founder", "alice", "bob", "carol");
const rarely = fc.integer({ min: 0, max: 5 }).map((number) => number === 0);
const often = fc.boolean();

export function stepsFor({ parts, pointers, verbs }: Subject): fc.Arbitrary<Step> {
  const operation = fc.record({
    op: fc.constantFrom("add", "replace", "remove"),
    at: fc.constantFrom(...pointers),
  });
  const all: { readonly [Verb in Step["verb"]]: fc.Arbitrary<Step> } = {
    apply: fc.record({
      verb: fc.constant("apply" as const),
      manager: managers,
      force: often,
      dryRun: rarely,
      fields: parts,
    }),
    put: fc.record({ verb: fc.constant("put" as const), manager: managers, dryRun: rarely, fields: parts }),
    merge: fc.record({ verb: fc.constant("merge" as const), manager: managers, dryRun: rarely, fields: parts }),
    strategic: fc.record({ verb: fc.constant("strategic" as const), manager: managers, dryRun: rarely, fields: parts }),
    json: fc.record({
      verb: fc.constant("json" as const),
      manager: managers,
      dryRun: rarely,
      operations: fc.array(
        operation.map(({ op, at }) => ({ op, path: at.pointer, ...(op === "remove" ? {} : { value: at.value }) })),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    reset: fc.record({ verb: fc.constant("reset" as const), manager: managers }),
  };
  const weights: Record<Step["verb"], number> = {
    apply: 10,
    put: 3,
    merge: 3,
    strategic: 3,
    json: 2,
    reset: 1,
  };
  return fc.oneof(...verbs.map((verb) => ({ weight: weights[verb], arbitrary: all[verb] })));
}

const letter = fc.constantFrom("a", "b", "c");
const texts = fc.dictionary(letter, letter, { maxKeys: 3 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const finalizers = fc.uniqueArray(
  letter.map((name) => `example.org/${name}`),
  { maxLength: 3 },
);
const metadata = fc
  .record({ labels: maybe(texts), annotations: maybe(texts), finalizers: maybe(finalizers) })
  .map(withoutAbsent);

function withoutAbsent(object: { readonly [name: string]: JsonValue | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

export const configMaps: Subject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  collection: (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
  base: { data: { base: "1" } },
  // Never empty: typed kinds drop an empty map there, here it stays as it was sent.
  parts: fc
    .record({ metadata: maybe(metadata), data: maybe(fc.dictionary(letter, letter, { minKeys: 1, maxKeys: 3 })) })
    .map(withoutAbsent),
  pointers: [
    { pointer: "/data/a", value: "json" },
    { pointer: "/data", value: { b: "json" } },
    { pointer: "/metadata/labels", value: { c: "json" } },
    { pointer: "/metadata/managedFields/0", value: {} },
  ],
  verbs: ["apply", "put", "merge", "strategic", "json", "reset"],
};

const named = fc.uniqueArray(fc.record({ name: letter }), { selector: ({ name }) => name, maxLength: 3 });
const mounts = fc.uniqueArray(
  fc.record(
    { mountPath: letter.map((name) => `/${name}`), name: letter, readOnly: fc.boolean() },
    { requiredKeys: ["mountPath", "name"] },
  ),
  { selector: ({ mountPath }) => mountPath, maxLength: 3 },
);
const env = fc.array(fc.record({ name: letter, value: letter }), { maxLength: 2 });
const limits = { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "200m", memory: "512Mi" } };

/** Fields that neither have defaults nor depend on each other, of every sort that apply knows. */
const functionSpec = fc
  .record({
    subscriptionName: maybe(letter),
    undeclared: fc.option(letter, { nil: undefined, freq: 1 }).map((value) => (value === "a" ? value : undefined)),
    timeout: maybe(fc.integer({ min: 1, max: 3 })),
    funcConfig: maybe(fc.dictionary(letter, fc.oneof(letter, fc.integer(), fc.array(letter), texts), { maxKeys: 3 })),
    volumeMounts: maybe(mounts),
    resources: maybe(named.map((claims) => ({ claims }))),
    pod: maybe(fc.record({ labels: maybe(texts), env: maybe(env), nodeSelector: maybe(texts) }).map(withoutAbsent)),
  })
  .map(withoutAbsent);

export const functions: Subject = {
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  collection: (namespace) => `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functions`,
  base: {
    spec: {
      name: "component",
      className: "org.example.WordCount",
      image: "example.org/wordcount:1.0",
      replicas: 1,
      minReplicas: 1,
      maxReplicas: 5,
      autoAck: true,
      processingGuarantee: "atleast_once",
      clusterName: "kubernetes",
      tenant: "public",
      namespace: "default",
      maxPendingAsyncRequests: 1000,
      forwardSourceMessageProperty: true,
      input: { topics: ["persistent://public/default/sentences"], typeClassName: "[B" },
      output: { topic: "persistent://public/default/counts", typeClassName: "[B" },
      pulsar: { pulsarConfig: "pulsar" },
      java: { jar: "/pulsar/wordcount.jar" },
      resources: limits,
      pod: { volumes: ["a", "b", "c"].map((name) => ({ name, emptyDir: {} })) },
    },
  },
  parts: fc.record({ metadata: maybe(metadata), spec: maybe(functionSpec) }).map(withoutAbsent),
  pointers: [
    { pointer: "/spec/subscriptionName", value: "json" },
    { pointer: "/spec/funcConfig", value: { a: { b: "json" } } },
    { pointer: "/spec/pod/labels", value: { a: "json" } },
    { pointer: "/metadata/labels", value: { c: "json" } },
    // Not managedFields: an empty list begins tracking anew for typed kinds, as here, and says nothing for a CRD.
  ],
  // Not through /scale: kube-apiserver notes an Update that owns the replicas twice under one identity after it.
  verbs: ["apply", "put", "merge", "json", "reset"],
};
