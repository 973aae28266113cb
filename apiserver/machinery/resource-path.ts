/** Paths of the API, for those who ask it (API section 3). */
import type { GroupVersion, GroupVersionResource } from "../apis/meta/v1.ts";
import { newInternal } from "../errors/status-error.ts";

type Resource = GroupVersionResource & { readonly namespaced: boolean };

/** `/api/v1`, `/apis/apps/v1`: where the discovery document of a group and version is, and everything in it below. */
export function groupVersionPath({ group, version }: GroupVersion): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** @param namespace  `undefined` or `""` for all of them */
export function collectionPath(type: Resource, namespace: string | undefined): string {
  const scope = type.namespaced && (namespace ?? "") !== "" ? `/namespaces/${encodeURIComponent(namespace ?? "")}` : "";
  return `${groupVersionPath(type)}${scope}/${type.resource}`;
}

export function objectPath(type: Resource, namespace: string | undefined, name: string, subresource?: string): string {
  // Without a name this would be the collection, and a delete would delete all of it.
  if (name === "") throw newInternal(`a name is needed for ${type.resource}`);
  const object = `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? object : `${object}/${subresource}`;
}
