/** Fields that are accepted and do nothing, each with the reason: texts of `Warning` headers. */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { joinPath } from "../../errors/field-error.ts";
import { isSet, isTrue, listOf, numberOf, objectOf, textOf, textsOf } from "../../machinery/fields.ts";
import { isObject, parseJson } from "../../machinery/json.ts";
import type { WorkloadKind } from "./defaults.ts";
import { cryptoConfigs } from "./text-rules.ts";

type Given = { readonly kind: WorkloadKind; readonly spec: JsonObject };
type Effectless = {
  readonly field: readonly string[];
  /** Without it, that the field is set is enough. */
  readonly when?: (given: Given) => boolean;
  readonly why: string;
};

const isConnector = ({ kind }: Given): boolean => kind !== "Function";
const isGo = ({ spec }: Given): boolean => isSet(spec, "golang");
const has = (object: JsonObject | undefined, field: string): boolean => textOf(object, field) !== "";
const noAutoscaler = ({ spec }: Given): boolean => !isSet(spec, "maxReplicas");
const cleansUp = ({ spec, kind }: Given): boolean =>
  kind === "Source" ? isSet(spec, "batchSourceConfig") : isTrue(spec, "cleanupSubscription");
const ships = (spec: JsonObject): boolean => textOf(spec, "logTopicAgent") === "sidecar" && has(spec, "logTopic");
const downloads = (spec: JsonObject): boolean =>
  [
    ["java", "jarLocation"],
    ["python", "pyLocation"],
    ["golang", "goLocation"],
    ["genericRuntime", "functionFileLocation"],
  ].some(([runtime = "", location = ""]) => has(objectOf(spec, runtime), location));
const supersedes =
  (winner: string) =>
  (connection: string) =>
  ({ spec }: Given) =>
    isSet(objectOf(spec, connection), winner);

const onlyJava = "connectors run on Java";
const noScaling = "without maxReplicas there is no autoscaler";
const goLogs = "a Go instance logs to standard output, at log.level";

const rows: readonly Effectless[] = [
  ...["python", "golang", "genericRuntime"].map((field) => ({ field: [field], when: isConnector, why: onlyJava })),
  { field: ["sourceType"], why: "only Pulsar's own worker reads it; name the class and the package" },
  { field: ["sinkType"], why: "only Pulsar's own worker reads it; name the class and the package" },
  { field: ["runtimeFlags"], why: "it is noted in the function's details and changes no command line" },
  {
    field: ["logTopicAgent"],
    when: ({ spec }) => textOf(spec, "logTopicAgent") === "sidecar" && !ships(spec),
    why: "without logTopic there is nowhere to ship logs to",
  },
  { field: ["filebeatImage"], when: ({ spec }) => !ships(spec), why: "logs are not shipped by a sidecar" },
  { field: ["cleanupImage"], when: (given) => !cleansUp(given), why: "nothing is cleaned up: see cleanupSubscription" },
  {
    field: ["pulsar", "cleanupAuthConfig"],
    when: (given) => !cleansUp(given),
    why: "nothing is cleaned up: see cleanupSubscription",
  },
  { field: ["pulsarPackageService"], when: ({ spec }) => !downloads(spec), why: "no package is downloaded" },
  ...["pulsar", "pulsarPackageService"].flatMap((connection) => [
    { field: [connection, "authSecret"], when: supersedes("authConfig")(connection), why: "authConfig supersedes it" },
    { field: [connection, "tlsSecret"], when: supersedes("tlsConfig")(connection), why: "tlsConfig supersedes it" },
    {
      field: [connection, "authConfig", "genericAuth"],
      when: ({ spec }: Given) => isSet(objectOf(objectOf(spec, connection), "authConfig"), "oauth2Config"),
      why: "oauth2Config wins",
    },
  ]),
  ...["pulsar", "pulsarPackageService"].flatMap((connection) =>
    [
      ["certSecretName", "certSecretKey"],
      ["certSecretKey", "certSecretName"],
    ].map(([field = "", other = ""]) => ({
      field: [connection, "tlsConfig", field],
      when: ({ spec }: Given) => {
        const tls = objectOf(objectOf(spec, connection), "tlsConfig");
        return isTrue(tls, "enabled") && !has(tls, other);
      },
      why: `${other} is not set, so no certificate is mounted`,
    })),
  ),
  ...["deadLetterTopic", "maxMessageRetry"].map((field) => ({
    field: [field],
    when: ({ spec }: Given) => isTrue(spec, "retainOrdering"),
    why: "with retainOrdering one consumer reads in order, and Pulsar counts retries of shared subscriptions only",
  })),
  { field: ["pod", "builtinAutoscaler"], when: noAutoscaler, why: noScaling },
  { field: ["pod", "autoScalingMetrics"], when: noAutoscaler, why: noScaling },
  { field: ["pod", "autoScalingBehavior"], when: noAutoscaler, why: noScaling },
  ...["autoScalingMetrics", "autoScalingBehavior"].map((field) => ({
    field: ["pod", field],
    when: ({ spec }: Given) =>
      isSet(spec, "maxReplicas") && listOf(objectOf(spec, "pod"), "builtinAutoscaler").length > 0,
    why: "builtinAutoscaler wins",
  })),
  {
    field: ["pod", "liveness"],
    when: ({ spec }) => (numberOf(objectOf(objectOf(spec, "pod"), "liveness"), "periodSeconds") ?? 0) <= 0,
    why: "there is no probe unless periodSeconds is above 0",
  },
  {
    field: ["persistentVolumeClaimRetentionPolicy"],
    when: ({ spec }) => listOf(spec, "volumeClaimTemplates").length === 0,
    why: "there are no volumeClaimTemplates",
  },
  ...["level", "rotatePolicy", "format"].flatMap((field) =>
    ["java", "python"].map((runtime) => ({
      field: [runtime, "log", field],
      when: ({ spec }: Given) => isSet(objectOf(objectOf(spec, runtime), "log"), "logConfig"),
      why: "logConfig is the whole configuration",
    })),
  ),
  ...["rotatePolicy", "format", "logConfig"].map((field) => ({ field: ["golang", "log", field], why: goLogs })),
  ...["python", "golang"].map((runtime) => ({
    field: [runtime, "log", "javaLog4JConfigFileType"],
    why: "Log4j is Java's",
  })),
  {
    field: ["java", "log", "javaLog4JConfigFileType"],
    when: ({ spec }) => textOf(objectOf(objectOf(spec, "java"), "log"), "javaLog4JConfigFileType") === "ini",
    why: "Log4j reads xml and yaml; xml is written",
  },
  { field: ["className"], when: isGo, why: "a Go function is a program of its own" },
  {
    field: ["windowConfig"],
    when: ({ spec }) => isSet(spec, "windowConfig") && !isSet(spec, "java"),
    why: "only Java has window functions",
  },
  ...["sourceConfig", "sinkConfig"].map((field) => ({
    field: [field],
    when: ({ kind, spec }: Given) => kind === "Function" && !isSet(spec, "java"),
    why: "only Java runs connectors inside a function",
  })),
  { field: ["input", "customSerdeSources"], when: isGo, why: "a Go instance passes bytes on" },
  { field: ["output", "sinkSerdeClassName"], when: isGo, why: "a Go instance passes bytes on" },
  {
    field: ["statefulConfig", "pulsar", "javaProvider"],
    when: ({ spec, kind }) => kind === "Function" && !isSet(spec, "java"),
    why: "it is for Java instances",
  },
];

function valueAt(object: JsonObject, path: readonly string[]): unknown {
  let value: JsonValue | undefined = object;
  for (const field of path) {
    if (!isObject(value)) return undefined;
    value = value[field];
  }
  return value;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

export function effectlessFields(given: Given, at: string): readonly string[] {
  return [
    ...rows.flatMap(({ field, when, why }) =>
      isEmpty(valueAt(given.spec, field)) || (when !== undefined && !when(given))
        ? []
        : [`${joinPath(at, ...field)}: has no effect: ${why}`],
    ),
    ...schemaSinks(given.spec, at),
    ...failureActions(given.spec, at),
    ...unmountedKeys(given.spec, at),
    ...batchBuilder(given.spec, at),
  ];
}

/** A key of a Secret reaches the instance as a file, or not at all. */
const unmountedKeys = (spec: JsonObject, at: string): readonly string[] =>
  cryptoConfigs(spec, at).flatMap(([config, configAt]) =>
    listOf(config, "cryptoSecrets").flatMap((secret, index) =>
      isObject(secret) && !has(secret, "asVolume")
        ? [`${joinPath(configAt, "cryptoSecrets", index)}: has no effect: without asVolume the key is mounted nowhere`]
        : [],
    ),
  );

const batchBuilders = ["DEFAULT", "KEY_BASED"];

function batchBuilder(spec: JsonObject, at: string): readonly string[] {
  const builder = textOf(objectOf(objectOf(spec, "output"), "producerConf"), "batchBuilder");
  return builder === "" || batchBuilders.includes(builder)
    ? []
    : [
        `${joinPath(at, "output", "producerConf", "batchBuilder")}: ${builder} acts as DEFAULT; known are ${batchBuilders.join(", ")}`,
      ];
}

/** Only the entry of the output topic is read, as JSON text (FM 1.5). */
function schemaSinks(spec: JsonObject, at: string): readonly string[] {
  const output = objectOf(spec, "output");
  const sinks = objectOf(output, "customSchemaSinks") ?? {};
  return Object.entries(sinks).flatMap(([topic, text]) => {
    const sinkAt = joinPath(at, "output", "customSchemaSinks", { key: topic });
    if (topic !== textOf(output, "topic")) return [`${sinkAt}: has no effect: only the entry of output.topic counts`];
    return typeof text === "string" && isJsonObject(text) ? [] : [`${sinkAt}: has no effect: it isn't a JSON object`];
  });
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(parseJson(text));
  } catch {
    return false;
  }
}

const actions = ["FAIL", "DISCARD", "CONSUME", "SEND"];

const failureActions = (spec: JsonObject, at: string): readonly string[] =>
  cryptoConfigs(spec, at).flatMap(([config, configAt]) =>
    ["producerCryptoFailureAction", "consumerCryptoFailureAction"].flatMap((field) => {
      const action = textOf(config, field);
      return action === "" || actions.includes(action)
        ? []
        : [`${joinPath(configAt, field)}: ${action} acts as FAIL; known are ${actions.join(", ")}`];
    }),
  );

/** What of a BackendConfig's pod does nothing (FM 1.6). */
const workloadsOwn = [
  ...["volumes", "initContainers", "sidecars", "env", "builtinAutoscaler", "autoScalingMetrics", "autoScalingBehavior"],
  ...["vpa", "disableDefaultAffinity"],
];

export function backendConfigWarnings(spec: JsonObject): readonly string[] {
  const pod = objectOf(spec, "pod");
  return [
    ...(isEmpty(spec.name) ? [] : ["spec.name: has no effect: it is found by metadata.name"]),
    ...workloadsOwn
      .filter((field) => !isEmpty(pod?.[field]))
      .map(
        (field) =>
          `${joinPath("spec", "pod", field)}: has no effect: ${field === "env" ? "use spec.env" : "only a workload's own counts"}`,
      ),
  ];
}

/** Connectors that come with Pulsar's full image, by the name in their archive. */
const builtinConnectors: ReadonlySet<string> = new Set([
  ...["aerospike", "alluxio", "batch-data-generator", "canal", "cassandra", "data-generator", "debezium-mongodb"],
  ...["debezium-mssql", "debezium-mysql", "debezium-oracle", "debezium-postgres", "dynamodb", "elastic_search", "file"],
  ...["flume", "hbase", "hdfs2", "hdfs3", "http", "influxdb", "jdbc-clickhouse", "jdbc-mariadb", "jdbc-openmldb"],
  ...["jdbc-postgres", "jdbc-sqlite", "kafka", "kafka-connect-adaptor", "kinesis", "mongo", "netty", "nsq", "rabbitmq"],
  ...["redis", "solr", "twitter", "azuredataexplorer"],
]);
const builtinScheme = "builtin://";

/** A connector that a function takes its input from, or hands its output to. */
export function builtinWarnings({ kind, spec }: Given, at: string): readonly string[] {
  if (kind !== "Function") return [];
  return [
    ["sourceConfig", "sourceType"],
    ["sinkConfig", "sinkType"],
  ].flatMap(([field = "", type = ""]) => {
    const name = textOf(objectOf(spec, field), type).replace(builtinScheme, "");
    return name === "" || builtinConnectors.has(name)
      ? []
      : [
          `${joinPath(at, field, type)}: ${name} is none of the connectors that come with Pulsar; the image must have it`,
        ];
  });
}

/** Java's own, which a JavaScript engine doesn't read. */
const onlyJavaReads = /\(\?|[*+?}]\+|\\[QEGAZzhHRXp]|&&|\[:/;

/** A pattern that is hardly a regular expression: nothing would match it, or the consumer fails with it. */
function patternWarnings(pattern: string, at: string): readonly string[] {
  if (pattern === "" || pattern.length > maxPatternLength || onlyJavaReads.test(pattern)) return [];
  try {
    new RegExp(pattern);
    return [];
  } catch {
    return [`${joinPath(at, "input", "topicPattern")}: is no regular expression`];
  }
}

/** Loops and loose ends of one workload. */
export function flowWarnings({ kind, spec }: Given, at: string, inputs: readonly string[]): readonly string[] {
  const output = textOf(objectOf(spec, "output"), "topic");
  const pattern = textOf(objectOf(spec, "input"), "topicPattern");
  const loops = ["logTopic", "deadLetterTopic"].filter(
    (field) => inputs.includes(textOf(spec, field)) && has(spec, field),
  );
  return [
    ...(kind === "Source" && output === ""
      ? [`${joinPath(at, "output", "topic")}: is not set: what the source reads goes nowhere`]
      : []),
    ...patternWarnings(pattern, at),
    ...loops.map((field) => `${joinPath(at, field)}: is an input topic as well: a cycle of one`),
    ...(output !== "" && textOf(spec, "logTopic") === output
      ? [`${joinPath(at, "logTopic")}: is the output topic as well: its readers get the log among the results`]
      : []),
    ...(output !== "" && pattern !== "" && matches(pattern, output)
      ? [`${joinPath(at, "output", "topic")}: matches input.topicPattern: the function would read what it writes`]
      : []),
  ];
}

/** Longest pattern that is tried, in characters: a user's regular expression may take for ever. */
const maxPatternLength = 256;

/** Only patterns that end in a wildcard and have no other: those can be told without running them. */
function matches(pattern: string, topic: string): boolean {
  if (pattern.length > maxPatternLength || !/^[^\\[\](){}|?+*^$]*\.\*$/.test(pattern)) return false;
  return topic.startsWith(pattern.slice(0, -2));
}

/** What an autoscaler needs and doesn't get. */
export function scalingWarnings({ kind, spec }: Given, at: string): readonly string[] {
  const pod = objectOf(spec, "pod");
  if (!isSet(spec, "maxReplicas")) return [];
  const rules = textsOf(pod, "builtinAutoscaler");
  const own = listOf(pod, "autoScalingMetrics").filter(isObject);
  const resourceMetrics = own.filter((metric) => textOf(metric, "type") === "Resource");
  const byCpu =
    rules.length > 0
      ? rules.some((rule) => rule.includes("CPU"))
      : own.length === 0 || resourceMetrics.some((metric) => textOf(objectOf(metric, "resource"), "name") === "cpu");
  const requests = objectOf(objectOf(spec, "resources"), "requests");
  const cpuAt = joinPath(at, "resources", "requests", "cpu");
  const sidecars = listOf(pod, "sidecars").filter(isObject);
  const wholePods = own.length === 0 || resourceMetrics.length > 0;
  return [
    ...(byCpu && !isSet(requests, "cpu")
      ? [`${cpuAt}: is not set: the autoscaler scales by the utilization of what is requested`]
      : []),
    ...sidecars.flatMap((sidecar, index) =>
      wholePods && Object.keys(objectOf(objectOf(sidecar, "resources"), "requests") ?? {}).length === 0
        ? [
            `${joinPath(at, "pod", "sidecars", index)}: requests nothing: the autoscaler of pulsar-${kind.toLowerCase()} needs the requests of all containers`,
          ]
        : [],
    ),
  ];
}

/** Inputs of a mesh's sinks that no member of it writes. */
export function unfedSinks(
  components: readonly {
    readonly field: string;
    readonly index: number;
    readonly spec: JsonObject;
    readonly inputs: readonly string[];
  }[],
): readonly string[] {
  const written = new Set(components.map(({ spec }) => textOf(objectOf(spec, "output"), "topic")));
  if (!components.some(({ field }) => field !== "sinks")) return [];
  return components.flatMap(({ field, index, spec, inputs }) => {
    const byPattern = has(objectOf(spec, "input"), "topicPattern");
    const fed = byPattern || inputs.some((topic) => written.has(topic));
    return field !== "sinks" || fed
      ? []
      : [`${joinPath("spec", field, index, "input")}: no member of the mesh writes to its topics`];
  });
}
