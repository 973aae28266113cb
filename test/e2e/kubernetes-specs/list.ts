/** Which of Kubernetes' own specs a laptop's server passes, and why it is not asked for the others. */
import { readFileSync } from "node:fs";
import type { Spec } from "./specs.ts";

/** What a spec needs and a laptop's host does not have. */
export const reasons = {
  containers: "programs that run in pods: their files, exit codes, logs and traffic, exec and port-forward",
  nodes: "Nodes and what is done with them: taints, scheduling, resizing, the API of a kubelet",
  workloads: "Deployments, ReplicaSets, ReplicationControllers, DaemonSets or CronJobs",
  definitions: "CustomResourceDefinitions, APIServices, webhooks or policies of admission",
  volumes: "StorageClasses, and volumes that are made, bound, mounted or protected",
  kinds: "another kind that is not served, in this version or at all",
  protobuf: "answers in protobuf: in JSON the suite's clients tell items of a list from single objects by their type",
  itself: "the checks, metrics or peers of Kubernetes' own processes",
  ports: "ports of nodes that are handed out once: nobody listens there",
  tokens: "volumes of tokens in pods: nothing reads them there",
  grace: "pods that take time to stop",
  pace: "minutes at the pace that the suite's clients keep to, or a compaction",
} as const;
export type Reason = keyof typeof reasons;

/** One name a line; a spec that is here is not left out, whatever rule it matches. */
export const passing: readonly string[] = readFileSync(new URL("passing.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "");

type Rule = readonly [reason: Reason, pattern: RegExp];

/** Specs that differ from the others of their file. */
const byName: readonly Rule[] = [
  ["ports", /Services should (prevent NodePort collisions|release NodePorts on delete)/],
  ["tokens", /opting out of API token automount/],
  ["grace", /custom-set generation on new pods and graceful delete/],
  ["pace", /issue 500 podspec updates|if the original version has been compacted away/],
  ["protobuf", /requested by metadata|accept "application\/vnd\.kubernetes\.protobuf"|NativeHistograms/],
  ["workloads", /ServerSideApply should (?!work for CRDs)|deployment|replica ?set|\brc\b|replication controller/i],
  ["workloads", /cron ?job/i],
  ["definitions", /\bCRDs?\b|\bCR\b|CustomResourceDefinition|[Cc]ustom [Rr]esource/],
  [
    "workloads",
    /Discovery should (accurately|locate)|unknown (and duplicate fields|metadata fields) of a typed object/,
  ],
  ["kinds", /authentication\/v1(alpha|beta)1|ClusterTrustBundle|RuntimeClass|[Cc]omponentstatuses/],
  ["kinds", /AggregatedDiscovery should support (raw )?aggregated discovery (interface|endpoint)/],
  ["kinds", /quota/],
  ["nodes", /Kubectl (taint|cluster-info dump)|for nodes/],
];

/** First match counts. */
const byFile: readonly Rule[] = [
  [
    "definitions",
    /^apimachinery\/(crd|custom_resource|webhook|aggregator|mutating|validating|openapiv3|protocol|field_v)/,
  ],
  ["kinds", /^apimachinery\/(flowcontrol|resource_quota|coordinated|storage_version|apiserver_identity)/],
  ["workloads", /^apimachinery\/garbage_collector|^apps\/(cronjob|daemon|deployment|rc|replica|controller_revision)/],
  ["itself", /^apimachinery\/(health|etcd_failure)|^instrumentation\//],
  ["kinds", /^apps\/disruption|^auth\/(certificates|podcert|projected_)|^network\/(ingress|endpoint|service_cidrs)/],
  ["volumes", /^apps\/statefulset|^storage\//],
  ["containers", /^apps\/job|^common\/|^kubectl\/|^network\/|^auth\/service_accounts/],
  ["nodes", /^auth\/(node_auth|per_node)|^node\/|^scheduling\//],
];

/** Why a spec is left out; `undefined` for one that is in no list at all. */
export function reasonOf({ name, file }: Pick<Spec, "name" | "file">): Reason | undefined {
  const rule = byName.find(([, pattern]) => pattern.test(name)) ?? byFile.find(([, pattern]) => pattern.test(file));
  return rule?.[0];
}
