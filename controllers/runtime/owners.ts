/**
 * Who owns whom, as Kubernetes judges it. A uid is known to everybody who may read the object, so alone it proves nothing:
 * a reference counts when kind, name and scope are those of the owner too (API KC-09).
 */
import type { KubeObject, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { ownerUidIndex } from "./interface.ts";
import type { Lister } from "./lister.ts";

/** What a reference to an owner must say. `namespace` is `""` for cluster-scoped types. */
export type Owner = {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
};

export const ownerOf = (type: ResourceType, { metadata }: Pick<KubeObject, "metadata">): Owner => ({
  type,
  namespace: metadata.namespace ?? "",
  name: metadata.name ?? "",
  uid: metadata.uid ?? "",
});

/** `compute.functionmesh.io` of `compute.functionmesh.io/v1alpha1`; `""` for the core group. */
export const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(apiVersion.indexOf("/"), 0));

/** The reference of the owner that manages the object, of which there is at most one. */
export const controllerOf = ({ metadata }: Pick<KubeObject, "metadata">): OwnerReference | undefined =>
  metadata.ownerReferences?.find((reference) => reference.controller === true);

/** A namespaced owner is out of reach for objects of other namespaces, and for those that have none. */
export const isInReach = ({ metadata }: Pick<KubeObject, "metadata">, owner: Pick<Owner, "type" | "namespace">) =>
  !owner.type.namespaced || (metadata.namespace ?? "") === owner.namespace;

/** Whether `reference`, which is one of `dependent`'s, is to this owner. */
export const refersTo = (reference: OwnerReference, dependent: Pick<KubeObject, "metadata">, owner: Owner): boolean =>
  owner.uid !== "" &&
  reference.uid === owner.uid &&
  reference.name === owner.name &&
  reference.kind === owner.type.kind &&
  groupOf(reference.apiVersion) === owner.type.group &&
  isInReach(dependent, owner);

export function isControlledBy(object: Pick<KubeObject, "metadata">, owner: Owner): boolean {
  const reference = controllerOf(object);
  return reference !== undefined && refersTo(reference, object, owner);
}

/**
 * Whether the object was managed by a predecessor of this owner: two at once have no name in common, so what has this one's
 * name and another uid is gone. Kubernetes' garbage collector deletes such an object, unless it missed the end of the owner: when
 * it lists owners anew, a successor looks like a change of the one it knows.
 */
export function isOfPredecessor(object: Pick<KubeObject, "metadata">, owner: Owner): boolean {
  const reference = controllerOf(object);
  if (reference === undefined || reference.uid === owner.uid) return false;
  return refersTo({ ...reference, uid: owner.uid }, object, owner);
}

/** As the store has it: a cache that is behind takes a successor's objects for a predecessor's. */
export async function isNewest(client: ResourceClient, { uid, ...ref }: Owner, signal: AbortSignal): Promise<boolean> {
  const newest = await unlessGone(client.get(ref, { signal }));
  return newest?.metadata.uid === uid;
}

/** The cached objects that `owner` manages. */
export const controlledBy = (lister: Lister, owner: Owner): readonly KubeObject[] =>
  lister.byIndex(ownerUidIndex, owner.uid).filter((object) => isControlledBy(object, owner));
