import type { FunctionSpec } from "../../apiserver/apis/compute/v1alpha1/function.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import {
  configText,
  deadLetterTopic,
  inputSpecs,
  logTopicField,
  parallelismField,
  requested,
  subscriptionTypeField,
} from "../workloads/function-details.ts";

/** Numbers of the protocol's enumerations: the Go instance reads those where other runtimes read names. */
const guarantees = ["atleast_once", "atmost_once", "effectively_once", "manual"];
const subscriptionTypes = ["SHARED", "FAILOVER", "KEY_SHARED"];
const goRuntime = 3;

const numberOf = (names: readonly string[], name: string | undefined): number => Math.max(0, names.indexOf(name ?? ""));

/** What a Go instance is told of its function; every key is always there (FM 4.20). */
export function goConfig(spec: FunctionSpec): JsonObject {
  const { cpu, ram, disk } = requested(spec);
  return {
    tenant: spec.tenant ?? "",
    nameSpace: spec.namespace ?? "",
    name: spec.name ?? "",
    logTopic: logTopicField(spec) ?? "",
    processingGuarantees: numberOf(guarantees, spec.processingGuarantee),
    secretsMap: "",
    runtime: goRuntime,
    autoAck: spec.autoAck ?? true,
    parallelism: parallelismField(spec),
    subscriptionType: numberOf(subscriptionTypes, subscriptionTypeField(spec)),
    timeoutMs: spec.timeout ?? 0,
    subscriptionName: spec.subscriptionName ?? "",
    cleanupSubscription: spec.cleanupSubscription ?? false,
    ...inputOf(spec),
    sourceSchemaType: "",
    receiverQueueSize: 0,
    sinkSpecsTopic: spec.output?.topic ?? "",
    sinkSchemaType: "",
    cpu,
    ram: Number(ram),
    disk: Number(disk),
    maxMessageRetries: spec.maxMessageRetry ?? 0,
    deadLetterTopic: deadLetterTopic(spec),
    userConfig: configText(spec.funcConfig) ?? "",
  };
}

/** The instance takes a single topic, or a single pattern; a pattern covers more (FM W-1, W-47). */
function inputOf({ input }: FunctionSpec): { sourceSpecsTopic: string; isRegexPatternSubscription: boolean } {
  if (input?.topicPattern) return { sourceSpecsTopic: input.topicPattern, isRegexPatternSubscription: true };
  const [first = ""] = [...(input?.topics ?? []), ...Object.keys(inputSpecs(input) ?? {})];
  const isRegexPatternSubscription = input?.sourceSpecs?.[first]?.isRegexPattern ?? false;
  return { sourceSpecsTopic: first, isRegexPatternSubscription };
}
