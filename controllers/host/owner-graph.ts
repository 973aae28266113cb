/**
 * Who owns whom, over all types, read from the informers' caches: nothing is kept here that could go stale.
 * An object is found by its uid; owners that no cache holds are looked up live by whoever must know.
 */
import type { KubeObject, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import type { ObjectRef, ResourceType } from "../../apiserver/client/client.ts";
import { type Informer, ownerUidIndex } from "../runtime/interface.ts";
import { groupOf, type Owner, ownerOf, refersTo } from "../runtime/owners.ts";

export const uidIndex = "uid";

export type Node = { readonly type: ResourceType; readonly object: KubeObject };

export class OwnerGraph {
  readonly #informers: readonly Informer[];

  constructor(informers: readonly Informer[]) {
    this.#informers = informers;
    for (const informer of informers) informer.addIndex(uidIndex, ({ metadata }) => [metadata.uid ?? ""]);
  }

  find(uid: string): Node | undefined {
    for (const { type, lister } of this.#informers) {
      const [object] = lister.byIndex(uidIndex, uid);
      if (object !== undefined) return { type, object };
    }
    return undefined;
  }

  /** Everything that the object owns; a reference that only knows its uid is none. */
  dependents(owner: Node): readonly Node[] {
    const wanted = asOwner(owner);
    return this.#informers.flatMap(({ type, lister }) =>
      lister
        .byIndex(ownerUidIndex, wanted.uid)
        .filter((object) => referencesTo(wanted, object).length > 0)
        .map((object) => ({ type, object })),
    );
  }

  /** `undefined` for types nobody collects: of their objects it can't be said that they don't exist. */
  typeOf({ apiVersion, kind }: OwnerReference): ResourceType | undefined {
    const group = groupOf(apiVersion);
    return this.#informers.find(({ type }) => type.kind === kind && type.group === group)?.type;
  }
}

export const asOwner = ({ type, object }: Node): Owner => ownerOf(type, object);

/** The object's references to that owner. */
export const referencesTo = (owner: Owner, object: KubeObject): readonly OwnerReference[] =>
  (object.metadata.ownerReferences ?? []).filter((reference) => refersTo(reference, object, owner));

export const refOf = ({ type, object: { metadata } }: Node): ObjectRef => ({
  type,
  name: metadata.name ?? "",
  ...(type.namespaced ? { namespace: metadata.namespace ?? "" } : {}),
});
