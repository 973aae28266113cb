import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { type IndexFunction, ownerUidIndex } from "./interface.ts";
import type { Lister } from "./lister.ts";
import { formatKey, keyOf, type ObjectKey } from "./object-key.ts";

type Bucket = Map<string, KubeObject>;
type Index = { readonly valuesOf: IndexFunction; readonly buckets: Map<string, Bucket> };

const namespaceIndex = "namespace";

/** What a change did to the store. `replaced` is another incarnation under the same name. */
export type Change =
  | { readonly type: "added"; readonly object: KubeObject }
  | { readonly type: "updated" | "replaced"; readonly object: KubeObject; readonly old: KubeObject }
  | { readonly type: "deleted"; readonly object: KubeObject };

/**
 * Objects of one type by key, and by the values of any number of indexes. Holds the very objects it is given: a
 * thousand objects in ten indexes are a thousand objects. Every operation costs what it returns or changes.
 */
export class ObjectStore implements Lister {
  readonly #objects: Bucket = new Map();
  readonly #indexes = new Map<string, Index>();

  constructor() {
    this.addIndex(namespaceIndex, ({ metadata }) => [metadata.namespace ?? ""]);
    this.addIndex(ownerUidIndex, ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid));
  }

  get(key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(formatKey(key));
  }

  list(namespace?: string): readonly KubeObject[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(namespaceIndex, namespace);
  }

  byIndex(index: string, value: string): readonly KubeObject[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`no index named ${JSON.stringify(index)}`);
    return [...(found.buckets.get(value)?.values() ?? [])];
  }

  addIndex(name: string, valuesOf: IndexFunction): void {
    if (this.#indexes.has(name)) return;
    const index: Index = { valuesOf, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) file(index, key, object);
  }

  /** Returns nothing when the store has that very state already. */
  put(object: KubeObject): Change | undefined {
    const key = formatKey(keyOf(object));
    const old = this.#objects.get(key);
    if (old !== undefined && sameState(old, object)) return undefined;
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (old !== undefined) unfile(index, key, old);
      file(index, key, object);
    }
    if (old === undefined) return { type: "added", object };
    return { type: old.metadata.uid === object.metadata.uid ? "updated" : "replaced", object, old };
  }

  /** @param object the last state, which is what the change reports */
  remove(object: KubeObject): Change | undefined {
    const key = formatKey(keyOf(object));
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) unfile(index, key, old);
    return { type: "deleted", object };
  }

  /** Takes `objects` for the complete state: removes first, so that no index ever holds more than it should. */
  *replace(objects: readonly KubeObject[]): Generator<Change> {
    const kept = new Set(objects.map((object) => formatKey(keyOf(object))));
    for (const [key, old] of [...this.#objects]) {
      const change = kept.has(key) ? undefined : this.remove(old);
      if (change !== undefined) yield change;
    }
    for (const object of objects) {
      const change = this.put(object);
      if (change !== undefined) yield change;
    }
  }
}

const sameState = (a: KubeObject, b: KubeObject): boolean =>
  a === b ||
  (a.metadata.uid === b.metadata.uid &&
    a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion);

function file({ valuesOf, buckets }: Index, key: string, object: KubeObject): void {
  for (const value of valuesOf(object)) {
    const bucket = buckets.get(value);
    if (bucket === undefined) buckets.set(value, new Map([[key, object]]));
    else bucket.set(key, object);
  }
}

function unfile({ valuesOf, buckets }: Index, key: string, object: KubeObject): void {
  for (const value of valuesOf(object)) {
    const bucket = buckets.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) buckets.delete(value);
  }
}
