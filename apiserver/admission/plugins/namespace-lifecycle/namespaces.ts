import type { KubeObject } from "../../../apis/meta/v1.ts";
import type { ResourceClient } from "../../../client/client.ts";
import type { Follow } from "../../../client/follow.ts";
import { namespaceType } from "../../../client/resource-types.ts";
import { isNotFound } from "../../../errors/status-error.ts";
import type { NamespaceLookup, NamespaceState } from "./plugin.ts";

/**
 * Namespaces of the cluster behind `client`, answered from memory while that says "active"; anything else is asked live,
 * as memory may be a moment behind (API AD-07).
 *
 * @returns resolves once all namespaces were read; follows them until the signal aborts
 */
export async function followNamespaces(
  client: ResourceClient,
  follow: Follow,
  signal: AbortSignal,
): Promise<NamespaceLookup> {
  const active = new Set<string>();
  const note = (namespace: KubeObject): void => {
    const name = namespace.metadata.name ?? "";
    if (stateOf(namespace).terminating) active.delete(name);
    else active.add(name);
  };
  const forget = ({ metadata }: KubeObject): void => void active.delete(metadata.name ?? "");
  await follow(client, { type: namespaceType }, { upsert: note, remove: forget }, signal);
  return async (name, signal) =>
    active.has(name) ? { exists: true, terminating: false } : lookUp(client, name, signal);
}

async function lookUp(client: ResourceClient, name: string, signal: AbortSignal): Promise<NamespaceState> {
  try {
    return stateOf(await client.get({ type: namespaceType, name }, { signal }));
  } catch (error) {
    if (isNotFound(error)) return { exists: false, terminating: false };
    throw error;
  }
}

function stateOf({ metadata }: KubeObject): NamespaceState {
  return { exists: true, terminating: metadata.deletionTimestamp !== undefined };
}
