import assert from "node:assert/strict";
import { test } from "node:test";
import { ref, resolve, type Schema, type SchemaOrRef } from "../../../../openapi/schema.ts";
import { loadSchemas } from "../../../../openapi/schemas/index.ts";
import { computeResources } from "../../../registry/compute/resources.ts";
import type { BackendConfigSpec } from "./backend-config.ts";
import type { PersistentVolumeClaimRetentionPolicy, ResourceRequirements } from "./core-types.ts";
import type { FunctionSpec, SinkConnectorSpec, SourceConnectorSpec, WindowConfig } from "./function.ts";
import type { FunctionMeshSpec, FunctionMeshStatus } from "./function-mesh.ts";
import type {
  AuthConfig,
  ConsumerConfig,
  CryptoConfig,
  CryptoSecret,
  GenericAuth,
  InputConf,
  OAuth2Config,
  OutputConf,
  ProducerConfig,
  PulsarMessaging,
  PulsarTlsConfig,
} from "./messaging.ts";
import type { Liveness, PodPolicy, VpaContainerPolicy, VpaSpec } from "./pod-policy.ts";
import type { GenericRuntime, GoRuntime, JavaRuntime, PythonRuntime, RuntimeLogConfig } from "./runtimes.ts";
import type { SinkSpec } from "./sink.ts";
import type { SourceSpec } from "./source.ts";
import type {
  BatchSourceConfig,
  ConsumerSpec,
  ResourceCondition,
  SecretRef,
  StatefulConfig,
  WorkloadSpec,
  WorkloadStatus,
} from "./workload.ts";

/**
 * The types and the schemas describe the same members. The compiler holds each table below to its type, both ways and
 * with the sort of value each member has; the tests hold it to the schema.
 */
type Sort<T> = T extends string
  ? "string"
  : T extends number
    ? "integer"
    : T extends boolean
      ? "boolean"
      : T extends readonly unknown[]
        ? "array"
        : "object";
type Members<T> = { readonly [K in keyof Required<T>]: Sort<NonNullable<T[K]>> };

const workload: Members<WorkloadSpec> = {
  name: "string",
  className: "string",
  tenant: "string",
  namespace: "string",
  clusterName: "string",
  replicas: "integer",
  minReplicas: "integer",
  maxReplicas: "integer",
  showPreciseParallelism: "boolean",
  image: "string",
  imagePullPolicy: "string",
  imageHasPulsarctl: "boolean",
  imageHasGet: "boolean",
  downloaderImage: "string",
  cleanupImage: "string",
  filebeatImage: "string",
  logTopic: "string",
  logTopicAgent: "string",
  processingGuarantee: "string",
  runtimeFlags: "string",
  resources: "object",
  secretsMap: "object",
  volumeMounts: "array",
  pod: "object",
  pulsar: "object",
  pulsarPackageService: "object",
  java: "object",
  python: "object",
  golang: "object",
  genericRuntime: "object",
  statefulConfig: "object",
};
const consumer: Members<ConsumerSpec> = {
  timeout: "integer",
  autoAck: "boolean",
  maxMessageRetry: "integer",
  retainOrdering: "boolean",
  retainKeyOrdering: "boolean",
  deadLetterTopic: "string",
  subscriptionName: "string",
  cleanupSubscription: "boolean",
  subscriptionPosition: "string",
};
const functionSpec: Members<FunctionSpec> = {
  ...workload,
  ...consumer,
  input: "object",
  output: "object",
  funcConfig: "object",
  sourceConfig: "object",
  sinkConfig: "object",
  forwardSourceMessageProperty: "boolean",
  maxPendingAsyncRequests: "integer",
  skipToLatest: "boolean",
  windowConfig: "object",
  volumeClaimTemplates: "array",
  persistentVolumeClaimRetentionPolicy: "object",
};
const sourceSpec: Members<SourceSpec> = {
  ...workload,
  sourceType: "string",
  sourceConfig: "object",
  batchSourceConfig: "object",
  output: "object",
  forwardSourceMessageProperty: "boolean",
};
const sinkSpec: Members<SinkSpec> = {
  ...workload,
  ...consumer,
  sinkType: "string",
  sinkConfig: "object",
  input: "object",
  negativeAckRedeliveryDelayMs: "integer",
};
const functionMeshSpec: Members<FunctionMeshSpec> = { functions: "array", sources: "array", sinks: "array" };
const backendConfigSpec: Members<BackendConfigSpec> = {
  name: "string",
  env: "object",
  pod: "object",
  autoUpdate: "boolean",
};
const windowConfig: Members<WindowConfig> = {
  actualWindowFunctionClassName: "string",
  windowLengthCount: "integer",
  windowLengthDurationMs: "integer",
  slidingIntervalCount: "integer",
  slidingIntervalDurationMs: "integer",
  lateDataTopic: "string",
  maxLagMs: "integer",
  watermarkEmitIntervalMs: "integer",
  timestampExtractorClassName: "string",
  processingGuarantees: "string",
};
const sourceConnector: Members<SourceConnectorSpec> = {
  sourceType: "string",
  batchSourceConfig: "object",
  className: "string",
  typeClassName: "string",
  configs: "object",
};
const sinkConnector: Members<SinkConnectorSpec> = {
  sinkType: "string",
  className: "string",
  typeClassName: "string",
  configs: "object",
};
const batchSource: Members<BatchSourceConfig> = {
  discoveryTriggererClassName: "string",
  discoveryTriggererConfig: "object",
};
const retention: Members<PersistentVolumeClaimRetentionPolicy> = { whenDeleted: "string", whenScaled: "string" };
const resources: Members<ResourceRequirements> = { limits: "object", requests: "object", claims: "array" };
const secretRef: Members<SecretRef> = { path: "string", key: "string" };
const stateful: Members<StatefulConfig> = { pulsar: "object" };
const workloadStatus: Members<WorkloadStatus> = {
  conditions: "object",
  replicas: "integer",
  selector: "string",
  phase: "string",
  reason: "string",
  message: "string",
  readyReplicas: "integer",
  updatedReplicas: "integer",
  availableReplicas: "integer",
  backendConfigs: "array",
  observedGeneration: "integer",
  globalBackendConfigRevision: "string",
  namespacedBackendConfigRevision: "string",
  pendingChange: "string",
};
const meshStatus: Members<FunctionMeshStatus> = {
  functionConditions: "object",
  sourceConditions: "object",
  sinkConditions: "object",
  condition: "object",
  phase: "string",
  reason: "string",
  message: "string",
  observedGeneration: "integer",
};
const condition: Members<ResourceCondition> = {
  condition: "string",
  status: "string",
  action: "string",
  reason: "string",
  message: "string",
  lastTransitionTime: "string",
};
const input: Members<InputConf> = {
  typeClassName: "string",
  topics: "array",
  topicPattern: "string",
  customSerdeSources: "object",
  customSchemaSources: "object",
  sourceSpecs: "object",
};
const consumerConfig: Members<ConsumerConfig> = {
  schemaType: "string",
  serdeClassname: "string",
  isRegexPattern: "boolean",
  schemaProperties: "object",
  consumerProperties: "object",
  receiverQueueSize: "integer",
  cryptoConfig: "object",
};
const output: Members<OutputConf> = {
  typeClassName: "string",
  topic: "string",
  sinkSerdeClassName: "string",
  sinkSchemaType: "string",
  producerConf: "object",
  customSchemaSinks: "object",
};
const producer: Members<ProducerConfig> = {
  maxPendingMessages: "integer",
  maxPendingMessagesAcrossPartitions: "integer",
  useThreadLocalProducers: "boolean",
  cryptoConfig: "object",
  batchBuilder: "string",
  compressionType: "string",
};
const crypto: Members<CryptoConfig> = {
  cryptoKeyReaderClassName: "string",
  cryptoKeyReaderConfig: "object",
  encryptionKeys: "array",
  producerCryptoFailureAction: "string",
  consumerCryptoFailureAction: "string",
  cryptoSecrets: "array",
};
const cryptoSecret: Members<CryptoSecret> = { secretName: "string", secretKey: "string", asVolume: "string" };
const messaging: Members<PulsarMessaging> = {
  pulsarConfig: "string",
  authSecret: "string",
  tlsSecret: "string",
  tlsConfig: "object",
  authConfig: "object",
  cleanupAuthConfig: "object",
};
const tls: Members<PulsarTlsConfig> = {
  enabled: "boolean",
  allowInsecure: "boolean",
  hostnameVerification: "boolean",
  certSecretName: "string",
  certSecretKey: "string",
};
const auth: Members<AuthConfig> = { oauth2Config: "object", genericAuth: "object" };
const oauth2: Members<OAuth2Config> = {
  audience: "string",
  issuerUrl: "string",
  scope: "string",
  keySecretName: "string",
  keySecretKey: "string",
};
const genericAuth: Members<GenericAuth> = {
  clientAuthenticationPlugin: "string",
  clientAuthenticationParameters: "string",
};
const java: Members<JavaRuntime> = {
  jar: "string",
  jarLocation: "string",
  extraDependenciesDir: "string",
  log: "object",
  javaOpts: "array",
  instancePath: "string",
  entryClass: "string",
};
const python: Members<PythonRuntime> = { py: "string", pyLocation: "string", log: "object" };
const golang: Members<GoRuntime> = { go: "string", goLocation: "string", log: "object" };
const generic: Members<GenericRuntime> = { functionFile: "string", language: "string", functionFileLocation: "string" };
const log: Members<RuntimeLogConfig> = {
  level: "string",
  rotatePolicy: "string",
  format: "string",
  logConfig: "object",
  javaLog4JConfigFileType: "string",
};
const pod: Members<PodPolicy> = {
  labels: "object",
  annotations: "object",
  nodeSelector: "object",
  affinity: "object",
  tolerations: "array",
  securityContext: "object",
  terminationGracePeriodSeconds: "integer",
  volumes: "array",
  imagePullSecrets: "array",
  initContainers: "array",
  sidecars: "array",
  serviceAccountName: "string",
  builtinAutoscaler: "array",
  autoScalingMetrics: "array",
  autoScalingBehavior: "object",
  vpa: "object",
  env: "array",
  liveness: "object",
  startupProbe: "object",
  disableDefaultAffinity: "boolean",
};
const liveness: Members<Liveness> = {
  periodSeconds: "integer",
  initialDelaySeconds: "integer",
  successThreshold: "integer",
  failureThreshold: "integer",
};
const vpa: Members<VpaSpec> = { updatePolicy: "object", resourcePolicy: "object" };
const containerPolicy: Members<VpaContainerPolicy> = {
  containerName: "string",
  mode: "string",
  minAllowed: "object",
  maxAllowed: "object",
  controlledResources: "array",
  controlledValues: "string",
};

/** Where in the schemas each type is, `{}` for the values of a map and `[]` for the entries of a list. */
const places: Record<string, { readonly [member: string]: string }> = {
  "Function.spec": functionSpec,
  "Source.spec": sourceSpec,
  "Sink.spec": sinkSpec,
  "FunctionMesh.spec": functionMeshSpec,
  "BackendConfig.spec": backendConfigSpec,
  "Function.status": workloadStatus,
  "FunctionMesh.status": meshStatus,
  "Function.status.conditions.{}": condition,
  "Function.spec.windowConfig": windowConfig,
  "Function.spec.sourceConfig": sourceConnector,
  "Function.spec.sinkConfig": sinkConnector,
  "Source.spec.batchSourceConfig": batchSource,
  "Function.spec.persistentVolumeClaimRetentionPolicy": retention,
  "Function.spec.resources": resources,
  "Function.spec.secretsMap.{}": secretRef,
  "Function.spec.statefulConfig": stateful,
  "Function.spec.input": input,
  "Function.spec.input.sourceSpecs.{}": consumerConfig,
  "Function.spec.output": output,
  "Function.spec.output.producerConf": producer,
  "Function.spec.output.producerConf.cryptoConfig": crypto,
  "Function.spec.output.producerConf.cryptoConfig.cryptoSecrets.[]": cryptoSecret,
  "Function.spec.pulsar": messaging,
  "Function.spec.pulsar.tlsConfig": tls,
  "Function.spec.pulsar.authConfig": auth,
  "Function.spec.pulsar.authConfig.oauth2Config": oauth2,
  "Function.spec.pulsar.authConfig.genericAuth": genericAuth,
  "Function.spec.java": java,
  "Function.spec.python": python,
  "Function.spec.golang": golang,
  "Function.spec.genericRuntime": generic,
  "Function.spec.java.log": log,
  "Function.spec.pod": pod,
  "Function.spec.pod.liveness": liveness,
  "Function.spec.pod.vpa": vpa,
  "Function.spec.pod.vpa.resourcePolicy.containerPolicies.[]": containerPolicy,
};

const schemas = loadSchemas();

function step(schema: SchemaOrRef, name: string): SchemaOrRef {
  const { additionalProperties, items, properties } = resolve(schemas, schema);
  const next = name === "[]" ? items : name === "{}" ? additionalProperties : properties?.[name];
  assert.ok(typeof next === "object", `the schema has no ${name}`);
  return next;
}

function schemaAt(place: string): Schema {
  const [kind, ...path] = place.split(".");
  return resolve(schemas, path.reduce(step, ref(`io.functionmesh.compute.v1alpha1.${kind}`)));
}

for (const [place, members] of Object.entries(places)) {
  test(`type and schema agree: ${place}`, () => {
    const properties = Object.entries(schemaAt(place).properties ?? {});
    const sorts = properties.map(([name, schema]) => [name, resolve(schemas, schema).type]);
    assert.deepEqual(Object.fromEntries(sorts), members);
  });
}

test("every kind has the schema it names", () => {
  for (const { group, version, kind, listKind, schemaName } of computeResources) {
    for (const [name, of] of [
      [schemaName, kind],
      [`${schemaName}List`, listKind],
    ] as const) {
      assert.deepEqual(schemas.get(name)?.["x-kubernetes-group-version-kind"], [{ group, version, kind: of }]);
    }
  }
});
