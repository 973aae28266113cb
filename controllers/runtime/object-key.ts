import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";

/** Which object of a known type; `namespace` is `""` for cluster-scoped types. */
export type ObjectKey = { readonly namespace: string; readonly name: string };

export const keyOf = ({ metadata }: Pick<KubeObject, "metadata">): ObjectKey => ({
  namespace: metadata.namespace ?? "",
  name: metadata.name ?? "",
});

/** `demo/wordcount`, or just `demo` for what has no namespace. */
export const formatKey = ({ namespace, name }: ObjectKey): string => (namespace === "" ? name : `${namespace}/${name}`);

/** The inverse of `formatKey`; neither names nor namespaces hold a slash. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf("/");
  return slash < 0 ? { namespace: "", name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
