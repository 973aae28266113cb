import { choice, flag, freeForm, int32, int64, list, object, text, textMap, texts, withoutRequired } from "../nodes.ts";
import { ref } from "../schema.ts";
import { componentName, kindSchemas } from "./kind.ts";
import { input, output } from "./messaging.ts";
import {
  batchSourceConfig,
  consumerProperties,
  forwardSourceMessageProperty,
  workloadProperties,
  workloadStatus,
} from "./workload.ts";

const windowConfig = object(
  "Collects messages into windows; className is then called once per window. Exactly one of windowLengthCount and windowLengthDurationMs must be set; all numbers must be above 0.",
  {
    actualWindowFunctionClassName: text("Taken from className whatever is written here."),
    windowLengthCount: int32("Messages in a window."),
    windowLengthDurationMs: int64("Length of a window in milliseconds."),
    slidingIntervalCount: int32("Messages after which the next window starts. When unset windows don't overlap."),
    slidingIntervalDurationMs: int64(
      "Milliseconds after which the next window starts. Default: windowLengthDurationMs.",
    ),
    lateDataTopic: text(
      "Topic for messages that are older than the current window. Needs timestampExtractorClassName.",
    ),
    maxLagMs: int64("Milliseconds that messages may be out of order by, with timestampExtractorClassName."),
    watermarkEmitIntervalMs: int64("Milliseconds between moves of the watermark, with timestampExtractorClassName."),
    timestampExtractorClassName: text(
      "Class that reads the time of an event from its message. When unset the time of processing counts.",
    ),
    processingGuarantees: choice(
      ["ATLEAST_ONCE", "ATMOST_ONCE"],
      "Acknowledge messages after, or before, the window is processed. Default: that of the instance.",
    ),
  },
  ["actualWindowFunctionClassName"],
);

const sourceConnector = object("A source connector that feeds the function in place of input topics.", {
  sourceType: text("Name of a connector that the image contains. Otherwise className says what to run."),
  batchSourceConfig: {
    ...batchSourceConfig,
    description: "Accepted for compatibility; without effect in a Function. Use a Source.",
  },
  className: text("Class of the connector."),
  typeClassName: text("Class of the records that the connector emits."),
  configs: freeForm("Settings of the connector, in its own form. Numbers and their spelling are kept."),
});

const sinkConnector = object("A sink connector that takes the function's results in place of an output topic.", {
  sinkType: text("Name of a connector that the image contains. Otherwise className says what to run."),
  className: text("Class of the connector."),
  typeClassName: text("Class of the records that the connector takes."),
  configs: freeForm("Settings of the connector, in its own form. Numbers and their spelling are kept."),
});

/** Embedded, so only these members of its metadata are kept. */
const volumeClaimTemplate = object("A claim that each instance gets for itself.", {
  apiVersion: text("v1, or nothing."),
  kind: text("PersistentVolumeClaim, or nothing."),
  metadata: object("Name, labels and annotations of the claims.", {
    name: text("Name of the volume, as volumeMounts refer to it."),
    namespace: text("Without effect: claims are made where the function is."),
    labels: textMap("Labels of the claims."),
    annotations: textMap("Annotations of the claims."),
    finalizers: texts("Finalizers of the claims."),
  }),
  spec: ref("io.k8s.api.core.v1.PersistentVolumeClaimSpec", {
    description: "Size, class and access modes of the storage.",
  }),
  status: ref("io.k8s.api.core.v1.PersistentVolumeClaimStatus", { description: "Without effect in a template." }),
});

const persistentVolumeClaimRetentionPolicy = object(
  "What becomes of the claims made from volumeClaimTemplates: Retain keeps them, Delete removes them with their data.",
  {
    whenDeleted: text("When the function is deleted. Default: Retain."),
    whenScaled: text("When an instance is scaled away. Default: Retain."),
  },
);

export const functionSpec = object("What to compute, between which topics, and how to run it.", {
  ...workloadProperties,
  ...consumerProperties,
  input,
  output,
  funcConfig: freeForm(
    "Settings of the function, which it reads through its context. Numbers and their spelling are kept.",
  ),
  sourceConfig: sourceConnector,
  sinkConfig: sinkConnector,
  forwardSourceMessageProperty,
  maxPendingAsyncRequests: int32(
    "Results of asynchronous Java functions that may be outstanding at a time. Default: 1000.",
  ),
  skipToLatest: flag(
    "Start each time with the newest message, skipping what was published while nothing ran. Default: false.",
  ),
  windowConfig,
  volumeClaimTemplates: list(
    volumeClaimTemplate,
    "Storage of its own for each instance. Can't be changed once the function runs.",
  ),
  persistentVolumeClaimRetentionPolicy,
});

export const functionSchemas = [
  [componentName("FunctionSpec"), functionSpec] as const,
  ...kindSchemas(
    "Function",
    "A Pulsar Function: code that is called for each message of its input topics, and whose results go to its output topic.",
    { spec: withoutRequired(functionSpec), status: workloadStatus, keepUnknownMembers: true },
  ),
];
