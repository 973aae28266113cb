/**
 * Wrong objects: for each the field that is told, the kind of mistake, and what would be right, which is accepted.
 * Families share a field and a right value; each of their wrong values is an object of its own.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { aMesh, aSpec, aWorkload, type WorkloadKind } from "../../../test/support/workloads.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldErrorType } from "../../errors/field-error.ts";
import { isObject } from "../../machinery/json.ts";
import { defaultWorkload } from "./defaults.ts";
import { validateBackendConfig, validateMesh, validateWorkload } from "./validation.ts";

type Family = {
  readonly kind?: WorkloadKind;
  /** Fields beside the wrong one that make it count. */
  readonly beside?: { readonly [field: string]: JsonValue | undefined };
  /** Dotted path below `spec` to put the value at; `[n]` makes a list. */
  readonly at: string;
  /** Path that is told, below `spec`; `at` unless given. */
  readonly told?: string;
  readonly type: FieldErrorType;
  readonly wrong: readonly JsonValue[];
  readonly right: JsonValue;
};

const required = "FieldValueRequired";
const invalid = "FieldValueInvalid";
const forbidden = "FieldValueForbidden";
const unsupported = "FieldValueNotSupported";
const notFound = "FieldValueNotFound";

const badImages = ["Upper/Case:1", "has space:1", "a:b:c", "a/b@sha256:12", "-dash:1", "a//b", "a:", "http://a/b"];
const badNames = ["Upper", "under_score", "a b", "-a", "a/b"];
const badTopics = [
  "a/b",
  "a/b/c/d",
  "persistent://a/b",
  "persistent://a b/c/d",
  "kafka://a/b/c",
  "://a",
  "persistent://",
];
const badLocations = ["/a.jar", "file:///a.jar", "ftp://a/b", "function://a/b", "function://a/b/c@1@2"];
const controls = ["a\0b", "\u0001", "a\u001b[0m", "\u007f", "\ud800"];
const container = (changes: JsonObject): JsonObject => ({ name: "s", image: "s:1", ...changes });
const go = { java: undefined, golang: { go: "/f" } };
const python = { java: undefined, python: { py: "/f.py" } };
const crypto = (changes: JsonObject): JsonObject => ({
  cryptoKeyReaderClassName: "R",
  encryptionKeys: ["k"],
  ...changes,
});

const oauth2 = {
  pulsar: {
    pulsarConfig: "pulsar",
    authConfig: { oauth2Config: { issuerUrl: "i", keySecretName: "s", keySecretKey: "k" } },
  },
};
const logConfig = { java: { jar: "/a.jar", log: { logConfig: { name: "log", key: "k" } } } };

const families: readonly Family[] = [
  // What runs.
  { at: "java.jar", type: required, wrong: [""], right: "/a.jar" },
  { at: "python.py", beside: { java: undefined }, type: required, wrong: [""], right: "/a.py" },
  { at: "golang.go", beside: { java: undefined }, type: required, wrong: [""], right: "/a" },
  { at: "className", type: required, wrong: [""], right: "a.B" },
  { at: "className", beside: python, type: required, wrong: [""], right: "a.B" },
  { at: "java.jarLocation", type: invalid, wrong: badLocations, right: "function://public/default/fn@v1" },
  { at: "python.pyLocation", beside: python, type: invalid, wrong: badLocations.slice(0, 2), right: "https://a/b.py" },
  { at: "golang.goLocation", beside: go, type: invalid, wrong: badLocations.slice(0, 2), right: "https://a/b" },
  { at: "python", type: forbidden, wrong: [{ py: "/a.py" }], right: null },
  { at: "statefulConfig", beside: go, type: forbidden, wrong: [{ pulsar: { serviceUrl: "bk://a" } }], right: null },
  { at: "statefulConfig.pulsar.serviceUrl", type: required, wrong: [""], right: "bk://a:4181" },
  // Images.
  { at: "image", type: invalid, wrong: badImages, right: "registry.example.org:5000/team/fn:1.0" },
  { at: "cleanupImage", type: invalid, wrong: badImages.slice(0, 3), right: "a" },
  { at: "downloaderImage", type: invalid, wrong: badImages.slice(0, 3), right: "a/b" },
  { at: "filebeatImage", type: invalid, wrong: badImages.slice(0, 3), right: `a@sha256:${"0".repeat(64)}` },
  { at: "imagePullPolicy", type: unsupported, wrong: ["Sometimes", "always", "-"], right: "Always" },
  // Numbers.
  { at: "replicas", type: invalid, wrong: [-1, -2_147_483_648], right: 0 },
  { at: "minReplicas", type: invalid, wrong: [0, -1], right: 1 },
  { at: "maxReplicas", beside: { replicas: 4 }, type: invalid, wrong: [3, 1], right: 4 },
  { at: "minReplicas", beside: { replicas: 2, maxReplicas: 9 }, type: invalid, wrong: [3], right: 2 },
  { at: "timeout", type: invalid, wrong: [-1], right: 1000 },
  { at: "timeout", beside: { processingGuarantee: "effectively_once" }, type: forbidden, wrong: [1], right: 0 },
  { at: "maxMessageRetry", beside: { processingGuarantee: "effectively_once" }, type: forbidden, wrong: [1], right: 0 },
  { at: "maxMessageRetry", beside: { deadLetterTopic: "dead" }, type: required, wrong: [0, -1], right: 3 },
  {
    at: "input.sourceSpecs.a.receiverQueueSize",
    told: "input.sourceSpecs[a].receiverQueueSize",
    type: invalid,
    wrong: [-1],
    right: 0,
  },
  { at: "resources.requests.memory", type: invalid, wrong: ["0", "-1Gi"], right: "1Gi" },
  { at: "resources.requests.cpu", type: invalid, wrong: ["-1"], right: "100m" },
  {
    at: "resources.requests.memory",
    beside: { resources: { limits: { memory: "1Gi" } } },
    type: invalid,
    wrong: ["2Gi"],
    right: "1Gi",
  },
  {
    at: "resources.requests.cpu",
    beside: { resources: { limits: { cpu: "1" } } },
    type: invalid,
    wrong: ["1001m"],
    right: "1",
  },
  { at: "resources.limits.gpu", told: "resources.limits[gpu]", type: invalid, wrong: [1], right: null },
  { at: "resources.requests.coffee", told: "resources.requests[coffee]", type: invalid, wrong: ["1"], right: null },
  ...(["windowLengthCount", "windowLengthDurationMs"] as const).map(
    (field) =>
      ({
        at: `windowConfig.${field}`,
        type: invalid,
        wrong: [0, -1],
        right: 5,
      }) satisfies Family,
  ),
  { at: "windowConfig", type: required, wrong: [{}], right: { windowLengthCount: 2 } },
  // Topics and what goes over them.
  { at: "input.topics[0]", type: invalid, wrong: badTopics, right: "persistent://public/default/in" },
  {
    at: "input.topicPattern",
    type: invalid,
    wrong: ["persistent://a/b", "a/b"],
    right: "persistent://public/default/.*",
  },
  { at: "output.topic", type: invalid, wrong: badTopics, right: "non-persistent://public/default/out" },
  { at: "output.topic", type: invalid, wrong: ["in"], right: "out" },
  { at: "logTopic", type: invalid, wrong: badTopics.slice(0, 3), right: "logs" },
  { at: "deadLetterTopic", beside: { maxMessageRetry: 3 }, type: invalid, wrong: badTopics.slice(0, 3), right: "dead" },
  { at: "input", type: required, wrong: [{}, { topics: [] }], right: { topics: ["a"] } },
  { kind: "Sink", at: "input", type: required, wrong: [{}, { topics: [] }], right: { topicPattern: "a" } },
  { at: "retainKeyOrdering", beside: { retainOrdering: true }, type: forbidden, wrong: [true], right: false },
  {
    at: "retainKeyOrdering",
    beside: { processingGuarantee: "effectively_once" },
    type: forbidden,
    wrong: [true],
    right: false,
  },
  {
    at: "output.producerConf.cryptoConfig.cryptoKeyReaderClassName",
    type: required,
    beside: { output: { topic: "out", producerConf: { cryptoConfig: crypto({}) } } },
    wrong: [""],
    right: "R",
  },
  {
    at: "output.producerConf.cryptoConfig.encryptionKeys",
    type: required,
    beside: { output: { topic: "out", producerConf: { cryptoConfig: crypto({}) } } },
    wrong: [[]],
    right: ["k"],
  },
  {
    at: "output.producerConf.cryptoConfig.cryptoSecrets[0].asVolume",
    type: invalid,
    beside: {
      output: {
        topic: "out",
        producerConf: { cryptoConfig: crypto({ cryptoSecrets: [{ secretName: "s", secretKey: "k" }] }) },
      },
    },
    wrong: ["relative", "/a:b"],
    right: "/keys",
  },
  { at: "tenant", type: invalid, wrong: ["a b", "a/b", "ü", "a!"], right: "team-1" },
  { at: "namespace", type: invalid, wrong: ["a b", "a/b", "ü", "a!"], right: "namespace:test" },
  // Connections and secrets.
  { at: "pulsar.pulsarConfig", type: required, wrong: [""], right: "pulsar" },
  { at: "pulsar.pulsarConfig", type: invalid, wrong: badNames, right: "pulsar.internal" },
  { at: "pulsar.authSecret", type: invalid, wrong: badNames, right: "auth" },
  { at: "pulsar.tlsSecret", type: invalid, wrong: badNames, right: "tls" },
  { at: "pulsar.tlsConfig.certSecretName", type: invalid, wrong: badNames.slice(0, 2), right: "ca.internal" },
  { at: "pulsar.tlsConfig.certSecretKey", type: invalid, wrong: ["a/b", "..", "a b"], right: "ca.crt" },
  {
    at: "pulsar.authConfig.oauth2Config.keySecretName",
    beside: oauth2,
    type: invalid,
    wrong: badNames.slice(0, 2),
    right: "key",
  },
  { at: "pulsar.authConfig.oauth2Config.keySecretKey", beside: oauth2, type: invalid, wrong: ["a/b"], right: "k.json" },
  { at: "pulsarPackageService.pulsarConfig", type: required, wrong: [""], right: "packages" },
  { at: "java.log.logConfig.name", beside: logConfig, type: invalid, wrong: badNames.slice(0, 2), right: "log" },
  { at: "java.log.logConfig.key", beside: logConfig, type: invalid, wrong: ["a/b", ".."], right: "log4j.xml" },
  {
    at: "secretsMap.PW",
    told: "secretsMap[PW].path",
    type: required,
    wrong: [{ key: "k" }],
    right: { path: "s", key: "k" },
  },
  {
    at: "secretsMap.PW",
    told: "secretsMap[PW].key",
    type: required,
    wrong: [{ path: "s" }],
    right: { path: "s", key: "k" },
  },
  {
    at: "secretsMap.PW",
    told: "secretsMap[PW].path",
    type: invalid,
    wrong: badNames.slice(0, 2).map((path) => ({ path, key: "k" })),
    right: { path: "s", key: "k" },
  },
  { at: "secretsMap.A=B", told: "secretsMap[A=B]", type: invalid, wrong: [{ path: "s", key: "k" }], right: null },
  // Pods.
  {
    at: "volumeMounts[0]",
    told: "volumeMounts[0].name",
    type: notFound,
    wrong: [{ name: "nope", mountPath: "/a" }],
    right: null,
  },
  {
    at: "volumeMounts[0]",
    told: "volumeMounts[0].mountPath",
    beside: { pod: { volumes: [{ name: "v", emptyDir: {} }] } },
    type: required,
    wrong: [{ name: "v", mountPath: "" }],
    right: { name: "v", mountPath: "/a" },
  },
  {
    at: "pod.volumes[0]",
    told: "pod.volumes[0].name",
    type: invalid,
    wrong: badNames.map((name) => ({ name, emptyDir: {} })),
    right: { name: "v", emptyDir: {} },
  },
  {
    at: "pod.volumes[0]",
    told: "pod.volumes[0].secret",
    type: forbidden,
    wrong: [{ name: "v", emptyDir: {}, secret: { secretName: "s" } }],
    right: { name: "v", emptyDir: {} },
  },
  { at: "pod.labels.team", told: "pod.labels", type: invalid, wrong: ["a b", "-a", "a".repeat(64)], right: "eu" },
  { at: "pod.labels.a b", told: "pod.labels", type: invalid, wrong: ["c"], right: null },
  ...["component", "name", "namespace", "app", "app.kubernetes.io/name"].map(
    (key) =>
      ({
        at: `pod.labels`,
        told: `pod.labels[${key}]`,
        type: invalid,
        wrong: [{ [key]: "mine" }],
        right: { team: "mine" },
      }) satisfies Family,
  ),
  { at: "pod.annotations", told: "pod.annotations[a b]", type: invalid, wrong: [{ "a b": "c" }], right: { a: "c" } },
  { at: "pod.nodeSelector.pool", told: "pod.nodeSelector", type: invalid, wrong: ["a b"], right: "a" },
  { at: "pod.serviceAccountName", type: invalid, wrong: badNames, right: "runner" },
  { at: "pod.terminationGracePeriodSeconds", type: invalid, wrong: [-1], right: 0 },
  {
    at: "pod.imagePullSecrets[0]",
    told: "pod.imagePullSecrets[0].name",
    type: invalid,
    wrong: badNames.slice(0, 2).map((name) => ({ name })),
    right: { name: "regcred" },
  },
  {
    at: "pod.imagePullSecrets[0]",
    told: "pod.imagePullSecrets[0].name",
    type: required,
    wrong: [{}],
    right: { name: "regcred" },
  },
  {
    at: "pod.env[0]",
    told: "pod.env[0].name",
    type: invalid,
    wrong: [{ name: "A=B" }, { name: "ü" }],
    right: { name: "A.B" },
  },
  {
    at: "pod.env[0]",
    told: "pod.env[0].valueFrom",
    type: invalid,
    wrong: [
      { name: "A", valueFrom: {} },
      { name: "A", value: "1", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    right: { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
  },
  {
    at: "pod.tolerations[0]",
    told: "pod.tolerations[0].operator",
    type: invalid,
    wrong: [{ operator: "Equal" }, { key: "k", operator: "Exists", value: "v" }],
    right: { operator: "Exists" },
  },
  {
    at: "pod.tolerations[0]",
    told: "pod.tolerations[0].effect",
    type: invalid,
    wrong: [{ key: "k", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 3 }],
    right: { key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 3 },
  },
  { at: "pod.liveness.periodSeconds", type: invalid, wrong: [-1], right: 10 },
  { at: "pod.liveness.successThreshold", type: invalid, wrong: [2, -1], right: 1 },
  { at: "pod.startupProbe", type: required, wrong: [{}], right: { httpGet: { port: 9094 } } },
  {
    at: "pod.startupProbe",
    told: "pod.startupProbe.tcpSocket",
    type: forbidden,
    wrong: [{ httpGet: { port: 1 }, tcpSocket: { port: 1 } }],
    right: { tcpSocket: { port: 1 } },
  },
  {
    at: "pod.vpa.resourcePolicy.containerPolicies[0]",
    told: "pod.vpa.resourcePolicy.containerPolicies[0].containerName",
    type: required,
    wrong: [{}],
    right: { containerName: "*" },
  },
  { at: "pod.vpa", beside: { maxReplicas: 3 }, type: forbidden, wrong: [{}], right: null },
  {
    at: "pod.builtinAutoscaler[0]",
    type: unsupported,
    wrong: ["CPU80", "AverageUtilizationCPUPercent81"],
    right: "AverageUtilizationCPUPercent80",
  },
  ...(["sidecars", "initContainers"] as const).flatMap((list): Family[] => [
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].name`,
      type: invalid,
      wrong: [...badNames, "pulsar-function", "filebeat", "downloader"].map((name) => container({ name })),
      right: container({}),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].image`,
      type: required,
      wrong: [{ name: "s" }, container({ image: " " })],
      right: container({}),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].image`,
      type: invalid,
      wrong: badImages.slice(0, 3).map((image) => container({ image })),
      right: container({}),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].imagePullPolicy`,
      type: unsupported,
      wrong: [container({ imagePullPolicy: "x" })],
      right: container({}),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].ports[0].containerPort`,
      type: invalid,
      wrong: [-1, 65_536, 100_000].map((containerPort) => container({ ports: [{ containerPort }] })),
      right: container({ ports: [{ containerPort: 80 }] }),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].ports[0].containerPort`,
      type: required,
      wrong: [container({ ports: [{ containerPort: 0 }] })],
      right: container({ ports: [{ containerPort: 80 }] }),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].ports[0].name`,
      type: invalid,
      wrong: ["UPPER", "much-too-long-name"].map((name) => container({ ports: [{ name, containerPort: 80 }] })),
      right: container({ ports: [{ name: "http", containerPort: 80 }] }),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].volumeMounts[0].name`,
      type: notFound,
      wrong: [container({ volumeMounts: [{ name: "nope", mountPath: "/a" }] })],
      right: container({}),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].env[0].name`,
      type: invalid,
      wrong: [container({ env: [{ name: "A=B" }] })],
      right: container({ env: [{ name: "A" }] }),
    },
    {
      at: `pod.${list}[0]`,
      told: `pod.${list}[0].resources.requests[coffee]`,
      type: invalid,
      wrong: [container({ resources: { requests: { coffee: "1" } } })],
      right: container({ resources: { requests: { cpu: "1" } } }),
    },
  ]),
  {
    at: "pod.sidecars[0]",
    told: "pod.sidecars[0].restartPolicy",
    type: unsupported,
    wrong: [container({ restartPolicy: "Sometimes" })],
    right: container({}),
  },
  // Claims.
  {
    at: "volumeClaimTemplates[0]",
    told: "volumeClaimTemplates[0].metadata.name",
    type: required,
    wrong: [{ spec: claimSpec() }],
    right: { metadata: { name: "d" }, spec: claimSpec() },
  },
  {
    at: "volumeClaimTemplates[0]",
    told: "volumeClaimTemplates[0].metadata.name",
    type: invalid,
    wrong: ["A", "a_b"].map((name) => ({ metadata: { name }, spec: claimSpec() })),
    right: { metadata: { name: "d" }, spec: claimSpec() },
  },
  {
    at: "persistentVolumeClaimRetentionPolicy.whenDeleted",
    type: unsupported,
    wrong: ["Keep", "delete"],
    right: "Delete",
  },
  { at: "persistentVolumeClaimRetentionPolicy.whenScaled", type: unsupported, wrong: ["Keep"], right: "Retain" },
  // Texts that no container can be started with, wherever they stand.
  ...["className", "subscriptionName", "java.jar", "clusterName", "pod.serviceAccountName"].map(
    (at) =>
      ({
        at,
        type: invalid,
        wrong: at === "className" ? controls : controls.slice(0, 1),
        right: at === "pod.serviceAccountName" ? "runner" : "/a",
      }) satisfies Family,
  ),
  {
    at: "pod.env[0]",
    told: "pod.env[0].value",
    type: invalid,
    wrong: controls.map((value) => ({ name: "A", value })),
    right: { name: "A", value: "tab\tand\nline" },
  },
  { at: "java.javaOpts[0]", type: invalid, wrong: controls.slice(0, 2), right: "-Da=b" },
  { kind: "Source", at: "sourceConfig", type: required, wrong: [null], right: {} },
  { kind: "Sink", at: "sinkConfig", type: required, wrong: [null], right: {} },
  { kind: "Source", at: "java", type: required, wrong: [null], right: { jar: "/a.nar" } },
  { kind: "Sink", at: "java", type: required, wrong: [null], right: { jar: "/a.nar" } },
  // What siblings of these would be: every part of a pod by the rules of a pod.
  ...podFamilies(),
  ...refusedByClusters(),
  { at: "name", type: invalid, wrong: ["a/b", "a\nb"], right: "a:b c" },
  { at: "className", type: required, wrong: [" "], right: "a.B" },
  { at: "java.jar", type: required, wrong: [" "], right: "/a b.jar" },
  { at: "input.topics[0]", type: invalid, wrong: [" ", "a\nb", "a\tb"], right: "a b" },
  { kind: "Sink", at: "negativeAckRedeliveryDelayMs", type: invalid, wrong: [-1], right: 0 },
  { at: "maxPendingAsyncRequests", type: invalid, wrong: [0, -1], right: 1 },
  ...["maxPendingMessages", "maxPendingMessagesAcrossPartitions"].map(
    (field) => ({ at: `output.producerConf.${field}`, type: invalid, wrong: [-1], right: 0 }) satisfies Family,
  ),
  {
    kind: "Source",
    at: "batchSourceConfig",
    told: "batchSourceConfig.discoveryTriggererClassName",
    type: required,
    wrong: [{}],
    right: { discoveryTriggererClassName: "T" },
  },
  {
    at: "windowConfig",
    told: "windowConfig.lateDataTopic",
    type: forbidden,
    wrong: [{ windowLengthCount: 2, lateDataTopic: "late" }],
    right: { windowLengthCount: 2, lateDataTopic: "late", timestampExtractorClassName: "T" },
  },
  {
    at: "windowConfig",
    told: "windowConfig.lateDataTopic",
    type: invalid,
    wrong: [{ windowLengthCount: 2, lateDataTopic: "a/b", timestampExtractorClassName: "T" }],
    right: { windowLengthCount: 2 },
  },
  ...["issuerUrl", "keySecretName", "keySecretKey"].map(
    (field) =>
      ({
        at: `pulsar.authConfig.oauth2Config.${field}`,
        beside: oauth2,
        type: required,
        wrong: [""],
        right: "a",
      }) satisfies Family,
  ),
  {
    at: "pulsar.authConfig.genericAuth",
    told: "pulsar.authConfig.genericAuth.clientAuthenticationPlugin",
    type: required,
    wrong: [{}, { clientAuthenticationParameters: "p" }],
    right: { clientAuthenticationPlugin: "P" },
  },
  {
    at: "java.log.logConfig",
    told: "java.log.logConfig.key",
    type: required,
    wrong: [{ name: "log" }],
    right: { name: "log", key: "k" },
  },
  {
    at: "java.log.logConfig",
    told: "java.log.logConfig.name",
    type: required,
    wrong: [{ key: "k" }],
    right: { name: "log", key: "k" },
  },
  {
    at: "output.producerConf.cryptoConfig.cryptoSecrets[0]",
    told: "output.producerConf.cryptoConfig.cryptoSecrets[0].secretKey",
    type: required,
    beside: { output: { topic: "out", producerConf: { cryptoConfig: crypto({}) } } },
    wrong: [{ secretName: "s", asVolume: "/k" }],
    right: { secretName: "s", secretKey: "k", asVolume: "/k" },
  },
];

/** One wrong thing each in a pod: what is told, and what would be right in its place. */
function podFamilies(): Family[] {
  const volume = (source: JsonObject): JsonObject => ({ name: "v", ...source });
  const projected = (...sources: JsonObject[]): JsonObject => volume({ projected: { sources } });
  const files = (kind: string, path: string): JsonObject => ({ [kind]: { name: "s", items: [{ key: "k", path }] } });
  const certificate = { signerName: "a.b/c", keyType: "ED25519", keyPath: "key.pem" };
  const row = (at: string, told: string, type: FieldErrorType, wrong: JsonValue[], right: JsonValue): Family => ({
    ...{ at, told: told === "" ? at : `${at}.${told}`, type, wrong, right },
  });
  const volumes = "pod.volumes[0]";
  const sidecar = "pod.sidecars[0]";
  const empty = volume({ emptyDir: {} });
  const nodeTerms = (terms: JsonValue[]): JsonObject => ({
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
  });
  const nodeTermAt = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const expression = (changes: JsonObject): JsonObject => nodeTerms([{ matchExpressions: [{ key: "a", ...changes }] }]);
  return [
    row(volumes, "secret.secretName", required, [volume({ secret: {} })], volume({ secret: { secretName: "s" } })),
    row(volumes, "configMap.name", required, [volume({ configMap: {} })], volume({ configMap: { name: "c" } })),
    row(
      volumes,
      "persistentVolumeClaim.claimName",
      required,
      [volume({ persistentVolumeClaim: { claimName: "" } })],
      empty,
    ),
    row(
      volumes,
      "hostPath.path",
      invalid,
      [volume({ hostPath: { path: "/a/../b" } })],
      volume({ hostPath: { path: "/a" } }),
    ),
    row(
      volumes,
      "configMap.items[0].path",
      invalid,
      ["../x", "/x"].map((path) => volume({ configMap: { name: "c", items: [{ key: "k", path }] } })),
      volume({ configMap: { name: "c", items: [{ key: "k", path: "x/y" }] } }),
    ),
    row(
      volumes,
      "secret.items[0].key",
      required,
      [volume({ secret: { secretName: "s", items: [{ key: "", path: "x" }] } })],
      volume({ secret: { secretName: "s", items: [{ key: "k", path: "x" }] } }),
    ),
    row(
      volumes,
      "secret.defaultMode",
      invalid,
      [-1, 512].map((defaultMode) => volume({ secret: { secretName: "s", defaultMode } })),
      volume({ secret: { secretName: "s", defaultMode: 0o440 } }),
    ),
    row(
      volumes,
      "projected.sources[0].serviceAccountToken.expirationSeconds",
      invalid,
      [volume({ projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 60 } }] } })],
      volume({ projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 600 } }] } }),
    ),
    row(
      volumes,
      "configMap.items[0].path",
      invalid,
      [volume({ configMap: { name: "c", items: [{ key: "k", path: "..x" }] } })],
      volume({ configMap: { name: "c", items: [{ key: "k", path: "x..y" }] } }),
    ),
    row(
      volumes,
      "projected",
      invalid,
      [
        projected(files("secret", "a"), files("configMap", "a")),
        projected(files("secret", "a"), { podCertificate: { ...certificate, keyPath: "a" } }),
      ],
      projected(files("secret", "a"), files("configMap", "b")),
    ),
    row(
      volumes,
      "projected.sources[0]",
      forbidden,
      [projected({ ...files("secret", "a"), ...files("configMap", "b") })],
      projected(files("secret", "a")),
    ),
    row(
      volumes,
      "projected.sources[0].podCertificate.signerName",
      invalid,
      ["a", "a/b", "a.b/c/d", "A.b/c"].map((signerName) =>
        projected({ podCertificate: { ...certificate, signerName } }),
      ),
      projected({ podCertificate: certificate }),
    ),
    row(
      volumes,
      "projected.sources[0].podCertificate.keyType",
      "FieldValueNotSupported",
      [projected({ podCertificate: { ...certificate, keyType: "RSA1024" } })],
      projected({ podCertificate: { ...certificate, keyType: "RSA4096" } }),
    ),
    row(
      volumes,
      "projected.sources[0].podCertificate.maxExpirationSeconds",
      invalid,
      [3599, 7_862_401].map((maxExpirationSeconds) =>
        projected({ podCertificate: { ...certificate, maxExpirationSeconds } }),
      ),
      projected({ podCertificate: { ...certificate, maxExpirationSeconds: 86_401 } }),
    ),
    row(
      volumes,
      "projected.sources[0].podCertificate",
      required,
      [projected({ podCertificate: { signerName: "a.b/c", keyType: "ED25519" } })],
      projected({ podCertificate: certificate }),
    ),
    row(
      volumes,
      "projected.sources[0].clusterTrustBundle",
      required,
      [projected({ clusterTrustBundle: { path: "a" } })],
      projected({ clusterTrustBundle: { name: "a.b:c:d", path: "a" } }),
    ),
    row(
      volumes,
      "projected.sources[0].clusterTrustBundle.name",
      invalid,
      [projected({ clusterTrustBundle: { name: "A", path: "a" } })],
      projected({ clusterTrustBundle: { name: "a", path: "a" } }),
    ),
    {
      ...row(
        "volumeMounts[0]",
        "subPath",
        invalid,
        ["../x", "/x"].map((subPath) => ({ name: "v", mountPath: "/a", subPath })),
        {
          name: "v",
          mountPath: "/a",
          subPath: "x/y",
        },
      ),
      beside: { pod: { volumes: [empty] } },
    },
    ...["livenessProbe", "readinessProbe", "lifecycle"].map((field) =>
      row(
        "pod.initContainers[0]",
        field,
        forbidden,
        [container({ [field]: { tcpSocket: { port: 1 } } })],
        container({}),
      ),
    ),
    row(
      sidecar,
      "readinessProbe.httpGet.port",
      invalid,
      [0, 65_536, "x_y", ""].map((port) => container({ readinessProbe: { httpGet: { port } } })),
      container({ readinessProbe: { httpGet: { port: "http" } } }),
    ),
    row(sidecar, "readinessProbe.exec.command", required, [container({ readinessProbe: { exec: {} } })], container({})),
    row(sidecar, "lifecycle.preStop", required, [container({ lifecycle: { preStop: {} } })], container({})),
    row(
      sidecar,
      "envFrom[0]",
      invalid,
      [container({ envFrom: [{}] })],
      container({ envFrom: [{ secretRef: { name: "s" } }] }),
    ),
    row(
      sidecar,
      "envFrom[0].configMapRef.name",
      required,
      [container({ envFrom: [{ configMapRef: {} }] })],
      container({}),
    ),
    row(
      sidecar,
      "envFrom[0].configMapRef.name",
      invalid,
      ["A", "a b", "a/b"].map((name) => container({ envFrom: [{ configMapRef: { name } }] })),
      container({ envFrom: [{ configMapRef: { name: "a.b" } }] }),
    ),
    row(
      sidecar,
      "envFrom[0].prefix",
      invalid,
      [container({ envFrom: [{ prefix: "a=", secretRef: { name: "s" } }] })],
      container({}),
    ),
    row(
      sidecar,
      "securityContext.runAsUser",
      invalid,
      [container({ securityContext: { runAsUser: -1 } })],
      container({}),
    ),
    row(
      sidecar,
      "securityContext",
      invalid,
      [{ privileged: true }, { capabilities: { add: ["SYS_ADMIN"] } }].map((more) =>
        container({ securityContext: { allowPrivilegeEscalation: false, ...more } }),
      ),
      container({ securityContext: { allowPrivilegeEscalation: false } }),
    ),
    row(
      sidecar,
      "resources.limits[nvidia.com/gpu]",
      invalid,
      [container({ resources: { limits: { "nvidia.com/gpu": "500m" } } })],
      container({ resources: { limits: { "nvidia.com/gpu": "1" } } }),
    ),
    row("resources", "limits", required, [{ requests: { "nvidia.com/gpu": 1 } }], { limits: { "nvidia.com/gpu": 1 } }),
    row(
      "pod.env[0]",
      "valueFrom.secretKeyRef.key",
      required,
      [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "" } } }],
      {
        name: "A",
        valueFrom: { secretKeyRef: { name: "s", key: "k" } },
      },
    ),
    row(
      "pod.env[0]",
      "valueFrom.fieldRef.fieldPath",
      unsupported,
      ["spec.bogus", "metadata.labels"].map((fieldPath) => ({ name: "A", valueFrom: { fieldRef: { fieldPath } } })),
      { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
    ),
    row(
      "pod.env[0]",
      "valueFrom.resourceFieldRef.resource",
      unsupported,
      [{ name: "A", valueFrom: { resourceFieldRef: { resource: "limits.coffee" } } }],
      { name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    ),
    ...["runAsUser", "runAsGroup", "fsGroup"].map((field) =>
      row("pod.securityContext", field, invalid, [{ [field]: -1 }, { [field]: 2 ** 31 }], { [field]: 0 }),
    ),
    row("pod.securityContext", "supplementalGroups[0]", invalid, [{ supplementalGroups: [-1] }], {
      supplementalGroups: [1],
    }),
    row("pod.securityContext", "sysctls[0].name", invalid, [{ sysctls: [{ name: "A B", value: "1" }] }], {
      sysctls: [{ name: "net.core.somaxconn", value: "1" }],
    }),
    row(
      "pod.securityContext",
      "seccompProfile.localhostProfile",
      required,
      [{ seccompProfile: { type: "Localhost" } }],
      {
        seccompProfile: { type: "RuntimeDefault" },
      },
    ),
    row(
      "pod.affinity.podAntiAffinity",
      "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
      required,
      [{ requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "" }] }],
      { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }] },
    ),
    row(
      "pod.affinity.podAffinity",
      "preferredDuringSchedulingIgnoredDuringExecution[0].weight",
      invalid,
      [0, 101].map((weight) => ({
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: { topologyKey: "zone" } }],
      })),
      { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: { topologyKey: "zone" } }] },
    ),
    row("pod.affinity.nodeAffinity", nodeTermAt, required, [nodeTerms([])], nodeTerms([{}])),
    row(
      "pod.affinity.nodeAffinity",
      `${nodeTermAt}[0].matchExpressions[0].values`,
      required,
      [expression({ operator: "In" }), expression({ operator: "Gt", values: ["1", "2"] })],
      expression({ operator: "In", values: ["b"] }),
    ),
    row(
      "pod.affinity.nodeAffinity",
      `${nodeTermAt}[0].matchExpressions[0].operator`,
      invalid,
      [expression({ operator: "Is" })],
      expression({ operator: "Exists" }),
    ),
  ];
}

/** What a real cluster refused of sound specs in which one thing had been changed (`test/e2e/rendering.e2e.ts`). */
function refusedByClusters(): Family[] {
  const tooLong = "FieldValueTooLong";
  const volume = (source: JsonObject): JsonObject => ({ name: "v", ...source });
  const claim = (changes: JsonObject, metadata: JsonObject = {}): JsonObject => ({
    metadata: { name: "d", ...metadata },
    spec: { ...claimSpec(), ...changes },
  });
  const expression = (operator: string, value: string): JsonObject => ({
    nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator, values: [value] }] }],
  });
  const podFile = (item: JsonObject): JsonObject => volume({ downwardAPI: { items: [{ path: "f", ...item }] } });
  const amount = (changes: JsonObject): JsonObject => ({ containerName: "c", resource: "limits.cpu", ...changes });
  const metric = (name: string, containerName: string): JsonObject => ({
    type: "ContainerResource",
    containerResource: { name, container: containerName, target: { type: "Utilization", averageUtilization: 50 } },
  });
  const described = (apiVersion: string): JsonObject => ({
    type: "Object",
    object: {
      describedObject: { apiVersion, kind: "Ingress", name: "i" },
      metric: { name: "m" },
      target: { type: "Value", value: "1" },
    },
  });
  const scaled = { maxReplicas: 3 };
  const row = (
    at: string,
    below: string,
    type: FieldErrorType,
    wrong: JsonValue[],
    right: JsonValue,
    beside: Family["beside"] = {},
  ): Family => ({ at, told: below === "" ? at : `${at}${below}`, type, wrong, right, beside });
  const nodes = "pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
  const near = "pod.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
  const [sidecar, hook] = ["pod.sidecars[0]", "lifecycle.preStop.sleep"];
  const sleep = (seconds: number): JsonObject => container({ lifecycle: { preStop: { sleep: { seconds } } } });
  const headers = (name: string): JsonObject =>
    container({ livenessProbe: { httpGet: { port: 1, httpHeaders: [{ name, value: "v" }] } } });
  const secure = (securityContext: JsonObject): JsonObject => container({ securityContext });
  const recursive = (changes: JsonObject): JsonObject =>
    container({ volumeMounts: [{ name: "v", mountPath: "/a", recursiveReadOnly: "Enabled", ...changes }] });
  const files = { pod: { volumes: [volume({ emptyDir: {} })] } };
  const certificate = (key: string): JsonObject =>
    volume({
      projected: {
        sources: [
          {
            podCertificate: { signerName: "a.b/c", keyType: "ED25519", keyPath: "k", userAnnotations: { [key]: "v" } },
          },
        ],
      },
    });
  return [
    ...["In", "Gt", "Lt"].map((operator) =>
      row(
        nodes,
        ".nodeSelectorTerms[0].matchExpressions[0].values[0]",
        invalid,
        ["a b", "-1"].map((value) => expression(operator, value)),
        expression(operator, "4"),
      ),
    ),
    row(
      near,
      ".namespaces[0]",
      invalid,
      ["A", "a.b"].map((name) => ({ topologyKey: "zone", namespaces: [name] })),
      {
        topologyKey: "zone",
        namespaces: ["other"],
      },
    ),
    row("pod.autoScalingBehavior.scaleUp.selectPolicy", "", unsupported, ["Most", ""], "Disabled", scaled),
    row("pod.autoScalingBehavior.scaleDown.tolerance", "", invalid, ["-0.1"], "0.1", scaled),
    row(
      "pod.autoScalingMetrics[0]",
      ".containerResource.name",
      invalid,
      ["coffee", "a/b/c"].map((name) => metric(name, "c")),
      metric("cpu", "c"),
      scaled,
    ),
    row(
      "pod.autoScalingMetrics[0]",
      ".containerResource.container",
      invalid,
      [metric("cpu", "A B")],
      metric("cpu", "c"),
      scaled,
    ),
    row(
      "pod.autoScalingMetrics[0]",
      ".object.describedObject.apiVersion",
      invalid,
      [described("a/b/c")],
      described("a/v1"),
      scaled,
    ),
    row(sidecar, `.${hook}`, invalid, [-1, 31].map(sleep), sleep(30)),
    row(sidecar, `.${hook}`, invalid, [sleep(6)], sleep(5), { pod: { terminationGracePeriodSeconds: 5 } }),
    row(sidecar, ".livenessProbe.httpGet.httpHeaders", invalid, ["a b", ""].map(headers), headers("X-A")),
    ...["seccompProfile", "appArmorProfile"].map((field) =>
      row(
        sidecar,
        `.securityContext.${field}.localhostProfile`,
        invalid,
        [secure({ [field]: { type: "Localhost", localhostProfile: field === "seccompProfile" ? "/a" : " a" } })],
        secure({ [field]: { type: "Localhost", localhostProfile: "a/b" } }),
      ),
    ),
    row(
      sidecar,
      ".securityContext.appArmorProfile.localhostProfile",
      tooLong,
      [secure({ appArmorProfile: { type: "Localhost", localhostProfile: "a".repeat(4096) } })],
      secure({ appArmorProfile: { type: "Unconfined" } }),
    ),
    row(
      sidecar,
      ".securityContext.windowsOptions.runAsUserName",
      invalid,
      [" .", "d\\.."].map((runAsUserName) => secure({ windowsOptions: { runAsUserName } })),
      secure({ windowsOptions: { runAsUserName: "d\\a.b" } }),
    ),
    row("pod.securityContext.seLinuxChangePolicy", "", unsupported, ["", "Never"], "Recursive"),
    row(
      sidecar,
      ".volumeMounts[0].recursiveReadOnly",
      unsupported,
      [recursive({ recursiveReadOnly: "Yes" })],
      recursive({ readOnly: true }),
      files,
    ),
    row(
      sidecar,
      ".volumeMounts[0].recursiveReadOnly",
      forbidden,
      [recursive({}), recursive({ readOnly: true, mountPropagation: "HostToContainer" })],
      recursive({ readOnly: true, mountPropagation: "None" }),
      files,
    ),
    ...["secretKeyRef", "configMapKeyRef"].map((source) =>
      row(
        "pod.env[0]",
        `.valueFrom.${source}.name`,
        invalid,
        ["A", "a b"].map((name) => ({ name: "E", valueFrom: { [source]: { name, key: "k" } } })),
        { name: "E", valueFrom: { [source]: { name: "a.b", key: "k" } } },
      ),
    ),
    row(
      "pod.env[0]",
      ".valueFrom.resourceFieldRef.divisor",
      invalid,
      [{ name: "E", valueFrom: { resourceFieldRef: amount({ divisor: "0.5" }) } }],
      { name: "E", valueFrom: { resourceFieldRef: amount({ divisor: "1m" }) } },
    ),
    row(
      "pod.volumes[0]",
      ".downwardAPI.items[0]",
      required,
      [podFile({})],
      podFile({ fieldRef: { fieldPath: "metadata.uid" } }),
    ),
    row(
      "pod.volumes[0]",
      ".downwardAPI.items[0].fieldRef.fieldPath",
      invalid,
      [
        podFile({ fieldRef: { fieldPath: "spec.x" } }),
        podFile({ fieldRef: { apiVersion: "v2", fieldPath: "metadata.uid" } }),
      ],
      podFile({ fieldRef: { fieldPath: "metadata.annotations['a']" } }),
    ),
    row(
      "pod.volumes[0]",
      ".downwardAPI.items[0].fieldRef.fieldPath",
      unsupported,
      [podFile({ fieldRef: { fieldPath: "status.podIP" } })],
      podFile({ fieldRef: { fieldPath: "metadata.labels" } }),
    ),
    row(
      "pod.volumes[0]",
      ".downwardAPI.items[0].resourceFieldRef.containerName",
      required,
      [podFile({ resourceFieldRef: amount({ containerName: "" }) })],
      podFile({ resourceFieldRef: amount({}) }),
    ),
    row(
      "pod.volumes[0]",
      ".downwardAPI.defaultMode",
      invalid,
      [volume({ downwardAPI: { defaultMode: 512 } })],
      volume({ downwardAPI: { defaultMode: 511 } }),
    ),
    row(
      "pod.volumes[0]",
      ".emptyDir.sizeLimit",
      forbidden,
      [volume({ emptyDir: { sizeLimit: "-1" } })],
      volume({ emptyDir: { sizeLimit: "1Gi" } }),
    ),
    row(
      "pod.volumes[0]",
      ".ephemeral.volumeClaimTemplate.metadata.labels",
      invalid,
      [volume({ ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: "b c" } }, spec: claimSpec() } } })],
      volume({ ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: "b" } }, spec: claimSpec() } } }),
    ),
    row(
      "pod.volumes[0]",
      ".ephemeral.volumeClaimTemplate.metadata.name",
      forbidden,
      [volume({ ephemeral: { volumeClaimTemplate: { metadata: { name: "a" }, spec: claimSpec() } } })],
      volume({ ephemeral: { volumeClaimTemplate: { spec: claimSpec() } } }),
    ),
    row(
      "pod.volumes[0]",
      ".csi.nodePublishSecretRef.name",
      invalid,
      [volume({ csi: { driver: "a.b", nodePublishSecretRef: { name: "A" } } })],
      volume({ csi: { driver: "a.b", nodePublishSecretRef: { name: "a" } } }),
    ),
    row(
      "pod.volumes[0]",
      ".storageos.volumeName",
      invalid,
      [volume({ storageos: { volumeName: "a.b" } })],
      volume({ storageos: { volumeName: "a" } }),
    ),
    row(
      "pod.volumes[0]",
      ".name",
      invalid,
      [
        volume({
          iscsi: {
            targetPortal: "a".repeat(63),
            iqn: "iqn.2001-04.com.example:a",
            lun: 0,
            initiatorName: "iqn.2001-04.com.example:b",
          },
        }),
      ],
      volume({
        iscsi: {
          targetPortal: "10.0.0.1",
          iqn: "iqn.2001-04.com.example:a",
          lun: 0,
          initiatorName: "iqn.2001-04.com.example:b",
        },
      }),
    ),
    row(
      "pod.volumes[0]",
      ".projected.sources[0].podCertificate.userAnnotations",
      invalid,
      ["a", "a b/c"].map(certificate),
      certificate("example.org/a"),
    ),
    row(
      "volumeClaimTemplates[0]",
      ".metadata.labels",
      invalid,
      [claim({}, { labels: { a: "b c" } })],
      claim({}, { labels: { a: "b" } }),
    ),
    row(
      "volumeClaimTemplates[0]",
      ".metadata.annotations[a b]",
      invalid,
      [claim({}, { annotations: { "a b": "c" } })],
      claim({}, { annotations: { a: "b c" } }),
    ),
    row(
      "volumeClaimTemplates[0]",
      ".spec.volumeAttributesClassName",
      invalid,
      [claim({ volumeAttributesClassName: "A" })],
      claim({ volumeAttributesClassName: "gold" }),
    ),
    ...["dataSource", "dataSourceRef"].map((field) =>
      row(
        "volumeClaimTemplates[0]",
        `.spec.${field}`,
        invalid,
        [claim({ [field]: { kind: "VolumeSnapshot", name: "s" } })],
        claim({ [field]: { kind: "PersistentVolumeClaim", name: "s" } }),
      ),
    ),
    row("genericRuntime.language", "", required, [""], "wasm", {
      java: undefined,
      genericRuntime: { functionFile: "f" },
    }),
  ];
}

function claimSpec(): JsonObject {
  return { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
}

/** `object` with `value` at a dotted path; `null` takes the member away. */
function withAt(object: JsonObject, path: string, value: JsonValue): JsonObject {
  const [, field = "", index, rest] =
    /^([^.[]+(?: [^.[]+)?)(?:\[(\d+)\])?(?:\.(.*))?$/s.exec(path) ?? assert.fail(path);
  const old = object[field];
  if (index !== undefined) {
    const first = Array.isArray(old) ? old[0] : undefined;
    const item = rest === undefined ? value : withAt(isObject(first) ? first : {}, rest, value);
    return value === null ? withoutMember(object, field) : { ...object, [field]: [item] };
  }
  if (rest !== undefined) return { ...object, [field]: withAt(isObject(old) ? old : {}, rest, value) };
  return value === null ? withoutMember(object, field) : { ...object, [field]: value };
}

const withoutMember = (object: JsonObject, field: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));

function objectOf({ kind = "Function", beside = {}, at }: Family, value: JsonValue): KubeObject {
  return defaultWorkload(kind)(aWorkload(kind, withAt(aSpec(kind, beside), at, value)));
}

const brief = (value: JsonValue): string => JSON.stringify(value).slice(0, 60);

let objects = 0;
for (const family of families) {
  const { kind = "Function", at, told = at, type, wrong, right } = family;
  for (const value of wrong) {
    objects++;
    test(`wrong: ${kind} with ${at} ${brief(value)}`, () => {
      const errors = validateWorkload(kind)(objectOf(family, value));
      assert.ok(
        errors.some((error) => error.field === `spec.${told}` && error.type === type),
        JSON.stringify(errors),
      );
      const accepted = validateWorkload(kind)(objectOf(family, right));
      assert.deepEqual(accepted, [], `${brief(right)} would be right`);
    });
  }
}

for (const name of ["2fa-events", "shop.orders", "0"]) {
  objects++;
  test(`wrong: a Function called ${name}, after which no Service can be named (kubernetes issue 96147)`, () => {
    const object = defaultWorkload("Function")(aWorkload("Function", aSpec("Function"), { name }));
    assert.deepEqual(
      validateWorkload("Function")(object).map(({ field }) => field),
      ["metadata.name"],
    );
  });
}

for (const name of ["Upper", "a_b", "a.b", "a-", "-", "a b"]) {
  objects++;
  test(`wrong: a component of a mesh called ${JSON.stringify(name)}`, () => {
    const fields = validateMesh(aMesh({ functions: [aSpec("Function", { name })] })).map(({ field }) => field);
    assert.ok(fields.includes("spec.functions[0].name"));
    assert.deepEqual(validateMesh(aMesh({ functions: [aSpec("Function", { name: "a-1" })] })), []);
  });
}

const configs: readonly (readonly [spec: JsonObject, field: string])[] = [
  [{ env: { "A=B": "1" } }, "spec.env[A=B]"],
  [{ pod: { labels: { "a b": "c" } } }, "spec.pod.labels"],
  [{ pod: { tolerations: [{ operator: "Equal" }] } }, "spec.pod.tolerations[0].operator"],
  [{ pod: { serviceAccountName: "A B" } }, "spec.pod.serviceAccountName"],
  [{ env: { A: "\0" } }, "spec.env.A"],
];
for (const [spec, field] of configs) {
  objects++;
  test(`wrong: a BackendConfig with ${brief(spec)}`, () => {
    const config = { ...aWorkload("Function", spec), kind: "BackendConfig" };
    assert.deepEqual(
      validateBackendConfig(config).map((error) => error.field),
      [field],
    );
  });
}

test("what was wrong before an update, word for word, keeps nobody from changing something else", () => {
  const stored = aWorkload("Function", aSpec("Function", { image: "No Image", replicas: 1 }));
  const scaled = aWorkload("Function", aSpec("Function", { image: "No Image", replicas: 2 }));
  const worse = aWorkload("Function", aSpec("Function", { image: "Still No Image" }));
  assert.deepEqual(validateWorkload("Function")(scaled, stored), []);
  assert.deepEqual(
    validateWorkload("Function")(worse, stored).map(({ field }) => field),
    ["spec.image"],
  );
});

test("the table holds at least 200 wrong objects", () => assert.ok(objects >= 200, String(objects)));
