/**
 * What this program's renderer is, told from what it renders: samples that use every part of it, and a digest of what
 * becomes of them. So nobody has to remember to raise a number, and a release that renders the same has the same version.
 */

import { apiVersion } from "../apiserver/apis/compute/v1alpha1/group.ts";
import type {
  FunctionResource,
  FunctionSpec,
  SinkResource,
  SourceResource,
} from "../apiserver/apis/compute/v1alpha1/types.ts";
import { functionWorkload } from "./function/workload.ts";
import { defaultSettings, type Settings } from "./settings.ts";
import { sinkWorkload } from "./sink/workload.ts";
import { sourceWorkload } from "./source/workload.ts";
import { digest } from "./workloads/drift.ts";
import { desiredStatefulSet } from "./workloads/stateful-set.ts";
import type { Workload } from "./workloads/workload.ts";

const metadata = { name: "sample", namespace: "samples", uid: "uid" };

const cryptoConfig = {
  cryptoKeyReaderClassName: "R",
  encryptionKeys: ["k"],
  cryptoSecrets: [{ secretName: "keys", secretKey: "k.pem", asVolume: "/keys" }],
};
const common = {
  name: "sample",
  className: "a.B",
  tenant: "public",
  namespace: "default",
  clusterName: "kubernetes",
  image: "i:1",
  logTopic: "logs",
  secretsMap: { PW: { path: "s", key: "k" } },
  resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } },
  pulsar: {
    pulsarConfig: "pulsar",
    authConfig: { oauth2Config: { audience: "a", issuerUrl: "i", keySecretName: "s", keySecretKey: "k" } },
    tlsConfig: { enabled: true, certSecretName: "ca", certSecretKey: "ca.crt" },
  },
  pod: { env: [{ name: "A", value: "1" }], labels: { a: "b" }, liveness: { periodSeconds: 10 } },
};
const bySecret = { pulsarConfig: "pulsar", authSecret: "auth", tlsSecret: "tls" };
const input = { topics: ["in"], topicPattern: "persistent://a/b/.*", sourceSpecs: { c: { cryptoConfig } } };
const output = { topic: "out", producerConf: { cryptoConfig } };
const location = "function://public/default/fn@v1";

const functions: readonly FunctionSpec[] = [
  {
    ...common,
    input,
    output,
    java: { jar: "a.jar", jarLocation: location, log: { rotatePolicy: "SizedPolicyWith10MB" } },
  },
  { ...common, input, output, java: { jar: "/a.jar", javaOpts: ["-Da=b"], log: { javaLog4JConfigFileType: "yaml" } } },
  { ...common, input, output, pulsar: bySecret, python: { py: "a.py", pyLocation: location, log: { format: "json" } } },
  {
    ...common,
    input,
    output,
    golang: { go: "a", goLocation: "https://a/b" },
    logTopicAgent: "sidecar",
    maxReplicas: 3,
  },
  { ...common, input, output, pulsar: bySecret, golang: { go: "a", goLocation: location }, maxMessageRetry: 2 },
  {
    ...common,
    input,
    output,
    genericRuntime: { functionFile: "a", language: "nodejs", functionFileLocation: location },
  },
  {
    ...common,
    input,
    output,
    java: { jar: "/a.jar", log: { logConfig: { name: "log", key: "k" } } },
    windowConfig: { windowLengthCount: 2 },
    funcConfig: { text: "ü" },
  },
  {
    ...common,
    sourceConfig: { sourceType: "kafka" },
    sinkConfig: { sinkType: "jdbc", configs: { a: 1 } },
    java: { jar: "/a.jar" },
  },
];

const samples = (): Workload[] => [
  ...functions.map((spec) =>
    functionWorkload({ apiVersion, kind: "Function", metadata, spec } satisfies FunctionResource),
  ),
  sourceWorkload({
    apiVersion,
    kind: "Source",
    metadata,
    spec: {
      ...common,
      output,
      sourceConfig: { a: 1 },
      batchSourceConfig: {},
      java: { jar: "a.nar", jarLocation: location },
    },
  } satisfies SourceResource),
  sinkWorkload({
    apiVersion,
    kind: "Sink",
    metadata,
    spec: { ...common, input, sinkConfig: { a: 1 }, logTopicAgent: "sidecar", timeout: 1, java: { jar: "/a.nar" } },
  } satisfies SinkResource),
];

/** Settings are a cause of their own, so these are the same in every release. */
const settings: Settings = {
  ...defaultSettings,
  runnerImages: { java: "j", python: "p", go: "g", generic: {} },
  fallbackImage: "f",
  downloaderImage: "d",
  filebeatImage: "b",
};

let version: string | undefined;

/** Computed once, on first use: it takes some milliseconds. */
export function rendererVersion(): string {
  version ??= digest(
    samples().flatMap((workload) =>
      [false, true].map((initContainers) => desiredStatefulSet(workload, {}, { ...settings, initContainers })),
    ),
  );
  return version;
}
