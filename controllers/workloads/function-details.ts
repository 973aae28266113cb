/**
 * Pieces of Pulsar's `FunctionDetails` message, as its JSON form has it (FM 4.22): fields in the protocol's order, zero
 * values left out, 64-bit numbers as text. The kinds put them together.
 */

import type {
  ConsumerConfig,
  ConsumerSpec,
  CryptoConfig,
  InputConf,
  OutputConf,
  ProducerConfig,
  WorkloadSpec,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson, stringifyJson } from "../../apiserver/machinery/json.ts";
import { ordered } from "../../apiserver/machinery/ordered.ts";
import { parseQuantity } from "../../apiserver/machinery/quantity.ts";
import { sortedEntries } from "./workload.ts";

/** Without the fields that hold their type's zero; a message that is set stays, even when it is empty. */
export function nonZero(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== undefined &&
        value !== "" &&
        value !== 0 &&
        value !== false &&
        !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** A map field; absent when it is empty. */
const mapField = (map: { [key: string]: string } | undefined): JsonObject | undefined =>
  map === undefined || Object.keys(map).length === 0 ? undefined : Object.fromEntries(sortedEntries(map));

/** A 64-bit number. */
export const int64 = (value: number | undefined): string | undefined => (value ? String(value) : undefined);

/** Free-form configuration as text, the same however its author ordered the keys. */
export function configText(config: JsonObject | undefined): string | undefined {
  return config === undefined ? undefined : stringifyJson(ordered(config));
}

const guarantees: { readonly [guarantee: string]: string } = {
  atmost_once: "ATMOST_ONCE",
  effectively_once: "EFFECTIVELY_ONCE",
  manual: "MANUAL",
};
/** `ATLEAST_ONCE` is the protocol's zero. */
export const guaranteeField = ({ processingGuarantee }: WorkloadSpec): string | undefined =>
  guarantees[processingGuarantee ?? ""];

export function secretsField({ secretsMap }: WorkloadSpec): string | undefined {
  const entries = sortedEntries(secretsMap).map(([name, { path = "", key = "" }]) => [name, { path, key }] as const);
  return entries.length === 0 ? undefined : stringifyJson(Object.fromEntries(entries));
}

/** 1 unless asked for: with the real number every scaling would change the command and restart all pods. */
export const parallelismField = ({ showPreciseParallelism, replicas }: WorkloadSpec): number =>
  showPreciseParallelism === true ? (replicas ?? 1) : 1;

/** A log topic that Filebeat fills is none of the instance's business. */
export const logTopicField = ({ logTopic, logTopicAgent }: WorkloadSpec): string | undefined =>
  logTopicAgent === "sidecar" ? undefined : logTopic;

/** CPU in cores, the rest in bytes. */
export function requested({ resources }: WorkloadSpec): { cpu: number; ram: bigint; disk: bigint } {
  const amount = (resource: string) => parseQuantity(resources?.requests?.[resource] ?? 0);
  return {
    cpu: amount("cpu")?.asNumber() ?? 0,
    ram: amount("memory")?.value() ?? 0n,
    disk: amount("storage")?.value() ?? 0n,
  };
}

export function resourcesField(spec: WorkloadSpec): JsonObject {
  const { cpu, ram, disk } = requested(spec);
  return nonZero({ cpu, ram: ram === 0n ? undefined : String(ram), disk: disk === 0n ? undefined : String(disk) });
}

/**
 * Messages that failed too often go to a topic of this name. The broker would derive one from the subscription's name,
 * which doesn't work when that holds a slash, as it does by default (FM W-52).
 */
export function deadLetterTopic(spec: WorkloadSpec & ConsumerSpec): string {
  const { deadLetterTopic: topic, maxMessageRetry = 0, subscriptionName, tenant, namespace, name } = spec;
  if (topic) return topic;
  const derivable = subscriptionName !== undefined && subscriptionName !== "" && !subscriptionName.includes("/");
  return maxMessageRetry > 0 && !derivable ? `${tenant}-${namespace}-${name}-DLQ` : "";
}

export function retryField(spec: WorkloadSpec & ConsumerSpec): JsonObject | undefined {
  const topic = deadLetterTopic(spec);
  const { maxMessageRetry = 0 } = spec;
  if (maxMessageRetry <= 0 && topic === "") return undefined;
  return nonZero({ maxMessageRetries: maxMessageRetry, deadLetterTopic: topic });
}

/** `SHARED` is the protocol's zero. */
export function subscriptionTypeField(spec: WorkloadSpec & ConsumerSpec): string | undefined {
  if (spec.retainOrdering === true || spec.processingGuarantee === "effectively_once") return "FAILOVER";
  return spec.retainKeyOrdering === true ? "KEY_SHARED" : undefined;
}

/** `LATEST` is the protocol's zero, unset means earliest. */
export const subscriptionPositionField = ({ subscriptionPosition }: ConsumerSpec): string | undefined =>
  subscriptionPosition === "latest" ? undefined : "EARLIEST";

/** Consumers by topic; for one topic, what comes later replaces what came before. */
export function inputSpecs(input: InputConf | undefined): JsonObject | undefined {
  if (input === undefined) return undefined;
  const specs: [string, JsonObject][] = [
    ...(input.topics ?? []).map((topic): [string, JsonObject] => [topic, {}]),
    ...(input.topicPattern ? [[input.topicPattern, { isRegexPattern: true }] satisfies [string, JsonObject]] : []),
    ...sortedEntries(input.customSerdeSources).map(([topic, serdeClassName]): [string, JsonObject] => [
      topic,
      nonZero({ serdeClassName }),
    ]),
    ...sortedEntries(input.customSchemaSources).map(([topic, schemaType]): [string, JsonObject] => [
      topic,
      nonZero({ schemaType }),
    ]),
    ...sortedEntries(input.sourceSpecs).map(([topic, config]): [string, JsonObject] => [topic, consumerSpec(config)]),
  ];
  return specs.length === 0 ? undefined : Object.fromEntries(sortedEntries(Object.fromEntries(specs)));
}

function consumerSpec(config: ConsumerConfig): JsonObject {
  return nonZero({
    schemaType: config.schemaType,
    serdeClassName: config.serdeClassname,
    isRegexPattern: config.isRegexPattern,
    receiverQueueSize:
      config.receiverQueueSize === undefined ? undefined : nonZero({ value: config.receiverQueueSize }),
    schemaProperties: mapField(config.schemaProperties),
    consumerProperties: mapField(config.consumerProperties),
    cryptoSpec: cryptoSpec(config.cryptoConfig),
  });
}

function cryptoSpec(crypto: CryptoConfig | undefined): JsonObject | undefined {
  if (crypto === undefined) return undefined;
  return nonZero({
    cryptoKeyReaderClassName: crypto.cryptoKeyReaderClassName,
    cryptoKeyReaderConfig:
      crypto.cryptoKeyReaderConfig && stringifyJson(Object.fromEntries(sortedEntries(crypto.cryptoKeyReaderConfig))),
    producerEncryptionKeyName: crypto.encryptionKeys,
    producerCryptoFailureAction: failureAction(crypto.producerCryptoFailureAction),
    consumerCryptoFailureAction: failureAction(crypto.consumerCryptoFailureAction),
  });
}

/** `FAIL` is the protocol's zero, and what anything unknown means. */
const failureAction = (action: string | undefined): string | undefined =>
  action !== undefined && ["DISCARD", "CONSUME", "SEND"].includes(action) ? action : undefined;

export function producerSpec(producer: ProducerConfig): JsonObject {
  return nonZero({
    maxPendingMessages: producer.maxPendingMessages,
    maxPendingMessagesAcrossPartitions: producer.maxPendingMessagesAcrossPartitions,
    useThreadLocalProducers: producer.useThreadLocalProducers,
    cryptoSpec: cryptoSpec(producer.cryptoConfig),
    batchBuilder: producer.batchBuilder,
    // LZ4 is the protocol's zero.
    compressionType: producer.compressionType === "LZ4" ? undefined : producer.compressionType,
  });
}

/** The part of a sink message that `output` describes. */
export function outputFields(output: OutputConf | undefined): JsonObject {
  return {
    typeClassName: output?.typeClassName,
    topic: output?.topic,
    producerSpec: output?.producerConf && producerSpec(output.producerConf),
    serDeClassName: output?.sinkSerdeClassName,
    schemaType: output?.sinkSchemaType,
  };
}

/** Properties of the output topic's schema; text that isn't a ConsumerConfig has none. */
export function outputProperties(output: OutputConf | undefined): JsonObject {
  const text = output?.customSchemaSinks?.[output.topic ?? ""];
  if (text === undefined) return {};
  try {
    const config = parseJson(text);
    if (!isObject(config)) return {};
    const { schemaProperties, consumerProperties } = config;
    return { schemaProperties: properties(schemaProperties), consumerProperties: properties(consumerProperties) };
  } catch {
    return {};
  }
}

function properties(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) && Object.keys(value).length > 0 ? value : undefined;
}
