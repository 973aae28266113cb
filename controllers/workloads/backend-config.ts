/** What the BackendConfigs of the installation and of the namespace add to a pod (FM 4.9). */
import type {
  AppliedConfig,
  BackendConfigResource,
  Container,
  PodPolicy,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { livenessProbe } from "./container.ts";
import { type PodTemplate, some } from "./pod-template.ts";
import { sortedEntries } from "./workload.ts";

/** Those that hold for one workload; either may be missing. */
export type BackendConfigs = {
  readonly global?: BackendConfigResource;
  readonly namespaced?: BackendConfigResource;
};

/** Those in effect and the paths of what they give, as a user is told. */
export function appliedConfigs({ global, namespaced }: BackendConfigs): AppliedConfig[] {
  return [global, namespaced].flatMap((config) => {
    if (config === undefined) return [];
    const { namespace = "", name = "", resourceVersion = "" } = config.metadata;
    const { env = {}, pod = {} } = config.spec ?? {};
    const given = Object.entries(pod).filter(([field, value]) => honoured.has(field) && value !== undefined);
    const fields = [
      ...Object.keys(env).map((variable) => `env.${variable}`),
      ...given.flatMap(([field, value]) =>
        mergedMaps.has(field) && isObject(value)
          ? Object.keys(value).map((key) => `pod.${field}.${key}`)
          : [`pod.${field}`],
      ),
    ];
    return [{ namespace, name, resourceVersion, fields: fields.sort().slice(0, maxFieldsShown) }];
  });
}

/** More paths than anybody reads. */
const maxFieldsShown = 50;
const mergedMaps: ReadonlySet<string> = new Set(["labels", "annotations", "nodeSelector"]);
/** What of a BackendConfig's pod has an effect (FM 1.6). */
const honoured: ReadonlySet<string> = new Set([
  ...mergedMaps,
  ...["affinity", "tolerations", "securityContext", "terminationGracePeriodSeconds", "imagePullSecrets"],
  ...["serviceAccountName", "liveness", "startupProbe"],
]);

/** Adds to `template` what the workload leaves open; the workload wins, then the namespace, then the installation. */
export function overlayBackendConfigs(
  template: PodTemplate,
  { global, namespaced }: BackendConfigs,
  mainContainer: string,
): PodTemplate {
  if (global === undefined && namespaced === undefined) return template;
  const outer = global?.spec?.pod ?? {};
  const inner = namespaced?.spec?.pod ?? {};
  const policy: PodPolicy = { ...outer, ...inner };
  const env = sortedEntries({ ...global?.spec?.env, ...namespaced?.spec?.env }).map(([name, value]) => ({
    name,
    value,
  }));
  const { metadata, spec } = template;
  return {
    metadata: {
      labels: { ...outer.labels, ...inner.labels, ...metadata.labels },
      annotations: { ...outer.annotations, ...inner.annotations, ...metadata.annotations },
    },
    spec: {
      ...spec,
      containers: spec.containers.map((container) => ({
        ...(container.name === mainContainer ? withProbes(container, policy) : container),
        env: [...env, ...(container.env ?? [])],
      })),
      nodeSelector: someEntries({ ...outer.nodeSelector, ...inner.nodeSelector, ...spec.nodeSelector }),
      tolerations: some([...(outer.tolerations ?? []), ...(inner.tolerations ?? []), ...(spec.tolerations ?? [])]),
      imagePullSecrets: some([
        ...(outer.imagePullSecrets ?? []),
        ...(inner.imagePullSecrets ?? []),
        ...(spec.imagePullSecrets ?? []),
      ]),
      affinity: spec.affinity ?? policy.affinity,
      securityContext: spec.securityContext ?? policy.securityContext,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? policy.terminationGracePeriodSeconds,
      serviceAccountName: spec.serviceAccountName || policy.serviceAccountName || undefined,
    },
  };
}

function withProbes(container: Container, { liveness, startupProbe }: PodPolicy): Container {
  return {
    ...container,
    livenessProbe: container.livenessProbe ?? (liveness && livenessProbe(liveness)),
    startupProbe: container.startupProbe ?? startupProbe,
  };
}

const someEntries = <T>(map: { [key: string]: T }): { [key: string]: T } | undefined =>
  Object.keys(map).length === 0 ? undefined : map;
