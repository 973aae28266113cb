/** What every kind's metadata obeys when it is written (API section 4). Pure. */

import type { KubeObject, ObjectMeta, OwnerReference } from "../../apis/meta/v1.ts";
import { abridged } from "../../errors/abridge.ts";
import { deepEqual } from "../../machinery/json.ts";
import { formatTime } from "../../machinery/time.ts";

/** An empty list, map or text says the same as none, and must not make two objects differ. */
export function withoutEmptyMembers(meta: ObjectMeta): ObjectMeta {
  const result = { ...meta };
  for (const name of textMembers) if (result[name] === "") delete result[name];
  for (const name of collectionMembers) if (isEmpty(result[name])) delete result[name];
  return result;
}

const textMembers = ["name", "generateName", "namespace", "uid", "resourceVersion"] as const;
const collectionMembers = ["labels", "annotations", "ownerReferences", "finalizers"] as const;

const isEmpty = (collection: object | undefined): boolean =>
  collection !== undefined && Object.keys(collection).length === 0;

/** What a new object gets from the server. */
export type Birth = {
  /** `undefined` for cluster-scoped kinds. */
  readonly namespace: string | undefined;
  readonly uid: string;
  readonly nowMs: number;
  /** Kinds without a desired state have no generation. */
  readonly tracksGeneration: boolean;
};

/** System members are ours, whatever the client sent (API C-02); labels, owners and finalizers are kept. */
export function metaForCreate(meta: ObjectMeta, { namespace, uid, nowMs, tracksGeneration }: Birth): ObjectMeta {
  const {
    resourceVersion: _resourceVersion,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    generation: _generation,
    managedFields: _managedFields,
    namespace: _namespace,
    ...kept
  } = meta;
  return {
    ...kept,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    ...(tracksGeneration ? { generation: 1 } : {}),
    creationTimestamp: formatTime(nowMs),
  };
}

/**
 * Restores what a client cannot change (API U-08, M-08, M-13). A deletionTimestamp on a live object stays, so that
 * validation refuses it (API section 17, U-08); a changed grace period and another uid (API P-05) likewise.
 */
export function metaForUpdate(meta: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { generation: _generation, namespace: _namespace, ...kept } = meta;
  return {
    ...pick(old, ["uid"]),
    ...kept,
    ...pick(old, ["name", "namespace", "resourceVersion", "generation", "creationTimestamp"]),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(meta.deletionGracePeriodSeconds === undefined ? pick(old, ["deletionGracePeriodSeconds"]) : {}),
  };
}

function pick(meta: ObjectMeta, names: readonly (keyof ObjectMeta)[]): ObjectMeta {
  const picked: ObjectMeta = {};
  const copy = <K extends keyof ObjectMeta>(name: K, value: ObjectMeta[K]): void => {
    if (value !== undefined) picked[name] = value;
  };
  for (const name of names) copy(name, meta[name]);
  return picked;
}

type Counting = {
  /** `status` is no part of the desired state. */
  readonly hasStatus: boolean;
  readonly desiredState: ((object: KubeObject) => KubeObject) | undefined;
};

/** `next` with a generation one higher if it wants something else than `old` (API M-07). */
export function withGeneration(
  next: KubeObject,
  old: KubeObject,
  { hasStatus, desiredState = (object) => object }: Counting,
): KubeObject {
  const { generation } = old.metadata;
  if (generation === undefined || sameDesiredState(desiredState(next), desiredState(old), hasStatus)) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

function sameDesiredState(a: KubeObject, b: KubeObject, hasStatus: boolean): boolean {
  for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (field === "metadata" || (field === "status" && hasStatus)) continue;
    if (!deepEqual(a[field], b[field])) return false;
  }
  return true;
}

/** `object` with the status of `from`, which may have none. */
export function withStatusOf(object: KubeObject, from: KubeObject): KubeObject {
  return withStatus(object, from.status);
}

export function withStatus(object: KubeObject, status: KubeObject[string]): KubeObject {
  const { status: _status, ...rest } = object;
  const { apiVersion, kind, metadata } = object;
  return { ...rest, apiVersion, kind, metadata, ...(status === undefined || status === null ? {} : { status }) };
}

/** Entirely equal owner references are kept once (API U-10); `duplicates` lists the uids that came twice. */
export function withoutDuplicateOwners(meta: ObjectMeta): { metadata: ObjectMeta; duplicates: readonly string[] } {
  const owners = meta.ownerReferences ?? [];
  const kept: OwnerReference[] = [];
  const duplicates: string[] = [];
  const seen = new Set<string>();
  for (const owner of owners) {
    const { apiVersion, kind, name, uid, controller = null, blockOwnerDeletion = null } = owner;
    const key = JSON.stringify([apiVersion, kind, name, uid, controller, blockOwnerDeletion]);
    if (seen.has(key)) duplicates.push(owner.uid);
    else kept.push(owner);
    seen.add(key);
  }
  return duplicates.length === 0
    ? { metadata: meta, duplicates }
    : { metadata: { ...meta, ownerReferences: kept }, duplicates };
}

export function duplicateOwnersWarning(uids: readonly string[]): string {
  return `.metadata.ownerReferences contains duplicate entries; they were removed, list each owner once; duplicate UID(s): ${abridged(uids.join(", "))}`;
}
