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
