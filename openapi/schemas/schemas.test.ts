import assert from "node:assert/strict";
import { test } from "node:test";
import { isRef, ref, resolve, type Schema, type SchemaOrRef } from "../schema.ts";
import { computeSchemas, loadSchemas } from "./index.ts";

const schemas = loadSchemas();
const ours = new Map(computeSchemas);
const component = (type: string) => `io.functionmesh.compute.v1alpha1.${type}`;

/** @param path  e.g. `spec.java.jar`, `spec.functions[].name`, `status.conditions{}` */
function at(type: string, path: string): SchemaOrRef {
  let schema: SchemaOrRef = ref(component(type));
  for (const step of path.replaceAll("[]", ".[]").replaceAll("{}", ".{}").split(".")) {
    const target: Schema = resolve(schemas, schema);
    const { additionalProperties, items, properties } = target;
    const next =
      step === "[]"
        ? items
        : step === "{}" && typeof additionalProperties === "object"
          ? additionalProperties
          : properties?.[step];
    assert.ok(next, `${type} has no ${path}`);
    schema = next;
  }
  return schema;
}

function resolvedAt(type: string, path: string): Schema {
  return resolve(schemas, at(type, path));
}

type Visit = (path: string, schema: SchemaOrRef) => void;

function walk(schema: SchemaOrRef, path: string, visit: Visit): void {
  visit(path, schema);
  if (isRef(schema)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) walk(property, `${path}.${name}`, visit);
  if (schema.items !== undefined) walk(schema.items, `${path}[]`, visit);
  if (typeof schema.additionalProperties === "object") walk(schema.additionalProperties, `${path}{}`, visit);
}

test("every reference leads somewhere", () => {
  for (const [name, schema] of schemas) walk(schema, name, (_, node) => resolve(schemas, node));
});

// API O-42
test("every type is described, and every property, by itself or by the type it refers to", () => {
  for (const [name, schema] of schemas) {
    assert.ok(schema.description, name);
    walk(schema, name, (path, node) => {
      if (isRef(node)) return;
      for (const [property, schema] of Object.entries(node.properties ?? {})) {
        assert.ok(schema.description ?? resolve(schemas, schema).description, `${path}.${property}`);
      }
    });
  }
});

test("our descriptions are sentences", () => {
  for (const [name, schema] of ours) {
    walk(schema, name, (path, { description }) => {
      if (description !== undefined) assert.match(description, /^[A-Za-z[/].*[.]$/, path);
    });
  }
});

// API O-44
test("every list of ours says how apply merges it, and its keys exist", () => {
  for (const [name, schema] of ours) {
    walk(schema, name, (path, node) => {
      if (isRef(node) || node.type !== "array" || /List\.items$/.test(path)) return;
      assert.ok(node["x-kubernetes-list-type"], path);
      assert.ok(node.items, path);
      const entry = resolve(schemas, node.items);
      for (const key of node["x-kubernetes-list-map-keys"] ?? []) assert.ok(entry.properties?.[key], `${path}: ${key}`);
    });
  }
});

const common = `className cleanupImage clusterName downloaderImage filebeatImage genericRuntime golang image
  imageHasGet imageHasPulsarctl imagePullPolicy java logTopic logTopicAgent maxReplicas minReplicas name namespace pod
  processingGuarantee pulsar pulsarPackageService python replicas resources runtimeFlags secretsMap
  showPreciseParallelism statefulConfig tenant volumeMounts`;
const consuming = `autoAck cleanupSubscription deadLetterTopic input maxMessageRetry retainKeyOrdering retainOrdering
  subscriptionName subscriptionPosition timeout`;

/** Members as FM 1.4 to 1.9 list them, with ours. */
const memberCases: Record<string, [type: string, path: string, members: string]> = {
  "a Function's spec": [
    "Function",
    "spec",
    `${common} ${consuming} output funcConfig sourceConfig sinkConfig forwardSourceMessageProperty
      maxPendingAsyncRequests skipToLatest windowConfig volumeClaimTemplates persistentVolumeClaimRetentionPolicy`,
  ],
  "a Source's spec": [
    "Source",
    "spec",
    `${common} sourceType sourceConfig batchSourceConfig output forwardSourceMessageProperty`,
  ],
  "a Sink's spec": ["Sink", "spec", `${common} ${consuming} sinkType sinkConfig negativeAckRedeliveryDelayMs`],
  "a FunctionMesh's spec": ["FunctionMesh", "spec", "functions sources sinks"],
  "a BackendConfig's spec": ["BackendConfig", "spec", "name env pod autoUpdate"],
  "the status of a workload": [
    "Sink",
    "status",
    `conditions phase reason message replicas readyReplicas updatedReplicas availableReplicas backendConfigs selector observedGeneration globalBackendConfigRevision
      namespacedBackendConfigRevision pendingChange pendingDiff`,
  ],
  "the status of a mesh": [
    "FunctionMesh",
    "status",
    "functionConditions sourceConditions sinkConditions condition phase reason message observedGeneration",
  ],
  "the status of a BackendConfig": ["BackendConfig", "status", ""],
  "one condition": ["Function", "status.conditions{}", "condition status action reason message lastTransitionTime"],
  "a pod policy": [
    "Function",
    "spec.pod",
    `labels nodeSelector affinity tolerations annotations securityContext terminationGracePeriodSeconds volumes
      imagePullSecrets initContainers sidecars serviceAccountName builtinAutoscaler autoScalingMetrics
      autoScalingBehavior vpa env liveness startupProbe disableDefaultAffinity`,
  ],
  "a liveness probe": [
    "Function",
    "spec.pod.liveness",
    "periodSeconds initialDelaySeconds successThreshold failureThreshold",
  ],
  "a container policy": [
    "Function",
    "spec.pod.vpa.resourcePolicy.containerPolicies[]",
    "containerName mode minAllowed maxAllowed controlledResources controlledValues",
  ],
  "an update policy": ["Function", "spec.pod.vpa.updatePolicy", "updateMode minReplicas"],
  "an input": [
    "Function",
    "spec.input",
    "typeClassName topics topicPattern customSerdeSources customSchemaSources sourceSpecs",
  ],
  "a consumer": [
    "Function",
    "spec.input.sourceSpecs{}",
    "schemaType serdeClassname isRegexPattern schemaProperties consumerProperties receiverQueueSize cryptoConfig",
  ],
  "an output": [
    "Function",
    "spec.output",
    "typeClassName topic sinkSerdeClassName sinkSchemaType producerConf customSchemaSinks",
  ],
  "a producer": [
    "Function",
    "spec.output.producerConf",
    `maxPendingMessages maxPendingMessagesAcrossPartitions useThreadLocalProducers cryptoConfig batchBuilder
      compressionType`,
  ],
  encryption: [
    "Function",
    "spec.output.producerConf.cryptoConfig",
    `cryptoKeyReaderClassName cryptoKeyReaderConfig encryptionKeys producerCryptoFailureAction
      consumerCryptoFailureAction cryptoSecrets`,
  ],
  "a window": [
    "Function",
    "spec.windowConfig",
    `actualWindowFunctionClassName windowLengthCount windowLengthDurationMs slidingIntervalCount
      slidingIntervalDurationMs lateDataTopic maxLagMs watermarkEmitIntervalMs timestampExtractorClassName
      processingGuarantees`,
  ],
  "a function's source": [
    "Function",
    "spec.sourceConfig",
    "sourceType batchSourceConfig className typeClassName configs",
  ],
  "a function's sink": ["Function", "spec.sinkConfig", "sinkType className typeClassName configs"],
  "a connection": [
    "Function",
    "spec.pulsar",
    "pulsarConfig authSecret tlsSecret tlsConfig authConfig cleanupAuthConfig",
  ],
  tls: ["Function", "spec.pulsar.tlsConfig", "enabled allowInsecure hostnameVerification certSecretName certSecretKey"],
  oauth2: ["Function", "spec.pulsar.authConfig.oauth2Config", "audience issuerUrl scope keySecretName keySecretKey"],
  java: ["Function", "spec.java", "jar jarLocation extraDependenciesDir log javaOpts instancePath entryClass"],
  python: ["Function", "spec.python", "py pyLocation log"],
  go: ["Function", "spec.golang", "go goLocation log"],
  "the generic runtime": ["Function", "spec.genericRuntime", "functionFile language functionFileLocation"],
  "a log": ["Function", "spec.java.log", "level rotatePolicy format logConfig javaLog4JConfigFileType"],
};
for (const [name, [type, path, members]] of Object.entries(memberCases)) {
  test(`members of ${name}`, () => {
    const expected = members.split(/\s+/).filter((member) => member !== "");
    assert.deepEqual(Object.keys(resolvedAt(type, path).properties ?? {}).sort(), expected.sort());
  });
}

// API O-54
test("bounds and defaults are those of the CRDs", () => {
  const { description: _, ...replicas } = resolvedAt("Function", "spec.replicas");
  assert.deepEqual(replicas, { type: "integer", format: "int32", minimum: 0 });
  for (const path of ["functions[]", "sources[]", "sinks[]"]) {
    const { default: value, minimum } = resolvedAt("FunctionMesh", `spec.${path}.minReplicas`);
    assert.deepEqual([value, minimum], [1, 0]);
  }
  assert.equal(resolvedAt("Function", "spec.maxReplicas").minimum, undefined);
});

test("nothing but minReplicas has a default of its own", () => {
  const defaults = new Set<string>();
  for (const [name, schema] of ours) {
    walk(schema, name, (path, node) => {
      if (node.default !== undefined) defaults.add(path.slice(path.lastIndexOf(".") + 1));
    });
  }
  assert.deepEqual([...defaults], ["minReplicas"]);
});

/** Required in a mesh; a Function, Source or Sink is accepted without (FM 1.2). */
const neutralised: Record<string, string[]> = {
  java: ["jar"],
  python: ["py"],
  golang: ["go"],
  genericRuntime: ["functionFile", "language"],
  "java.log.logConfig": ["name", "key"],
  "pulsar.authConfig.oauth2Config": ["audience", "issuerUrl", "keySecretName", "keySecretKey"],
  "pulsar.authConfig.genericAuth": ["clientAuthenticationPlugin", "clientAuthenticationParameters"],
  "statefulConfig.pulsar": ["serviceUrl"],
  "statefulConfig.pulsar.javaProvider": ["className"],
  "output.producerConf.cryptoConfig.cryptoSecrets[]": ["secretName", "secretKey"],
  windowConfig: ["actualWindowFunctionClassName"],
  "sourceConfig.batchSourceConfig": ["discoveryTriggererClassName"],
};
for (const [path, required] of Object.entries(neutralised)) {
  test(`${path}: required in a mesh only`, () => {
    assert.deepEqual(resolvedAt("FunctionMesh", `spec.functions[].${path}`).required, required);
    assert.equal(resolvedAt("Function", `spec.${path}`).required, undefined);
  });
}

test("a standalone kind and the component of a mesh differ in nothing but what is required", () => {
  const strip = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (key, member) => (key === "required" ? undefined : member));
  for (const [kind, list] of [
    ["Function", "functions"],
    ["Source", "sources"],
    ["Sink", "sinks"],
  ] as const) {
    assert.deepEqual(at(kind, "spec"), strip(resolvedAt("FunctionMesh", `spec.${list}[]`)));
  }
});

test("the status of a workload requires what the CRDs require", () => {
  for (const kind of ["Function", "Source", "Sink"]) {
    assert.deepEqual(resolvedAt(kind, "status").required, ["conditions", "replicas", "selector"]);
  }
  assert.equal(resolvedAt("FunctionMesh", "status").required, undefined);
});

test("free-form areas are those of FM 1.2, and only they", () => {
  const areas = (type: string) => {
    const found: string[] = [];
    walk(resolvedAt(type, "spec"), "", (path, node) => {
      if (!isRef(node) && node["x-kubernetes-preserve-unknown-fields"]) found.push(path.slice(1));
    });
    return found.sort();
  };
  assert.deepEqual(areas("Function"), [
    "funcConfig",
    "sinkConfig.configs",
    "sourceConfig.batchSourceConfig.discoveryTriggererConfig",
    "sourceConfig.configs",
  ]);
  assert.deepEqual(areas("Source"), ["batchSourceConfig.discoveryTriggererConfig", "sourceConfig"]);
  assert.deepEqual(areas("Sink"), ["sinkConfig"]);
  assert.deepEqual(areas("BackendConfig"), []);
});

test("every kind but FunctionMesh keeps unknown members beside its spec", () => {
  const keepers = [...ours]
    .filter(([, schema]) => schema["x-kubernetes-preserve-unknown-fields"])
    .map(([name]) => name);
  assert.deepEqual(keepers.sort(), ["BackendConfig", "Function", "Sink", "Source"].map(component));
});

test("the configuration of a state provider is closed and empty", () => {
  const { properties, additionalProperties } = resolvedAt("Function", "spec.statefulConfig.pulsar.javaProvider.config");
  assert.deepEqual([properties, additionalProperties], [{}, undefined]);
});

test("each kind has a list of its own", () => {
  for (const kind of ["Function", "Source", "Sink", "FunctionMesh", "BackendConfig"]) {
    assert.deepEqual(at(`${kind}List`, "items[]"), ref(component(kind)));
    assert.deepEqual(ours.get(component(`${kind}List`))?.["x-kubernetes-group-version-kind"], [
      { group: "compute.functionmesh.io", version: "v1alpha1", kind: `${kind}List` },
    ]);
  }
});
