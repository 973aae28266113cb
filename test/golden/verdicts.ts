/**
 * Which inputs are refused here, and for which fields. The operator refuses the cases named `invalid-*`, mostly for a
 * parent of the field; ours are exact. `inputs.test.ts` fails when one of them is accepted, or another refused.
 */

/** Fields in the order they are told, by case that the operator refuses. */
export const refused: { readonly [name: string]: readonly string[] } = {
  "fixture-samples-go-function": ["spec.golang.goLocation"],
  "fixture-samples-py-function": ["spec.python.pyLocation"],
  "invalid-bad-topic": ["spec.input.topics[0]"],
  "invalid-bad-topic-tenant": ["spec.input.topics[0]"],
  "invalid-consumer-crypto": [
    "spec.input.sourceSpecs[persistent://public/default/a].cryptoConfig.cryptoKeyReaderClassName",
  ],
  "invalid-enum-guarantee": ["spec.processingGuarantee"],
  "invalid-enum-log-level": ["spec.java.log.level"],
  "invalid-go-no-location-scheme": ["spec.golang.goLocation"],
  "invalid-hpa-duplicate-rules": ["spec.pod.builtinAutoscaler[1]"],
  "invalid-java-empty-jar": ["spec.java.jar"],
  "invalid-java-location": ["spec.java.jarLocation"],
  "invalid-java-no-class": ["spec.className"],
  "invalid-key-ordering-effectively": ["spec.retainKeyOrdering"],
  "invalid-location-file": ["spec.java.jarLocation"],
  "invalid-location-two-versions": ["spec.java.jarLocation"],
  "invalid-many-errors": ["spec.className", "spec.java.jar", "spec.java.jarLocation", "spec.input", "spec.pulsar"],
  "invalid-mesh-schema": ["spec.functions[0].java.jar"],
  "invalid-min-over-max": ["spec.minReplicas", "spec.minReplicas"],
  "invalid-name-too-long": ["metadata.name"],
  "invalid-no-input": ["spec.input"],
  "invalid-no-runtime": ["spec"],
  "invalid-output-is-input": ["spec.output.topic"],
  "invalid-output-topic": ["spec.output.topic"],
  "invalid-producer-crypto": [
    "spec.output.producerConf.cryptoConfig.cryptoKeyReaderClassName",
    "spec.output.producerConf.cryptoConfig.encryptionKeys",
  ],
  "invalid-python-location": ["spec.python.pyLocation"],
  "invalid-python-no-class": ["spec.className"],
  "invalid-queue-negative": ["spec.input.sourceSpecs[persistent://public/default/a].receiverQueueSize"],
  "invalid-replicas-negative": ["spec.replicas"],
  "invalid-resources-negative": ["spec.resources.requests.cpu"],
  "invalid-resources-order": ["spec.resources.requests.memory"],
  "invalid-sink-no-class": ["spec.className", "spec.pulsar"],
  "invalid-sink-no-config": ["spec.sinkConfig"],
  "invalid-sink-no-input": ["spec.input"],
  "invalid-source-no-config": ["spec.sourceConfig"],
  "invalid-source-no-java": ["spec.java"],
  "invalid-state-go": ["spec.statefulConfig"],
  "invalid-state-no-url": ["spec.statefulConfig.pulsar.serviceUrl"],
  "invalid-two-runtimes": ["spec.python"],
  "invalid-vpa-container-name": ["spec.pod.vpa.resourcePolicy.containerPolicies[0].containerName"],
  "invalid-window-both": ["spec.windowConfig.windowLengthDurationMs"],
  "invalid-window-lag": ["spec.windowConfig.maxLagMs"],
  "invalid-window-length": ["spec.windowConfig.windowLengthCount"],
  "invalid-window-none": ["spec.windowConfig"],
};

/** Cases that the operator refuses and we accept. */
export const acceptedHere: { readonly [name: string]: string } = {
  "invalid-resources-no-limit": "W-36: a limit that isn't given follows from the request",
};

/** Cases that the operator accepts and we refuse. */
export const refusedHere: { readonly [name: string]: { readonly fields: readonly string[]; readonly reason: string } } =
  {
    "download-plain-path/v2": {
      fields: ["spec.java.jarLocation"],
      reason: "W-1: the same check on update as on create, where the operator refuses this location",
    },
    "pod-labels-break-selector": {
      fields: ["spec.pod.labels[component]"],
      reason: "kaap issue 153: the cluster would refuse the StatefulSet, for ever",
    },
    "update-remove-pulsar/v2": { fields: ["spec.pulsar"], reason: "W-1: the operator crashes over this input" },
    "update-scale-zero/v2": {
      fields: ["spec.minReplicas"],
      reason: "W-1: the same check on update as on create; `replicas: 0` alone switches a workload off",
    },
    "update-volume-claims/v2": {
      fields: ["spec.volumeClaimTemplates"],
      reason: "W-12: the operator ignores a change that a StatefulSet cannot take",
    },
  };

/** Paths that are accepted and not kept, neither there nor here. */
export const pruned: { readonly [name: string]: readonly string[] } = {
  // FM 1.2: a plain object without known members.
  "state-java-provider": [".spec.statefulConfig.pulsar.javaProvider.config.a"],
};
