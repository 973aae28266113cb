/** Pulsar's own converter from what users of Pulsar write to what instances are told, run as a program. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { entriesOf, listOf, numberOf, objectOf, textOf } from "../../../apiserver/machinery/fields.ts";
import { isObject, parseJson, stringifyJson } from "../../../apiserver/machinery/json.ts";
import { parseQuantity } from "../../../apiserver/machinery/quantity.ts";
import type { WorkloadKind } from "../../support/workloads.ts";

const directory = new URL(".", import.meta.url).pathname;
/** The first run downloads some hundred archives. */
const maxMs = 600_000;

/** For `test(name, { skip })`. */
export function whyNoConverter(): false | string {
  try {
    execFileSync("java", ["-version"], { stdio: "ignore" });
    execFileSync("mvn", ["-version"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs java, 17 or later, and mvn, for Pulsar's converter";
  }
}

/** What Pulsar makes of each; `refused` holds its message where it takes none. */
export function convertAll(items: readonly JsonObject[]): JsonObject[] {
  const temporary = mkdtempSync(join(tmpdir(), "pulsar-converter-"));
  try {
    const classPath = join(temporary, "classpath");
    const resolve = ["-q", "-B", "-f", join(directory, "pom.xml"), "dependency:build-classpath"];
    execFileSync("mvn", [...resolve, `-Dmdep.outputFile=${classPath}`], { stdio: "ignore", timeout: maxMs });
    const program = ["-cp", readFileSync(classPath, "utf8"), join(directory, "Converter.java")];
    const output = execFileSync("java", program, {
      input: stringifyJson([...items]),
      encoding: "utf8",
      maxBuffer: 64 * 2 ** 20,
      timeout: maxMs,
    });
    const converted = parseJson(output);
    return Array.isArray(converted) ? converted.filter(isObject) : [];
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

const defined = (fields: { readonly [field: string]: JsonValue | undefined }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));

const upper = (text: string): string | undefined => (text === "" ? undefined : text.toUpperCase());

function amounts(spec: JsonObject): JsonObject {
  const requests = objectOf(objectOf(spec, "resources"), "requests");
  const amount = (resource: string) => parseQuantity(requests?.[resource] ?? 0);
  return {
    cpu: amount("cpu")?.asNumber() ?? 0,
    ram: Number(amount("memory")?.value() ?? 0n),
    disk: Number(amount("storage")?.value() ?? 0n),
  };
}

const secrets = (spec: JsonObject): JsonObject | undefined => objectOf(spec, "secretsMap");

function consumers(input: JsonObject | undefined): JsonObject | undefined {
  const specs = entriesOf(input, "sourceSpecs").map(([topic, consumer]) => {
    const { serdeClassname, isRegexPattern, ...others } = consumer;
    return [topic, defined({ ...others, serdeClassName: serdeClassname, regexPattern: isRegexPattern })] as const;
  });
  return specs.length === 0 ? undefined : Object.fromEntries(specs);
}

/** Where ours names a schema, a function's configuration of Pulsar has a consumer as JSON text. */
function schemaConsumers(input: JsonObject | undefined): JsonObject | undefined {
  const types = objectOf(input, "customSchemaSources");
  return (
    types &&
    Object.fromEntries(Object.entries(types).map(([key, type]) => [key, stringifyJson({ schemaType: type ?? null })]))
  );
}

/** What kinds have in common under the same names in Pulsar's configuration. */
function common(spec: JsonObject): { [field: string]: JsonValue | undefined } {
  const { tenant, namespace, name, className, runtimeFlags, maxMessageRetry, deadLetterTopic } = spec;
  const { retainOrdering, retainKeyOrdering, autoAck, cleanupSubscription } = spec;
  return {
    ...{ tenant, namespace, name, className, runtimeFlags, deadLetterTopic },
    ...{ retainOrdering, retainKeyOrdering, autoAck, cleanupSubscription },
    maxMessageRetries: maxMessageRetry,
    parallelism: 1,
    secrets: secrets(spec),
    resources: amounts(spec),
    processingGuarantees: upper(textOf(spec, "processingGuarantee")),
    timeoutMs: numberOf(spec, "timeout"),
  };
}

const position = (spec: JsonObject): string =>
  textOf(spec, "subscriptionPosition") === "latest" ? "Latest" : "Earliest";

/** A spec of ours as its author would have written it for Pulsar. */
export function pulsarConfig(kind: WorkloadKind, spec: JsonObject): JsonObject {
  const [input, output] = [objectOf(spec, "input"), objectOf(spec, "output")];
  const topics = listOf(input, "topics");
  const inputs = topics.length === 0 ? undefined : [...topics];
  switch (kind) {
    case "Function":
      return defined({
        ...common(spec),
        inputs,
        topicsPattern: input?.topicPattern,
        customSerdeInputs: input?.customSerdeSources,
        customSchemaInputs: schemaConsumers(input),
        inputSpecs: consumers(input),
        output: output?.topic,
        outputSerdeClassName: output?.sinkSerdeClassName,
        outputSchemaType: output?.sinkSchemaType,
        producerConfig: output?.producerConf,
        logTopic: spec.logTopic,
        userConfig: spec.funcConfig,
        windowConfig: spec.windowConfig,
        subName: spec.subscriptionName,
        subscriptionPosition: position(spec),
        skipToLatest: spec.skipToLatest,
        forwardSourceMessageProperty: spec.forwardSourceMessageProperty,
        ...(spec.python === undefined ? { runtime: "JAVA", jar: "/a.jar" } : { runtime: "PYTHON", py: "/a.py" }),
      });
    case "Sink":
      return defined({
        ...common(spec),
        inputs,
        topicsPattern: input?.topicPattern,
        topicToSerdeClassName: input?.customSerdeSources,
        topicToSchemaType: input?.customSchemaSources,
        inputSpecs: consumers(input),
        configs: spec.sinkConfig,
        sourceSubscriptionName: spec.subscriptionName,
        sourceSubscriptionPosition: position(spec),
        negativeAckRedeliveryDelayMs: spec.negativeAckRedeliveryDelayMs,
        archive: "/a.nar",
      });
    case "Source": {
      const { autoAck, cleanupSubscription, maxMessageRetries, timeoutMs, deadLetterTopic, retainOrdering, ...shared } =
        common(spec);
      const { retainKeyOrdering: _, ...fields } = shared;
      return defined({
        ...fields,
        topicName: output?.topic,
        serdeClassName: output?.sinkSerdeClassName,
        schemaType: output?.sinkSchemaType,
        producerConfig: output?.producerConf,
        configs: spec.sourceConfig,
        batchSourceConfig: spec.batchSourceConfig,
        archive: "/a.nar",
      });
    }
  }
}
