import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ObjectKey } from "./object-key.ts";

/**
 * Reads an informer's cache. What it returns is shared and must not be changed, and may lag behind the server: writes
 * that depend on it carry the resourceVersion they were computed from.
 */
export interface Lister<T extends KubeObject = KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** In no particular order. @param namespace absent: all of them */
  list(namespace?: string): readonly T[];
  /** What `index` files under `value`. @throws Error when the informer has no such index */
  byIndex(index: string, value: string): readonly T[];
}

/** The same cache, seen as objects of one kind; whatever `is` refuses is not there. */
export function narrow<T extends KubeObject>(lister: Lister, is: (object: KubeObject) => object is T): Lister<T> {
  return {
    get(key) {
      const object = lister.get(key);
      return object !== undefined && is(object) ? object : undefined;
    },
    list: (namespace) => lister.list(namespace).filter(is),
    byIndex: (index, value) => lister.byIndex(index, value).filter(is),
  };
}
