import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";

export type ExactDelete = { readonly propagationPolicy: "Foreground" | "Background"; readonly signal: AbortSignal };

/** Deletes exactly this object, not one of the same name that came after it; that it is gone already is fine. */
export async function deleteExactly(
  client: ResourceClient,
  type: ResourceType,
  { metadata: { name = "", namespace = "", uid } }: KubeObject,
  options: ExactDelete,
): Promise<void> {
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  await unlessGone(client.delete({ type, name, namespace }, { ...options, ...preconditions }));
}
