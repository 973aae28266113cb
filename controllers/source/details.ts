import type { SourceSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import {
  configText,
  guaranteeField,
  logTopicField,
  nonZero,
  outputFields,
  parallelismField,
  resourcesField,
  secretsField,
} from "../workloads/function-details.ts";

const identityFunction = "org.apache.pulsar.functions.api.utils.IdentityFunction";
const batchExecutor = "org.apache.pulsar.functions.source.batch.BatchSourceExecutor";

/** Pulsar's description of a Source: a function that passes on what its connector reads (FM 4.22). */
export function sourceDetails(spec: SourceSpec): JsonObject {
  const configs = configText(connectorConfig(spec));
  return nonZero({
    tenant: spec.tenant,
    namespace: spec.namespace,
    name: spec.name,
    className: identityFunction,
    logTopic: logTopicField(spec),
    processingGuarantees: guaranteeField(spec),
    userConfig: configs,
    secretsMap: secretsField(spec),
    autoAck: true,
    parallelism: parallelismField(spec),
    source: nonZero({
      className: spec.batchSourceConfig === undefined ? spec.className : batchExecutor,
      configs,
      typeClassName: spec.output?.typeClassName,
    }),
    sink: nonZero({
      producerSpec: {},
      ...defined(outputFields(spec.output)),
      forwardSourceMessageProperty: spec.forwardSourceMessageProperty ?? true,
    }),
    resources: resourcesField(spec),
    runtimeFlags: spec.runtimeFlags,
    componentType: "SOURCE",
  });
}

const defined = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The executor of batch sources finds the real source, and when to ask it, among its configuration. */
function connectorConfig({ sourceConfig, batchSourceConfig, className }: SourceSpec): JsonObject | undefined {
  if (batchSourceConfig === undefined) return sourceConfig;
  return {
    ...sourceConfig,
    __BATCHSOURCECONFIGS__: configText(batchSourceConfig),
    __BATCHSOURCECLASSNAME__: className ?? "",
  };
}
