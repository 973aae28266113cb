/**
 * Where our rendering differs from what the operator was seen to create, and why. Everything that is not listed is
 * equal: `golden.test.ts` fails when a listed difference is gone as well as when an unlisted one appears.
 */

/** A difference the judge reports: `lines` matches its line, `Kind/name  json.path  theirs -> ours`. */
export type Difference = { readonly lines: RegExp; readonly reason: string };

const goCpu: Difference = {
  lines: /\["-instance-conf"\]\.cpu {2}\d+ -> /,
  reason: "W-47: a Go instance takes fractions of a core, so it is told what was requested",
};
const goInstance: Difference = {
  lines:
    /\["-instance-conf"\]\.(functionDetails|subscriptionPosition|sourceInputSpecs|secretsMap|clientAuthentication\w+|tls\w+) {2}/,
  reason: "W-47: a Go instance is told everything that its configuration has a key for",
};
const go = [goCpu, goInstance];
const autoscaledSidecar: Difference = {
  lines: /\.containers\.filebeat\.resources {2}\(absent\) -> /,
  reason: "kubernetes issue 79365: an autoscaler needs the requests of all containers of a pod",
};
const cleanupJob: Difference = {
  lines: /^Job\/\S+-cleanup {2}\. {2}"exists" -> \(absent\)$/,
  reason: "W-24…W-29: the clean-up Job is made when the workload is deleted, not kept waiting beside it",
};
const kubernetesReference: Difference = {
  lines: /\.k8s {2}"\S+-0 \$" -> "\$\(POD_NAME\) \$\$"$/,
  reason: "FM 11: what a user writes reaches the program as written; Kubernetes would expand $(…) and $$",
};
const pythonLogFile: Difference = {
  lines: /rotating_file_handler\.args {2}.*'logs\/functions\/(\S+)\.log'.* -> .*'logs\/functions\/\1-0\.log'/,
  reason: "W-55: the file that is rotated is the one that is written, one per pod",
};
const pythonJson: Difference = {
  lines: /python_instance_logging\.ini"\]\.formatter_formatter\.(format|datefmt) /,
  reason: "W-55: a line of JSON holds time, level and place besides the message",
};
const yamlFile: Difference = {
  lines: /java_instance_log4j\.yaml"\]\.Configuration\.(Appenders\.RollingRandomAccessFile|Loggers\.\S+\[1\]) /,
  reason: "W-56: as with XML, a file is written when somebody rotates or ships it",
};
const exactNumbers: Difference = {
  lines: /\.(userConfig|configs)\.\w+ {2}\d{16,} -> \d{16,}$/,
  reason: "W-57: numbers in free-form configuration are passed on digit for digit",
};
const connectorType: Difference = {
  lines: /\.(source|sink)\.typeClassName {2}"\[B" -> "java\.lang\.\w+"$/,
  reason: "W-49: a connector's type class replaces the defaulted one",
};
/** Found wherever it applies. */
export const everywhere: readonly Difference[] = [
  {
    lines:
      /\.annotations\["kubectl\.kubernetes\.io\/default-container"\] {2}\(absent\) -> "pulsar-(function|source|sink)"$/,
    reason: "kubectl logs and exec take the main container of a pod with several",
  },
];
const neverMade = (why: string): Difference => ({
  lines: /^(StatefulSet|Service|Function)\/\S+ {2}\. {2}\(absent\) -> "exists"$/,
  reason: `the operator never gets that far: ${why}; its user sees nothing, ours a condition and an event`,
});

export const differences: { readonly [name: string]: readonly Difference[] } = {
  "auth-secret-go": [...go],
  "backend-config-no-auto-update/v2": [
    {
      lines: /\.env\.B {2}\(absent\) -> /,
      reason: "rendered, but held back by the reconciler: the BackendConfig doesn't update by itself",
    },
  ],
  "cleanup-admin": [cleanupJob],
  "cleanup-go": [cleanupJob, ...go],
  "cleanup-oauth2": [cleanupJob],
  "cleanup-pattern-pulsarctl": [cleanupJob],
  "cleanup-pod-policy": [cleanupJob],
  "cleanup-topics": [cleanupJob],
  "config-file-cleanup": [cleanupJob],
  "config-file-go": [...go],
  "connector-archive": [connectorType],
  "connector-source": [connectorType, exactNumbers],
  "crypto-secret-without-mount": [
    { lines: /spec\.volumes {2}.* -> \(absent\)$/, reason: "W-51: a Secret that nothing mounts needs no volume" },
  ],
  "download-auth-secret": [
    {
      lines: /\["--tls-enable-hostname-verification"\] -> \(absent\)$/,
      reason: "function-mesh issue 522: what the Secret says about TLS is obeyed by every tool",
    },
  ],
  "download-oauth2-pulsarctl": [
    { lines: /\["--scope"\] {2}"a" -> "a b"$|\["b"\] -> \(absent\)$/, reason: "W-44: a scope is one argument" },
  ],
  "fixture-clusters-functionmesh": [...go],
  "fixture-clusters-go-function": [...go],
  "fixture-integration-elasticsearch-sink": [cleanupJob, autoscaledSidecar],
  "fixture-integration-go-download-function": [...go],
  "fixture-integration-go-function": [...go],
  "fixture-integration-java-log-format-json": [yamlFile],
  "fixture-integration-java-log-yaml": [yamlFile],
  "fixture-integration-python-log-format-json": [pythonLogFile, pythonJson, autoscaledSidecar],
  "fixture-oauth2-java-download-function": [cleanupJob],
  "func-config-big-integers": [exactNumbers],
  "generic-unknown-language": [neverMade("the cluster refuses an empty image")],
  "go-cpu-rounded": [...go],
  "go-default-dead-letter": [...go],
  "go-download-package": [...go],
  "go-log-configmap": [...go],
  "go-log-level-debug": [...go],
  "go-log-level-off": [...go],
  "go-log-level-panic": [...go],
  "go-log-sidecar": [...go],
  "go-output-none": [...go],
  "go-precise-parallelism": [...go],
  "go-topics-and-pattern": [
    ...go,
    { lines: /\.sourceSpecsTopic {2}/, reason: "W-47: a pattern that is subscribed to must be told" },
  ],
  "init-generic": [neverMade("W-48, its pod mounts a volume that isn't there; ours has an init container fill it")],
  "init-no-location": [
    { lines: /\["--jar"\] {2}/, reason: "W-48: a package that is part of the image stays where it is" },
  ],
  "init-sink": [cleanupJob],
  "mesh-invalid-child": [
    neverMade("a webhook refuses the members, and ours will too: what is compared is the mesh's wish"),
  ],
  "mesh-mixed": [...go],
  "pod-labels-break-selector": [neverMade("the cluster refuses a selector that doesn't match the pods")],
  "python-log-json": [pythonJson],
  "python-log-rotate-sized-10mb": [pythonLogFile],
  "python-log-rotate-sized-50mb": [pythonLogFile],
  "python-log-rotate-timed-daily": [pythonLogFile],
  "python-log-rotate-timed-monthly": [pythonLogFile],
  "python-log-sidecar": [pythonLogFile],
  "quoting-generic": [kubernetesReference],
  "quoting-java": [kubernetesReference],
  "quoting-names": [
    {
      lines: /-Dpulsar\.function\.log\.file=|\["--cluster_name"\] {2}"a" -> "a b"$|\["b"\] -> \(absent\)$/,
      reason: "W-44: names with spaces are one argument",
    },
  ],
  "quoting-python": [kubernetesReference],
  "quoting-sink": [kubernetesReference],
  "quoting-source": [kubernetesReference],
  "resources-storage": [neverMade("the cluster refuses `storage` as a resource of a container")],
  "secrets-go": [...go],
  "sidecar-without-topic": [
    {
      lines: /filebeat-logs|java_instance_log4j\.xml"\]\.children/,
      reason: "W-50: without a log topic nothing is shipped, so no log files are written for it",
    },
  ],
  "sink-cleanup": [cleanupJob],
  "source-batch": [cleanupJob],
  "source-log-runtime": [
    { lines: /\.logTopic {2}\(absent\) -> /, reason: "W-50: an instance that ships its own logs is told where to" },
  ],
  "source-python-log-config": [
    { lines: /pylog/, reason: "FM 1.4: connectors run in Java; a Python logging configuration is for nobody" },
  ],
  "source-typed-config": [exactNumbers],
  "update-behavior-crash/v2": [
    { lines: /spec\.behavior {2}\(absent\) -> /, reason: "W-2: the operator crashes over this input" },
  ],
  "update-cleanup-delete/v1": [cleanupJob],
  "update-remove-hpa/v2": [
    {
      lines: /^HorizontalPodAutoscaler\/\S+ {2}\. {2}"exists" -> \(absent\)$/,
      reason: "W-19: an autoscaler goes with the field that asked for it",
    },
  ],
  "update-remove-pulsar/v2": [
    {
      lines: /envFrom|--pulsar_serviceurl/,
      reason: "W-1: the operator crashes over this input and leaves the old pods; our API refuses the update",
    },
  ],
};

/** Cases that cannot be compared. */
export const skipped: { readonly [name: string]: string } = {
  "update-cleanup-delete/v2": "what is left after a deletion: W-25, an orphaned Job",
};
