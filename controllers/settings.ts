/** What an installation decides about workloads (FM 7.1, 7.3). Read once, at start. */

export type RunnerImages = {
  readonly java: string;
  readonly python: string;
  readonly go: string;
  /** Keyed by the language of a generic runtime. */
  readonly generic: { readonly [language: string]: string };
};

export type Settings = {
  readonly runnerImages: RunnerImages;
  /** When neither the workload nor a runner image decides. */
  readonly fallbackImage: string;
  readonly downloaderImage: string;
  readonly filebeatImage: string;
  /** For workloads without `imagePullPolicy`. */
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  /** Names of Secrets in the workload's namespace. */
  readonly imagePullSecrets: readonly string[];
  /** Added to every pod; the workload's own win. */
  readonly podLabels: { readonly [key: string]: string };
  readonly podAnnotations: { readonly [key: string]: string };
  /** Packages are fetched by an init container instead of the main one. */
  readonly initContainers: boolean;
  /** Prefer different nodes for the pods of one workload. */
  readonly defaultAffinity: boolean;
  readonly runAsNonRoot: boolean;
  /** Hold changes that don't come from the workload itself, as the annotation does for one (FM 6.5). */
  readonly pauseRollout: boolean;
  /** Workloads that a change which concerns many of them may restart at once; 0: all. */
  readonly maxConcurrentRollouts: number;
  /** Pods are ready only once their instance runs. Absent: they have no readiness probe, as the operator's haven't. */
  readonly readinessProbe?: true;
  /** A container that ends with an error leaves the end of its log as its last words. Absent: only what it says itself. */
  readonly lastLogLines?: true;
  /** Absent: no global BackendConfig. */
  readonly globalBackendConfig?: { readonly namespace: string; readonly name: string };
  /** Name of the BackendConfig that holds for the workloads of its namespace. */
  readonly namespacedBackendConfig: string;
  /** Longest time a deleted workload waits for its clean-up Job, in s. */
  readonly cleanupDeadlineSeconds: number;
  /** Where clean-up Jobs of namespaces that are being deleted run. Absent: they are not cleaned up. */
  readonly cleanupNamespace?: string;
};

/** The operator's defaults; it has no deadline of clean-up, for which two minutes let a JVM start and retry, and no pace. */
export const defaultSettings: Settings = {
  runnerImages: {
    java: "streamnative/pulsar-functions-java-runner:2.10.0.0-rc10",
    python: "streamnative/pulsar-functions-python-runner:2.10.0.0-rc10",
    go: "streamnative/pulsar-functions-go-runner:2.10.0.0-rc10",
    generic: {
      nodejs: "streamnative/pulsar-functions-generic-nodejs-runner:0.1.0",
      python: "streamnative/pulsar-functions-generic-python-runner:0.1.0",
      executable: "streamnative/pulsar-functions-generic-base-runner:0.1.0",
      wasm: "streamnative/pulsar-functions-generic-base-runner:0.1.0",
    },
  },
  fallbackImage: "streamnative/pulsar-all:2.10.0.0-rc10",
  downloaderImage: "streamnative/pulsarctl:2.10.2.3",
  filebeatImage: "streamnative/filebeat:v0.6.0",
  imagePullPolicy: "IfNotPresent",
  imagePullSecrets: [],
  podLabels: {},
  podAnnotations: {},
  initContainers: false,
  defaultAffinity: true,
  runAsNonRoot: false,
  pauseRollout: false,
  maxConcurrentRollouts: 10,
  namespacedBackendConfig: "backend-config",
  cleanupDeadlineSeconds: 120,
};
