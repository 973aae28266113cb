import type { SinkSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import {
  configText,
  guaranteeField,
  inputSpecs,
  int64,
  logTopicField,
  nonZero,
  parallelismField,
  resourcesField,
  retryField,
  secretsField,
  subscriptionPositionField,
  subscriptionTypeField,
} from "../workloads/function-details.ts";

const identityFunction = "org.apache.pulsar.functions.api.utils.IdentityFunction";

/** Pulsar's description of a Sink: a function that passes its input to a connector (FM 4.22). */
export function sinkDetails(spec: SinkSpec): JsonObject {
  return nonZero({
    tenant: spec.tenant,
    namespace: spec.namespace,
    name: spec.name,
    className: identityFunction,
    logTopic: logTopicField(spec),
    processingGuarantees: guaranteeField(spec),
    secretsMap: secretsField(spec),
    autoAck: spec.autoAck ?? true,
    parallelism: parallelismField(spec),
    source: nonZero({
      typeClassName: spec.input?.typeClassName,
      subscriptionType: subscriptionTypeField(spec),
      inputSpecs: inputSpecs(spec.input),
      timeoutMs: int64(spec.timeout),
      subscriptionName: spec.subscriptionName,
      cleanupSubscription: spec.cleanupSubscription,
      subscriptionPosition: subscriptionPositionField(spec),
      negativeAckRedeliveryDelayMs: int64(spec.negativeAckRedeliveryDelayMs),
    }),
    sink: nonZero({
      className: spec.className,
      configs: configText(spec.sinkConfig),
      typeClassName: spec.input?.typeClassName,
    }),
    resources: resourcesField(spec),
    retryDetails: retryField(spec),
    runtimeFlags: spec.runtimeFlags,
    componentType: "SINK",
    retainOrdering: spec.retainOrdering,
    retainKeyOrdering: spec.retainKeyOrdering,
  });
}
