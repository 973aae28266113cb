import type { Getter, Patcher, Updater } from "../rest/interface.ts";
import type { ParentStore, Part } from "../rest/part.ts";

/** A subresource that shows the stored object in its own way and writes a part of it. */
export function partStore(store: ParentStore, part: Part): Getter & Updater & Patcher {
  return {
    get: async (context, name, options) => part.view.present(await store.getStored(context, name, options)),
    update: (context, request) => store.update(context, request, part),
    patchTypes: store.patchTypes,
    patch: (context, request) => store.patch(context, request, part),
  };
}
