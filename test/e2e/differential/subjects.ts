/** The kinds that both servers serve, and what random writes say of each. */
import fc from "fast-check";
import { apiVersion } from "../../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import type { Subject, Verb } from "./steps.ts";

const letter = fc.constantFrom("a", "b", "c");
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });
const texts = fc.dictionary(letter, letter, { maxKeys: 3 });
/** Typed kinds drop an empty map when they are stored; here it stays as it was sent. */
const someTexts = fc.dictionary(letter, letter, { minKeys: 1, maxKeys: 3 });

type Parts = { readonly [name: string]: fc.Arbitrary<JsonValue | undefined> };

/** Any of the members, and at times none. */
const record = (parts: Parts): fc.Arbitrary<JsonObject> =>
  fc
    .record(parts)
    .map((object) => Object.fromEntries(Object.entries(object).flatMap(([name, value]) => entry(name, value))));
const entry = (name: string, value: JsonValue | undefined): (readonly [string, JsonValue])[] =>
  value === undefined ? [] : [[name, value]];

/** Objects by one key, in any order. */
const keyed = (key: string, keys: readonly (string | number)[], parts: Parts): fc.Arbitrary<JsonObject[]> =>
  fc
    .subarray([...keys], { minLength: 1 })
    .chain((chosen) =>
      fc.tuple(...chosen.map((value) => record(parts).map((rest): JsonObject => ({ [key]: value, ...rest })))),
    );

const metadata = record({
  labels: maybe(texts),
  annotations: maybe(texts),
  finalizers: seldom(fc.subarray(["example.org/a", "example.org/b", "example.org/c"])),
});
const everyVerb: readonly Verb[] = ["apply", "put", "merge", "strategic", "json", "create", "reset", "delete"];
const labelPointer = { pointer: "/metadata/labels", value: { c: "json" } };

const configMaps: Subject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  base: { data: { base: "1" } },
  parts: record({
    metadata: maybe(metadata),
    data: maybe(someTexts),
    binaryData: seldom(fc.constant({ d: "AA==" })),
    undeclared: seldom(fc.constantFrom("a", undefined)),
  }),
  scalable: false,
  pointers: [
    { pointer: "/data/a", value: "json" },
    { pointer: "/data", value: { b: "json" } },
    { pointer: "/metadata/managedFields", value: [] },
    labelPointer,
  ],
  verbs: everyVerb,
};

const secrets: Subject = {
  apiVersion: "v1",
  kind: "Secret",
  resource: "secrets",
  base: { type: "Opaque", data: { base: "AA==" } },
  parts: record({
    metadata: maybe(metadata),
    data: maybe(fc.dictionary(letter, fc.constantFrom("AA==", "AQ=="), { minKeys: 1, maxKeys: 3 })),
    stringData: seldom(someTexts),
    type: seldom(fc.constantFrom("Opaque", "example.org/other")),
  }),
  scalable: false,
  pointers: [{ pointer: "/data/a", value: "Ag==" }, { pointer: "/stringData", value: { b: "json" } }, labelPointer],
  verbs: everyVerb,
};

const time = "2026-01-01T00:00:00Z";
const conditions = keyed("type", ["A", "B", "C"], {
  status: fc.constantFrom("True", "False"),
  reason: fc.constantFrom("One", "Two"),
  message: fc.constant("said"),
  lastTransitionTime: fc.constant(time),
});

const services: Subject = {
  apiVersion: "v1",
  kind: "Service",
  resource: "services",
  base: { spec: { clusterIP: "None", selector: { base: "1" }, ports: [{ name: "base", port: 79 }] } },
  parts: record({
    metadata: maybe(metadata),
    spec: maybe(
      record({
        selector: maybe(someTexts),
        sessionAffinity: seldom(fc.constantFrom("None", "ClientIP")),
        publishNotReadyAddresses: seldom(fc.boolean()),
        ports: maybe(
          keyed("port", [80, 81, 82], {
            name: letter,
            protocol: seldom(fc.constantFrom("TCP", "UDP")),
            targetPort: seldom(fc.constantFrom<JsonValue>(8080, "http")),
          }),
        ),
      }),
    ),
  }),
  statusParts: record({ status: record({ conditions: maybe(conditions) }) }),
  scalable: false,
  pointers: [
    { pointer: "/spec/selector", value: { a: "json" } },
    { pointer: "/spec/ports/0/name", value: "json" },
    { pointer: "/spec/ports/-", value: { name: "added", port: 83 } },
    labelPointer,
  ],
  verbs: everyVerb,
};

const variables = keyed("name", ["A", "B", "C"], { value: maybe(letter) });
const containers = keyed("name", ["a", "b", "c"], {
  image: fc.constantFrom("example.org/a", "example.org/b:1"),
  env: maybe(variables),
  args: seldom(fc.array(letter, { minLength: 1, maxLength: 2 })),
  imagePullPolicy: seldom(fc.constantFrom("Always", "IfNotPresent")),
  ports: seldom(keyed("containerPort", [80, 81], { protocol: seldom(fc.constantFrom("TCP", "UDP")) })),
  resources: seldom(fc.constantFrom({ limits: { cpu: "1", memory: "1Gi" } }, { requests: { cpu: "1000m" } })),
});
const volumes = keyed("name", ["a", "b"], { emptyDir: fc.constantFrom<JsonValue>({}, { medium: "Memory" }) });

const statefulSets: Subject = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  resource: "statefulsets",
  base: {
    spec: {
      serviceName: "service",
      selector: { matchLabels: { app: "base" } },
      template: {
        metadata: { labels: { app: "base" } },
        spec: { containers: [{ name: "base", image: "example.org/base:1" }] },
      },
    },
  },
  parts: record({
    metadata: maybe(metadata),
    spec: maybe(
      record({
        replicas: maybe(fc.integer({ min: 0, max: 3 })),
        minReadySeconds: seldom(fc.integer({ min: 0, max: 2 })),
        template: maybe(
          record({
            metadata: maybe(record({ annotations: maybe(someTexts), labels: fc.constant({ app: "base" }) })),
            spec: maybe(
              record({
                containers: maybe(containers),
                volumes: maybe(volumes),
                nodeSelector: maybe(someTexts),
                terminationGracePeriodSeconds: seldom(fc.integer({ min: 0, max: 60 })),
              }),
            ),
          }),
        ),
      }),
    ),
  }),
  statusParts: record({
    status: record({
      replicas: fc.integer({ min: 1, max: 3 }),
      // Never none: there a number that may be left out is, when it is none; schemas don't tell which.
      readyReplicas: maybe(fc.integer({ min: 1, max: 3 })),
      observedGeneration: maybe(fc.integer({ min: 1, max: 3 })),
      conditions: maybe(conditions),
    }),
  }),
  scalable: true,
  pointers: [
    { pointer: "/spec/replicas", value: 2 },
    { pointer: "/spec/template/spec/nodeSelector", value: { a: "json" } },
    { pointer: "/spec/template/spec/containers/0/image", value: "example.org/json" },
    labelPointer,
  ],
  verbs: everyVerb,
};

const mounts = fc.uniqueArray(
  record({ mountPath: letter.map((name) => `/${name}`), name: letter, readOnly: maybe(fc.boolean()) }),
  { selector: ({ mountPath }) => mountPath, maxLength: 3 },
);
const pod = record({
  labels: maybe(texts),
  env: maybe(fc.array(record({ name: letter, value: letter }), { maxLength: 2 })),
  nodeSelector: maybe(texts),
});
const tolerations = fc.array(record({ key: letter, operator: fc.constant("Exists") }), { maxLength: 2 });
const limits = { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "200m", memory: "512Mi" } };
const freeForm = fc.dictionary(letter, fc.oneof(letter, fc.integer(), fc.array(letter), texts), { maxKeys: 3 });

/** Everything that has a default is there: a CRD doesn't know our defaults. */
const workload = {
  name: "component",
  className: "org.example.WordCount",
  image: "example.org/wordcount:1.0",
  replicas: 1,
  minReplicas: 1,
  maxReplicas: 5,
  processingGuarantee: "atleast_once",
  clusterName: "kubernetes",
  tenant: "public",
  namespace: "default",
  pulsar: { pulsarConfig: "pulsar" },
  java: { jar: "/pulsar/wordcount.jar" },
  resources: limits,
  pod: { volumes: ["a", "b", "c"].map((name) => ({ name, emptyDir: {} })) },
};
const input = { topics: ["persistent://public/default/sentences"], typeClassName: "[B" };
const output = { topic: "persistent://public/default/counts", typeClassName: "[B" };

const producerConf = {
  maxPendingMessages: 1000,
  maxPendingMessagesAcrossPartitions: 1000,
  useThreadLocalProducers: true,
};

/** Fields that neither have defaults nor depend on each other, of every sort that apply knows. */
const workloadParts = {
  undeclared: seldom(fc.constantFrom("a", undefined)),
  showPreciseParallelism: maybe(fc.boolean()),
  volumeMounts: maybe(mounts),
  // No pod of ours has claims that a container could name, so any is refused here and not there.
  resources: maybe(fc.constant<JsonObject>({ claims: [] })),
  pod: maybe(pod),
};
const workloadStatus = record({
  status: record({
    replicas: fc.integer({ min: 0, max: 3 }),
    selector: letter,
    conditions: fc.dictionary(letter, record({ condition: letter, status: maybe(letter) }), { maxKeys: 2 }),
    phase: maybe(letter),
  }),
});

function ours(kind: string, resource: string, rest: Pick<Subject, "base" | "parts"> & Partial<Subject>): Subject {
  return {
    apiVersion,
    kind,
    resource,
    scalable: false,
    pointers: [
      { pointer: "/spec/pod/labels", value: { a: "json" } },
      labelPointer,
      // Not managedFields: an empty list begins tracking anew for typed kinds, as here, and says nothing for a CRD.
    ],
    // A CRD knows no strategic merge patch.
    verbs: everyVerb.filter((verb) => verb !== "strategic"),
    ...rest,
  };
}

const functionSpec = {
  ...workload,
  autoAck: true,
  maxPendingAsyncRequests: 1000,
  forwardSourceMessageProperty: true,
  input,
  output,
};

const functions = ours("Function", "functions", {
  scalable: true,
  base: { spec: functionSpec },
  parts: record({
    metadata: maybe(metadata),
    spec: maybe(
      record({
        ...workloadParts,
        subscriptionName: maybe(letter),
        timeout: maybe(
          fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: letter }),
        ),
        funcConfig: maybe(freeForm),
      }),
    ),
  }),
  statusParts: workloadStatus,
});

const sources = ours("Source", "sources", {
  scalable: true,
  base: {
    spec: {
      ...workload,
      sourceConfig: { base: 1 },
      output: { ...output, producerConf },
      forwardSourceMessageProperty: true,
    },
  },
  parts: record({
    metadata: maybe(metadata),
    spec: maybe(record({ ...workloadParts, sourceConfig: maybe(freeForm) })),
  }),
  statusParts: workloadStatus,
});

const sinks = ours("Sink", "sinks", {
  scalable: true,
  base: { spec: { ...workload, sinkConfig: { base: 1 }, input, autoAck: true } },
  parts: record({ metadata: maybe(metadata), spec: maybe(record({ ...workloadParts, sinkConfig: maybe(freeForm) })) }),
  statusParts: workloadStatus,
});

const backendConfigs = ours("BackendConfig", "backendconfigs", {
  base: { spec: { env: { base: "1" } } },
  parts: record({
    metadata: maybe(metadata),
    spec: maybe(
      record({
        env: maybe(texts),
        autoUpdate: maybe(fc.boolean()),
        pod: maybe(record({ labels: maybe(texts), nodeSelector: maybe(texts), tolerations: maybe(tolerations) })),
      }),
    ),
  }),
});

/** Whole in every step: who leaves out what is required of an item has nothing to do with apply. */
const members = keyed("name", ["a", "b", "c"], {
  logTopic: maybe(letter.map((name) => `persistent://public/default/${name}`)),
  volumeMounts: maybe(mounts),
  funcConfig: maybe(freeForm),
  pod: maybe(pod.map((policy) => ({ ...workload.pod, ...policy }))),
}).map((items) => items.map((item) => ({ ...functionSpec, ...item })));
const meshCondition = record({ condition: letter, status: maybe(letter) });

const functionMeshes = ours("FunctionMesh", "functionmeshes", {
  base: { spec: { functions: [{ ...functionSpec, name: "base" }] } },
  parts: record({ metadata: maybe(metadata), spec: maybe(record({ functions: maybe(members) })) }),
  statusParts: record({
    status: record({
      functionConditions: maybe(fc.dictionary(letter, meshCondition, { minKeys: 1, maxKeys: 2 })),
      condition: maybe(meshCondition),
    }),
  }),
  pointers: [
    { pointer: "/spec/functions/0/logTopic", value: "persistent://public/default/json" },
    { pointer: "/spec/functions/1", value: { ...functionSpec, name: "json" } },
    labelPointer,
  ],
});

export const subjects: readonly Subject[] = [
  configMaps,
  secrets,
  services,
  statefulSets,
  functions,
  sources,
  sinks,
  functionMeshes,
  backendConfigs,
];
export const isOurs = (subject: Subject): boolean => subject.apiVersion === apiVersion;

export const collectionOf = ({ apiVersion: version, resource }: Subject, namespace: string): string =>
  `${version.includes("/") ? `/apis/${version}` : `/api/${version}`}/namespaces/${namespace}/${resource}`;
