import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { configMapType, serviceAccountType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result } from "../runtime/reconciler.ts";
import { mapped, ownKind } from "../runtime/triggers.ts";
import { ensureCreated } from "./requests.ts";

const serviceAccountName = "default";
const rootCaName = "kube-root-ca.crt";

const isActive = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp === undefined;

/** Gives every namespace what pods take for granted: ServiceAccount `default` and ConfigMap `kube-root-ca.crt`. */
export class NamespaceDefaults implements Reconciler {
  readonly #client: ResourceClient;
  readonly #rootCa: string;
  readonly #namespaces: Informer;
  readonly #serviceAccounts: Informer;
  readonly #configMaps: Informer;

  /** @param deps.rootCa certificates in PEM by which pods would know this server */
  constructor(deps: {
    client: ResourceClient;
    rootCa: string;
    namespaces: Informer;
    serviceAccounts: Informer;
    configMaps: Informer;
  }) {
    this.#client = deps.client;
    this.#rootCa = deps.rootCa;
    this.#namespaces = deps.namespaces;
    this.#serviceAccounts = deps.serviceAccounts;
    this.#configMaps = deps.configMaps;
  }

  triggers(): readonly Trigger[] {
    const namespaceOf = (name: string) => (object: KubeObject) =>
      object.metadata.name === name ? [{ namespace: "", name: object.metadata.namespace ?? "" }] : [];
    return [
      ownKind(this.#namespaces, () => false),
      mapped(this.#serviceAccounts, namespaceOf(serviceAccountName)),
      mapped(this.#configMaps, namespaceOf(rootCaName)),
    ];
  }

  async reconcile({ name: namespace }: ObjectKey, { signal }: ReconcileContext): Promise<Result> {
    const found = this.#namespaces.lister.get({ namespace: "", name: namespace });
    if (found === undefined || !isActive(found)) return done;
    await Promise.all([this.#ensureServiceAccount(namespace, signal), this.#ensureRootCa(namespace, signal)]);
    return done;
  }

  async #ensureServiceAccount(namespace: string, signal: AbortSignal): Promise<void> {
    if (this.#serviceAccounts.lister.get({ namespace, name: serviceAccountName }) !== undefined) return;
    const metadata = { name: serviceAccountName, namespace };
    await this.#create(serviceAccountType, { apiVersion: "v1", kind: "ServiceAccount", metadata }, signal);
  }

  async #ensureRootCa(namespace: string, signal: AbortSignal): Promise<void> {
    const existing = this.#configMaps.lister.get({ namespace, name: rootCaName });
    const data = { "ca.crt": this.#rootCa };
    if (existing === undefined) {
      const metadata = { name: rootCaName, namespace };
      await this.#create(configMapType, { apiVersion: "v1", kind: "ConfigMap", metadata, data }, signal);
    } else if (textOf(objectOf(existing, "data"), "ca.crt") !== this.#rootCa) {
      await unlessGone(this.#client.update(configMapType, { ...existing, data }, { signal }));
    }
  }

  /** The namespace may be gone by now, which is as good as done. */
  async #create(type: typeof configMapType, object: KubeObject, signal: AbortSignal): Promise<void> {
    await unlessGone(ensureCreated(this.#client, type, object, signal));
  }
}
