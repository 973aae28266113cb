/**
 * What a controller wrote last, for as long as its caches lag behind: it acts on that, not on a state it has changed itself
 * (as KEP-5647 has it for the StatefulSet controller). Without, a run that comes before the cache makes an object again,
 * tells of it again, and undoes nothing that it should.
 *
 * A cache has seen a write once its position has reached it: resource versions of one type are ordered (KEP-5504). One that
 * isn't a number says nothing, and then the cache counts.
 */
import { LRUCache } from "lru-cache";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Informer } from "./interface.ts";
import { formatKey, keyOf, type ObjectKey } from "./object-key.ts";

/** Writes remembered; each is forgotten when its event has made its object's next run. */
const remembered = 4096;

export class OwnWrites {
  readonly #written = new LRUCache<string, KubeObject>({ max: remembered });

  /** @param object  as the server answered the write */
  remember(resource: string, object: KubeObject): void {
    this.#written.set(`${resource}/${formatKey(keyOf(object))}`, object);
  }

  /** The newer of what the cache has and what was written here. */
  newest(informer: Informer, key: ObjectKey): KubeObject | undefined {
    const id = `${informer.type.resource}/${formatKey(key)}`;
    const own = this.#written.get(id);
    if (own === undefined || isShown(informer, own)) {
      this.#written.delete(id);
      return informer.lister.get(key);
    }
    return own;
  }
}

const ordered = /^\d+$/;

function isShown({ position }: Informer, { metadata: { resourceVersion = "" } }: KubeObject): boolean {
  if (!ordered.test(resourceVersion)) return true;
  return position !== undefined && (!ordered.test(position) || BigInt(position) >= BigInt(resourceVersion));
}
