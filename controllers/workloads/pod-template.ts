/** What every pod of a workload looks like (FM 4.3). */
import type {
  Affinity,
  Container,
  LocalObjectReference,
  PodSecurityContext,
  Toleration,
  Volume,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { metricsPort } from "./command/flags.ts";
import { uniqueKeys } from "./keyed-lists.ts";
import type { Workload } from "./workload.ts";

/** A core/v1 PodTemplateSpec, named as far as the renderer looks into it again. */
export type PodTemplate = {
  metadata: { labels: { [key: string]: string }; annotations: { [key: string]: string } };
  spec: PodSpec;
};
export type PodSpec = JsonObject & {
  containers: Container[];
  initContainers?: Container[] | undefined;
  volumes?: Volume[] | undefined;
  nodeSelector?: { [key: string]: string } | undefined;
  tolerations?: Toleration[] | undefined;
  affinity?: Affinity | undefined;
  serviceAccountName?: string | undefined;
  terminationGracePeriodSeconds?: number | undefined;
  imagePullSecrets?: LocalObjectReference[] | undefined;
  securityContext?: PodSecurityContext | undefined;
  restartPolicy?: "OnFailure" | "Never" | undefined;
};

/** What differs between the pods of a StatefulSet and that of a clean-up Job. */
export type PodContents = {
  readonly labels: { readonly [key: string]: string };
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  /** The one whose logs people mean. */
  readonly mainContainer?: string;
};

/** The ids that the runner images' files belong to. */
const user = 10000;
const userGroup = 10001;

export function podTemplate({ spec }: Workload, settings: Settings, contents: PodContents): PodTemplate {
  const pod = spec.pod ?? {};
  // Those in contents.labels select the pods: nobody may replace them.
  const labels = { ...settings.podLabels, ...pod.labels, ...contents.labels };
  const annotations = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(metricsPort),
    // Where a pod has several containers kubectl takes the first unless it is told.
    ...(contents.mainContainer !== undefined && contents.containers.length > 1
      ? { "kubectl.kubernetes.io/default-container": contents.mainContainer }
      : {}),
    ...settings.podAnnotations,
    ...pod.annotations,
  };
  const pullSecrets = [...(pod.imagePullSecrets ?? []), ...settings.imagePullSecrets.map((name) => ({ name }))];
  return {
    metadata: { labels, annotations },
    spec: {
      initContainers: some([...contents.initContainers]),
      containers: [...contents.containers],
      volumes: some([...contents.volumes]),
      nodeSelector: pod.nodeSelector,
      tolerations: some(pod.tolerations ?? []),
      affinity: pod.affinity,
      serviceAccountName: pod.serviceAccountName || undefined,
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
      imagePullSecrets: some(pullSecrets),
      securityContext: pod.securityContext,
    },
  };
}

/**
 * The defaults of what neither the workload nor a BackendConfig says, once both had their say.
 *
 * @param spreadLabels  keeps pods with these labels apart; absent: nothing to keep apart
 */
export function completed(
  { metadata, spec }: PodTemplate,
  settings: Settings,
  spreadLabels?: { [key: string]: string },
): PodTemplate {
  const { serviceAccountName } = spec;
  return {
    metadata,
    spec: uniqueKeys({
      ...spec,
      affinity: spreadLabels === undefined ? spec.affinity : spreadAffinity(spec.affinity, spreadLabels),
      // The API server fills the deprecated alias in, and would take the account from it when the name is removed.
      serviceAccount: serviceAccountName,
      securityContext: spec.securityContext ?? {
        runAsUser: user,
        runAsGroup: userGroup,
        fsGroup: userGroup,
        runAsNonRoot: settings.runAsNonRoot,
        seccompProfile: { type: "RuntimeDefault" },
      },
    }),
  };
}

/** An empty list is written as an absent one: the API server drops it, so it would always look changed. */
export const some = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

function spreadAffinity(affinity: Affinity | undefined, matchLabels: { [key: string]: string }): Affinity {
  const term = {
    weight: 100,
    podAffinityTerm: { labelSelector: { matchLabels }, topologyKey: "kubernetes.io/hostname" },
  };
  const apart = affinity?.podAntiAffinity;
  const preferred = [...(apart?.preferredDuringSchedulingIgnoredDuringExecution ?? []), term];
  return { ...affinity, podAntiAffinity: { ...apart, preferredDuringSchedulingIgnoredDuringExecution: preferred } };
}
