import type { AdmissionPlugin } from "./interface.ts";
import { NamespaceLifecycle, type NamespaceLookup } from "./plugins/namespace-lifecycle/plugin.ts";

export type PluginDependencies = { readonly namespaces: NamespaceLookup };

/** Every plugin, in Kubernetes' order (API AD-01). */
export function admissionPlugins({ namespaces }: PluginDependencies): readonly AdmissionPlugin[] {
  return [new NamespaceLifecycle({ lookup: namespaces })];
}
