/** What `kubectl get` shows of the five kinds (design, W-34). */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { entriesOf, isSet, isTrue, listOf, numberOf, objectOf, textOf, textsOf } from "../../machinery/fields.ts";
import { ageColumn, column, nameColumn, wideColumn } from "../rest/columns.ts";
import type { Column } from "../rest/interface.ts";
import { type AnySpec, specOf } from "./defaults.ts";

const statusOf = (object: KubeObject): JsonObject | undefined => objectOf(object, "status");

const runtimeNames = [
  ["java", "java"],
  ["python", "python"],
  ["golang", "go"],
] as const;

/** `java`, `python`, `go`, or the language of the generic runtime. */
export function runtimeOf(spec: AnySpec): string {
  const found = runtimeNames.find(([field]) => isSet(spec, field));
  return found === undefined ? textOf(objectOf(spec, "genericRuntime"), "language") : found[1];
}

/** All topics read, the pattern last; a connector that replaces the input is named instead. */
export function inputOf(spec: AnySpec): string {
  const input = objectOf(spec, "input");
  const topics = [
    ...textsOf(input, "topics"),
    ...(["customSerdeSources", "customSchemaSources", "sourceSpecs"] as const).flatMap((field) =>
      Object.keys(objectOf(input, field) ?? {}),
    ),
    textOf(input, "topicPattern"),
  ];
  const connector = objectOf(spec, "sourceConfig");
  const names = topics.filter((topic) => topic !== "");
  if (names.length > 0) return [...new Set(names)].join(",");
  return textOf(connector, "sourceType") || textOf(connector, "className");
}

/** Widest cell of topics, in characters: with names of 40, a row of `kubectl get functions` fits 120 columns. */
const maxTopicsWidth = 16;
const commonPrefix = /^persistent:\/\/(public\/default\/)?/;

/**
 * Topics as a person calls them: without what Pulsar assumes anyway, cut at the front, as it is their ends that differ.
 * `-o wide` shows them whole.
 */
export function shortTopics(topics: string): string {
  const [first = "", ...others] = topics.split(",").map((topic) => topic.replace(commonPrefix, ""));
  const more = others.length === 0 ? "" : `,+${others.length}`;
  const room = maxTopicsWidth - more.length;
  return (first.length > room ? `…${first.slice(1 - room)}` : first) + more;
}

const phase = column("Status", "Pending, Progressing, Ready, Degraded, Paused or Failed.", (object) =>
  textOf(statusOf(object), "phase"),
);
const reason = wideColumn("Reason", "Why it is in that state.", (object) => textOf(statusOf(object), "reason"));

const outputOf = (spec: AnySpec): string => textOf(objectOf(spec, "output"), "topic");

const ready = column("Ready", "Ready replicas out of those wanted.", (object) => {
  const wanted = numberOf(specOf(object), "replicas") ?? 0;
  return `${numberOf(statusOf(object), "readyReplicas") ?? 0}/${wanted}`;
});
const runtime = column("Runtime", "Language runtime that executes the function.", (object) =>
  runtimeOf(specOf(object)),
);
const input = column("Input", "Topics read, in short, or the connector that replaces them.", (object) =>
  shortTopics(inputOf(specOf(object))),
);
const output = column("Output", "Topic written, in short.", (object) => shortTopics(outputOf(specOf(object))));
const topics = wideColumn("Topics", "Topics read and written, in full.", (object) =>
  [inputOf(specOf(object)), outputOf(specOf(object))].filter((text) => text !== "").join(" -> "),
);
const className = wideColumn("Class", "Class that is run.", (object) => textOf(specOf(object), "className"));
const image = wideColumn("Image", "Runner image, if the object names one.", (object) =>
  textOf(specOf(object), "image"),
);
const scaling = wideColumn("Scaling", "Bounds of the autoscaler, `fixed` without one.", (object) => {
  const spec = specOf(object);
  const max = numberOf(spec, "maxReplicas");
  return max === undefined ? "fixed" : `${numberOf(spec, "minReplicas") ?? 1}-${max}`;
});
const guarantee = wideColumn("Guarantee", "Processing guarantee.", (object) =>
  textOf(specOf(object), "processingGuarantee"),
);

export const functionColumns: readonly Column[] = [
  nameColumn,
  ready,
  phase,
  runtime,
  input,
  output,
  ageColumn,
  reason,
  topics,
  className,
  guarantee,
  scaling,
  image,
];
export const sourceColumns: readonly Column[] = [
  nameColumn,
  ready,
  phase,
  output,
  ageColumn,
  reason,
  topics,
  className,
  guarantee,
  scaling,
  image,
];
export const sinkColumns: readonly Column[] = [
  nameColumn,
  ready,
  phase,
  input,
  ageColumn,
  reason,
  topics,
  className,
  guarantee,
  scaling,
  image,
];

const members = (spec: string, status: string): Column["cell"] => {
  return (object) => {
    const conditions = entriesOf(statusOf(object), status);
    const good = conditions.filter(([, c]) => textOf(c, "status") === "True" && textOf(c, "condition") !== "Orphaned");
    return `${good.length}/${listOf(objectOf(object, "spec"), spec).length}`;
  };
};

export const functionMeshColumns: readonly Column[] = [
  nameColumn,
  phase,
  column(
    "Ready",
    "Whether every member is ready.",
    (object) => textOf(objectOf(statusOf(object), "condition"), "status") || "Unknown",
  ),
  column("Functions", "Ready functions out of those declared.", members("functions", "functionConditions")),
  column("Sources", "Ready sources out of those declared.", members("sources", "sourceConditions")),
  column("Sinks", "Ready sinks out of those declared.", members("sinks", "sinkConditions")),
  ageColumn,
];

export const backendConfigColumns: readonly Column[] = [
  nameColumn,
  column("Auto Update", "Whether a change here rolls the workloads it applies to.", (object) =>
    String(isTrue(objectOf(object, "spec"), "autoUpdate")),
  ),
  column(
    "Env",
    "Number of environment variables it sets.",
    (object) => Object.keys(objectOf(objectOf(object, "spec"), "env") ?? {}).length,
  ),
  ageColumn,
];
