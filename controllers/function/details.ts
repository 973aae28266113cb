import type { FunctionSpec, WindowConfig } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { type ConnectorFields, connectorFields } from "../workloads/connector.ts";
import {
  configText,
  guaranteeField,
  inputSpecs,
  int64,
  logTopicField,
  nonZero,
  outputFields,
  outputProperties,
  parallelismField,
  resourcesField,
  retryField,
  secretsField,
  subscriptionPositionField,
  subscriptionTypeField,
} from "../workloads/function-details.ts";

const windowExecutor = "org.apache.pulsar.functions.windowing.WindowFunctionExecutor";
const windowKey = "__WINDOWCONFIGS__";
/** What a type class is set to when nobody says: it then gives way to the connector's (FM W-49). */
const bytes = "[B";

/** Pulsar's description of a Function (FM 4.22). */
export function functionDetails(spec: FunctionSpec): JsonObject {
  return nonZero({
    tenant: spec.tenant,
    namespace: spec.namespace,
    name: spec.name,
    className: spec.windowConfig === undefined ? spec.className : windowExecutor,
    logTopic: logTopicField(spec),
    processingGuarantees: guaranteeField(spec),
    userConfig: configText(userConfig(spec)),
    secretsMap: secretsField(spec),
    runtime: protocolRuntime(spec),
    autoAck: spec.autoAck ?? true,
    parallelism: parallelismField(spec),
    source: functionSource(spec),
    sink: functionSink(spec),
    resources: resourcesField(spec),
    retryDetails: retryField(spec),
    runtimeFlags: spec.runtimeFlags,
    componentType: "FUNCTION",
    retainOrdering: spec.retainOrdering,
    retainKeyOrdering: spec.retainKeyOrdering,
  });
}

/** `JAVA` is the protocol's zero, and also stands for runtimes it doesn't know. */
function protocolRuntime({ golang, python }: FunctionSpec): string | undefined {
  if (golang !== undefined) return "GO";
  return python === undefined ? undefined : "PYTHON";
}

function userConfig({ funcConfig, windowConfig, className }: FunctionSpec): JsonObject | undefined {
  if (windowConfig === undefined) return funcConfig;
  return { ...funcConfig, [windowKey]: windowSettings(windowConfig, className) };
}

function windowSettings(window: WindowConfig, className: string | undefined): JsonObject {
  const set = Object.entries(window).filter(([, value]) => value !== undefined && value !== "");
  return { ...Object.fromEntries(set), actualWindowFunctionClassName: className ?? "" };
}

function withConnector(fields: JsonObject, connector: ConnectorFields): JsonObject {
  const { typeClassName, ...others } = connector;
  const own = fields.typeClassName;
  return { ...fields, ...others, ...(typeClassName && (!own || own === bytes) ? { typeClassName } : {}) };
}

function functionSource(spec: FunctionSpec): JsonObject {
  const { sourceConfig } = spec;
  const fields: JsonObject = {
    className: undefined,
    configs: undefined,
    typeClassName: spec.input?.typeClassName,
    subscriptionType: subscriptionTypeField(spec),
    inputSpecs: inputSpecs(spec.input),
    timeoutMs: int64(spec.timeout),
    builtin: undefined,
    subscriptionName: spec.subscriptionName,
    cleanupSubscription: spec.cleanupSubscription,
    subscriptionPosition: subscriptionPositionField(spec),
    // Pulsar's converter has one number for both: without it a dead letter takes minutes.
    negativeAckRedeliveryDelayMs: int64(spec.timeout),
    skipToLatest: spec.skipToLatest,
  };
  const connector = connectorFields(sourceConfig && { ...sourceConfig, type: sourceConfig.sourceType });
  return nonZero(withConnector(fields, connector));
}

function functionSink(spec: FunctionSpec): JsonObject {
  const { sinkConfig } = spec;
  const fields: JsonObject = {
    className: undefined,
    configs: undefined,
    ...outputFields(spec.output),
    builtin: undefined,
    forwardSourceMessageProperty: spec.forwardSourceMessageProperty,
    ...outputProperties(spec.output),
  };
  const connector = connectorFields(sinkConfig && { ...sinkConfig, type: sinkConfig.sinkType }, "sinkType");
  return nonZero(withConnector(fields, connector));
}
