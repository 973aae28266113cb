/** What a workload leaves behind in Pulsar, to be removed with it (FM 4.13). */
import type { ConsumerSpec, InputConf, WorkloadSpec } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import { inputSpecs } from "./function-details.ts";
import type { CleanupTask } from "./workload.ts";

/** The subscriptions of a consumer, if it asks for their removal. */
export function subscriptionTasks(
  spec: WorkloadSpec & ConsumerSpec & { readonly input?: InputConf },
): readonly CleanupTask[] {
  if (spec.cleanupSubscription !== true) return [];
  const { tenant, namespace, name } = spec;
  const subscription = spec.subscriptionName || `${tenant}/${namespace}/${name}`;
  const topics = Object.entries(inputSpecs(spec.input) ?? {});
  const isPattern = (topic: string) =>
    topic === spec.input?.topicPattern || spec.input?.sourceSpecs?.[topic]?.isRegexPattern;
  // Which topics a pattern matched is not known here, but all are in the pattern's namespace.
  const namespaces = new Set(topics.filter(([topic]) => isPattern(topic)).map(([topic]) => namespaceOf(topic)));
  return [
    ...[...namespaces].map((ns): CleanupTask => ({ do: "unsubscribe-namespace", namespace: ns, subscription })),
    ...topics
      .filter(([topic]) => !isPattern(topic) && !namespaces.has(namespaceOf(topic)))
      .map(([topic]): CleanupTask => ({ do: "unsubscribe", topic, subscription })),
  ];
}

/** For people who have to do by hand what no Job did. */
export const leftText = (tasks: readonly CleanupTask[]): string => `Left in Pulsar: ${tasks.map(taskText).join("; ")}.`;

function taskText(task: CleanupTask): string {
  switch (task.do) {
    case "delete-topic":
      return `topic ${task.topic}`;
    case "unsubscribe":
      return `subscription ${task.subscription} of ${task.topic}`;
    case "unsubscribe-namespace":
      return `subscription ${task.subscription} of topics in ${task.namespace}`;
  }
}

/** `tenant/namespace` of a topic name; a short name stands for one in `public/default`. */
function namespaceOf(topic: string): string {
  const [tenant, namespace, rest] = topic.replace(/^(non-)?persistent:\/\//, "").split("/");
  return rest === undefined ? "public/default" : `${tenant}/${namespace}`;
}

/** The topic between a batch source's discovery and its instances. */
export function batchTasks({ tenant, namespace, name }: WorkloadSpec): readonly CleanupTask[] {
  const fullName = `${tenant}/${namespace}/${name}`;
  const topic = `persistent://${fullName}-intermediate`;
  return [
    { do: "unsubscribe", topic, subscription: `BatchSourceExecutor-${fullName}` },
    { do: "delete-topic", topic },
  ];
}
