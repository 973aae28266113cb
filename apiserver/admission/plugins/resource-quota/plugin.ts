/**
 * Counts our objects against the ResourceQuotas of their namespace (`count/functions.compute.functionmesh.io`), as
 * kube-apiserver does for what it serves itself (API KC-20): a create takes its place in the quota's status before it is
 * stored, by a write that holds for the version that was read, so that no race lets in more than the quota allows.
 *
 * Places that were taken in vain, and those that deletions free, are counted anew by the quota controller (API KC-19).
 */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import type { ResourceClient } from "../../../client/client.ts";
import type { Follow } from "../../../client/follow.ts";
import { resourceQuotaType } from "../../../client/resource-types.ts";
import { isConflict, isNotFound, newForbidden } from "../../../errors/status-error.ts";
import { isSet, objectOf } from "../../../machinery/fields.ts";
import { parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../../interface.ts";

/** Writes that may be lost to others before a create is told of the conflict: kube-apiserver's own number is 3. */
const maxAttempts = 10;

type QuotaName = { readonly namespace: string; readonly name: string };

export class ResourceQuota implements AdmissionPlugin {
  readonly name = "ResourceQuota";
  readonly #client: ResourceClient;
  /** Names of the quotas that count something of ours or may, by namespace. */
  readonly #quotas = new Map<string, Set<string>>();
  /** Creates of one namespace go one after the other: they would only take the quota from each other. */
  readonly #lanes = new Map<string, Promise<unknown>>();

  /** Follows the quotas behind `client` until the signal aborts. */
  constructor(client: ResourceClient, follow: Follow, signal: AbortSignal) {
    this.#client = client;
    void follow(client, { type: resourceQuotaType }, { upsert: this.#note, remove: this.#forget }, signal);
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { operation, subresource, namespace } = attributes;
    if (operation !== "CREATE" || subresource !== "" || !this.#quotas.has(namespace)) return;
    await this.#inTurn(namespace, () => this.#charge(attributes));
  }

  readonly #note = (quota: KubeObject): void => {
    const { namespace = "", name = "" } = quota.metadata;
    const hard = Object.keys(objectOf(objectOf(quota, "spec"), "hard") ?? {});
    if (!hard.some((counted) => counted.startsWith("count/"))) {
      this.#forget(quota);
      return;
    }
    const names = this.#quotas.get(namespace);
    if (names === undefined) this.#quotas.set(namespace, new Set([name]));
    else names.add(name);
  };

  readonly #forget = ({ metadata: { namespace = "", name = "" } }: KubeObject): void => {
    const names = this.#quotas.get(namespace);
    names?.delete(name);
    if (names?.size === 0) this.#quotas.delete(namespace);
  };

  async #inTurn(namespace: string, work: () => Promise<void>): Promise<void> {
    const before = this.#lanes.get(namespace) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#lanes.set(namespace, mine);
    try {
      await mine;
    } finally {
      if (this.#lanes.get(namespace) === mine) this.#lanes.delete(namespace);
    }
  }

  /** All of them allow it before any of them is charged. */
  async #charge(attributes: AdmissionAttributes): Promise<void> {
    const { namespace, dryRun } = attributes;
    const names = [...(this.#quotas.get(namespace) ?? [])].map((name) => ({ namespace, name }));
    const charged = await Promise.all(names.map((quota) => this.#withOneMore(quota, attributes)));
    if (dryRun) return;
    for (const quota of charged) if (quota !== undefined) await this.#write(quota, attributes);
  }

  async #write(quota: KubeObject, attributes: AdmissionAttributes): Promise<void> {
    const { namespace = "", name = "" } = quota.metadata;
    let next: KubeObject | undefined = quota;
    for (let attempt = 1; next !== undefined; attempt++) {
      try {
        await this.#client.update(resourceQuotaType, next, { subresource: "status", signal: attributes.signal });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error) || attempt === maxAttempts) throw error;
      }
      next = await this.#withOneMore({ namespace, name }, attributes);
    }
  }

  /**
   * The quota as it stands, with one more object used; `undefined` when it does not count this kind.
   * @throws StatusError `Forbidden` when there is no room
   */
  async #withOneMore(
    { namespace, name }: QuotaName,
    { resource, name: objectName, signal }: AdmissionAttributes,
  ): Promise<KubeObject | undefined> {
    const quota = await this.#read({ namespace, name }, signal);
    const counted = `count/${resource.resource}.${resource.group}`;
    const status = objectOf(quota, "status");
    const [hard, used] = [objectOf(status, "hard"), objectOf(status, "used")];
    // Objects of ours have none of the properties that scopes select pods by.
    const spec = objectOf(quota, "spec");
    if (quota === undefined || isSet(spec, "scopes") || isSet(spec, "scopeSelector")) return undefined;
    const limit = parseQuantity(hard?.[counted] ?? null);
    if (limit === undefined) return undefined;
    const before = parseQuantity(used?.[counted] ?? null);
    const refuse = (why: string) => newForbidden(resource, objectName, why);
    if (before === undefined) throw refuse(`status unknown for quota: ${name}, resources: ${counted}`);
    const after = Quantity.of(before.value() + 1n);
    if (after.compare(limit) > 0)
      throw refuse(
        `exceeded quota: ${name}, requested: ${counted}=1, used: ${counted}=${before}, limited: ${counted}=${limit}`,
      );
    return { ...quota, status: { ...status, used: { ...used, [counted]: after.toString() } } };
  }

  async #read(ref: QuotaName, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#client.get({ type: resourceQuotaType, ...ref }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
