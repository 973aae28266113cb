import type { AdmissionPlugin } from "./interface.ts";
import { AbsentReferences, type MissingLookup } from "./plugins/absent-references/plugin.ts";
import { MaxReplicas } from "./plugins/max-replicas/plugin.ts";
import { NamespaceLifecycle, type NamespaceLookup } from "./plugins/namespace-lifecycle/plugin.ts";

export type PluginDependencies = {
  readonly namespaces: NamespaceLookup;
  /** Pods that one number of an object may ask for. */
  readonly maxReplicas: number;
  /** Of the cluster that runs workloads. */
  readonly isMissing: MissingLookup;
};

/** Every plugin: those of Kubernetes in its order (API AD-01), then ours. */
export function admissionPlugins({
  namespaces,
  maxReplicas,
  isMissing,
}: PluginDependencies): readonly AdmissionPlugin[] {
  return [
    new NamespaceLifecycle({ lookup: namespaces }),
    new MaxReplicas(maxReplicas),
    new AbsentReferences(isMissing),
  ];
}
