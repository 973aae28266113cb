import { freeForm, object, text, withoutRequired } from "../nodes.ts";
import { componentName, kindSchemas } from "./kind.ts";
import { output } from "./messaging.ts";
import { batchSourceConfig, forwardSourceMessageProperty, workloadProperties, workloadStatus } from "./workload.ts";

export const sourceSpec = object(
  "Which connector to run, what it reads, and the topic it publishes to. Runs on Java.",
  {
    ...workloadProperties,
    sourceType: text("Name of the connector, noted for Pulsar's worker service. What runs is className."),
    sourceConfig: freeForm(
      "Settings of the connector, in its own form. Must be present. Numbers and their spelling are kept.",
    ),
    batchSourceConfig,
    output,
    forwardSourceMessageProperty,
  },
);

export const sourceSchemas = [
  [componentName("SourceSpec"), sourceSpec] as const,
  ...kindSchemas("Source", "A Pulsar IO source: a connector that reads from another system and publishes to a topic.", {
    spec: withoutRequired(sourceSpec),
    status: workloadStatus,
    keepUnknownMembers: true,
  }),
];
