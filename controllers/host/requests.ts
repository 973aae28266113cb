import { apiVersionOf, type KubeObject, type OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { isAlreadyExists, isNamespaceTerminating } from "../../apiserver/errors/status-error.ts";

/** The reference by which `owner` manages what it makes. */
export const controllerReference = (type: ResourceType, { metadata }: KubeObject): OwnerReference => ({
  apiVersion: apiVersionOf(type),
  kind: type.kind,
  name: metadata.name ?? "",
  uid: metadata.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
});

/** Creates what the cache doesn't show yet, if need be: an object of that name that exists is as good. */
export async function ensureCreated(
  client: ResourceClient,
  type: ResourceType,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(type, object, { signal });
  } catch (error) {
    if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
  }
}

/** Runs `work` for every item, at most `limit` at once; every item gets its turn, then the first failure is thrown. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of iterator) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
