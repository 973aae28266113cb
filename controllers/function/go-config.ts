import type { FunctionSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { isObject, stringifyJson } from "../../apiserver/machinery/json.ts";
import {
  configText,
  deadLetterTopic,
  inputSpecs,
  logTopicField,
  parallelismField,
  requested,
  secretsField,
  subscriptionPositionField,
  subscriptionTypeField,
} from "../workloads/function-details.ts";

/** Numbers of the protocol's enumerations: the Go instance reads those where other runtimes read names. */
const guarantees = ["atleast_once", "atmost_once", "effectively_once", "manual"];
const subscriptionTypes = ["SHARED", "FAILOVER", "KEY_SHARED"];
const subscriptionPositions = ["LATEST", "EARLIEST"];
const goRuntime = 3;

const numberOf = (names: readonly string[], name: string | undefined): number => Math.max(0, names.indexOf(name ?? ""));

/**
 * What a Go instance is told of its function; every key is always there (FM 4.20). Newer instances take the whole
 * description, or one specification per topic; older ones only know the single fields.
 */
export function goConfig(spec: FunctionSpec, details: JsonObject): JsonObject {
  const { cpu, ram, disk } = requested(spec);
  return {
    functionDetails: stringifyJson(details),
    tenant: spec.tenant ?? "",
    nameSpace: spec.namespace ?? "",
    name: spec.name ?? "",
    logTopic: logTopicField(spec) ?? "",
    processingGuarantees: numberOf(guarantees, spec.processingGuarantee),
    secretsMap: secretsField(spec) ?? "",
    runtime: goRuntime,
    autoAck: spec.autoAck ?? true,
    parallelism: parallelismField(spec),
    subscriptionType: numberOf(subscriptionTypes, subscriptionTypeField(spec)),
    timeoutMs: spec.timeout ?? 0,
    subscriptionName: spec.subscriptionName ?? "",
    subscriptionPosition: numberOf(subscriptionPositions, subscriptionPositionField(spec)),
    cleanupSubscription: spec.cleanupSubscription ?? false,
    ...inputOf(spec),
    sinkSpecsTopic: spec.output?.topic ?? "",
    sinkSchemaType: spec.output?.sinkSchemaType ?? "",
    cpu,
    ram: Number(ram),
    disk: Number(disk),
    maxMessageRetries: spec.maxMessageRetry ?? 0,
    deadLetterTopic: deadLetterTopic(spec),
    userConfig: configText(spec.funcConfig) ?? "",
  };
}

/** All consumers by topic; and one of them, as older instances take a single topic or pattern (FM W-1, W-47). */
function inputOf({ input }: FunctionSpec): JsonObject {
  const specs = inputSpecs(input) ?? {};
  // A pattern covers more than a topic does.
  const topic = input?.topicPattern || [...(input?.topics ?? []), ...Object.keys(specs)][0] || "";
  const { isRegexPattern, schemaType, receiverQueueSize } = objectOf(specs, topic) ?? {};
  return {
    sourceInputSpecs: Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => [name, stringifyJson(spec ?? null)]),
    ),
    sourceSpecsTopic: topic,
    isRegexPatternSubscription: isRegexPattern ?? false,
    sourceSchemaType: schemaType ?? "",
    receiverQueueSize: isObject(receiverQueueSize) ? (receiverQueueSize.value ?? 0) : 0,
  };
}
