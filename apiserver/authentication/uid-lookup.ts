import type { ResourceClient, ResourceType } from "../client/client.ts";
import { podType, secretType, serviceAccountType } from "../client/resource-types.ts";
import { isNotFound } from "../errors/status-error.ts";
import type { BoundObject, UidLookup } from "./service-account-token.ts";

const types: { readonly [Kind in BoundObject["kind"]]: ResourceType } = {
  ServiceAccount: serviceAccountType,
  Pod: podType,
  Secret: secretType,
};

/** Looks objects up where `client` finds them; what is being deleted counts as long as it is there. */
export function clientUidLookup(client: ResourceClient): UidLookup {
  return async ({ kind, namespace, name }, signal) => {
    try {
      return (await client.get({ type: types[kind], namespace, name }, { signal })).metadata.uid;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
}
