import type { KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../client/client.ts";
import type { Follow } from "../client/follow.ts";
import { clusterRoleBindingType, clusterRoleType, roleBindingType, roleType } from "../client/resource-types.ts";
import { isAlreadyExists } from "../errors/status-error.ts";
import type { RbacKind, RbacPolicy } from "./rbac-policy.ts";

export const rbacTypes: { readonly [Kind in RbacKind]: ResourceType & { readonly kind: Kind } } = {
  Role: roleType,
  ClusterRole: clusterRoleType,
  RoleBinding: roleBindingType,
  ClusterRoleBinding: clusterRoleBindingType,
};

/**
 * Keeps `policy` equal to the roles and bindings behind `client` until the signal aborts.
 * @returns resolves when all four kinds were read once: before that, decisions lack policy
 */
export async function followRbac(
  client: ResourceClient,
  policy: RbacPolicy,
  follow: Follow,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(Object.values(rbacTypes).map((type) => follow(client, { type }, policy.sinks[type.kind], signal)));
}

/** Creates those objects that do not exist yet, all at once; existing ones are left as they are. */
export async function ensureRbac(
  client: ResourceClient,
  objects: readonly (KubeObject & { readonly kind: RbacKind })[],
  signal?: AbortSignal,
): Promise<void> {
  const ensure = async (object: (typeof objects)[number]): Promise<void> => {
    try {
      await client.create(rbacTypes[object.kind], object, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  };
  await Promise.all(objects.map(ensure));
}
