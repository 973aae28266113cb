import { newForbidden, newNotFound } from "../../../errors/status-error.ts";
import { type Sleep, sleep } from "../../../machinery/clock.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../../interface.ts";

export type NamespaceState = { readonly exists: boolean; readonly terminating: boolean };
/** Asks for a namespace as it is now; a cached answer may say "missing" of one that was just created. */
export type NamespaceLookup = (name: string, signal: AbortSignal) => Promise<NamespaceState>;

export type NamespaceLifecycleOptions = {
  readonly lookup: NamespaceLookup;
  /** Namespaces that cannot be deleted; those a cluster is born with by default. */
  readonly immortal?: readonly string[];
  /** Waits before a missing namespace is looked up again; for tests. */
  readonly wait?: Sleep;
};

/** A namespace made a moment ago may not have arrived where we look (API AD-07). */
const missingNamespaceWaitMs = 50;
const bornWithCluster = ["default", "kube-system", "kube-public"];
const namespaces = { group: "", resource: "namespaces" };
/** Reviews name a namespace that they only ask about. */
const reviewGroups: ReadonlySet<string> = new Set(["authorization.k8s.io", "authentication.k8s.io"]);

/** Nothing is created in a namespace that is missing or going away (API C-08, AD-07). Updates and deletes pass. */
export class NamespaceLifecycle implements AdmissionPlugin {
  readonly name = "NamespaceLifecycle";
  readonly #lookup: NamespaceLookup;
  readonly #immortal: ReadonlySet<string>;
  readonly #wait: Sleep;

  constructor({ lookup, immortal = bornWithCluster, wait = sleep }: NamespaceLifecycleOptions) {
    this.#lookup = lookup;
    this.#immortal = new Set(immortal);
    this.#wait = wait;
  }

  async admit(attributes: AdmissionAttributes): Promise<undefined> {
    const { operation, resource, namespace, name, signal } = attributes;
    if (operation === "DELETE" && isNamespace(attributes) && this.#immortal.has(name)) {
      throw newForbidden(namespaces, name, "this namespace may not be deleted");
    }
    if (operation !== "CREATE" || namespace === "" || reviewGroups.has(resource.group)) return;
    const state = await this.#lookUpTwice(namespace, signal);
    if (!state.exists) throw newNotFound(namespaces, namespace);
    if (state.terminating) throw terminating(attributes);
  }

  async #lookUpTwice(name: string, signal: AbortSignal): Promise<NamespaceState> {
    const state = await this.#lookup(name, signal);
    if (state.exists) return state;
    await this.#wait(missingNamespaceWaitMs, signal);
    return this.#lookup(name, signal);
  }
}

const isNamespace = ({ resource }: AdmissionAttributes): boolean =>
  resource.group === namespaces.group && resource.resource === namespaces.resource;

/** kubectl and the namespace controller look for this cause. */
function terminating({ resource, name, namespace }: AdmissionAttributes) {
  return newForbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  );
}
