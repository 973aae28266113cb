import { freeForm, int32, object, text, withoutRequired } from "../nodes.ts";
import { componentName, kindSchemas } from "./kind.ts";
import { input } from "./messaging.ts";
import { consumerProperties, workloadProperties, workloadStatus } from "./workload.ts";

export const sinkSpec = object("Which connector to run, the topics it reads, and what it writes to. Runs on Java.", {
  ...workloadProperties,
  ...consumerProperties,
  sinkType: text("Name of the connector, noted for Pulsar's worker service. What runs is className."),
  sinkConfig: freeForm(
    "Settings of the connector, in its own form. Must be present. Numbers and their spelling are kept.",
  ),
  input,
  negativeAckRedeliveryDelayMs: int32(
    "Milliseconds until a message that the connector refused is delivered again. When unset the client's default, one minute.",
  ),
});

export const sinkSchemas = [
  [componentName("SinkSpec"), sinkSpec] as const,
  ...kindSchemas("Sink", "A Pulsar IO sink: a connector that reads topics and writes to another system.", {
    spec: withoutRequired(sinkSpec),
    status: workloadStatus,
    keepUnknownMembers: true,
  }),
];
