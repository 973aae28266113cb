import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import type { Informer, Trigger } from "./interface.ts";
import { keyOf, type ObjectKey } from "./object-key.ts";
import { controllerOf, groupOf } from "./owners.ts";

/** The objects a controller is for. */
export const ownKind = (informer: Informer, concerns?: Trigger["concerns"]): Trigger => ({
  informer,
  keysOf: (object) => [keyOf(object)],
  ...(concerns === undefined ? {} : { concerns }),
});

/** Objects that an object of type `owner` manages: whatever happens to them is the manager's business. */
export const ownedBy = (owner: ResourceType, informer: Informer): Trigger => ({
  informer,
  keysOf(object) {
    const reference = controllerOf(object);
    if (reference === undefined || reference.kind !== owner.kind || groupOf(reference.apiVersion) !== owner.group)
      return [];
    return [{ namespace: owner.namespaced ? (object.metadata.namespace ?? "") : "", name: reference.name }];
  },
});

/** Any other relation, e.g. the Functions that name a BackendConfig. */
export const mapped = (informer: Informer, keysOf: (object: KubeObject) => readonly ObjectKey[]): Trigger => ({
  informer,
  keysOf,
});
