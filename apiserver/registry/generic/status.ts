import type { Getter, Updater } from "../rest/interface.ts";
import type { ResourceDefinition } from "../rest/strategy.ts";
import { finalizePart, statusPart } from "./part.ts";
import type { GenericStore } from "./store.ts";

/** `/status`: reads the whole object, writes only its status (API M-10, M-11). */
export function statusStore(definition: ResourceDefinition, store: GenericStore): Getter & Updater {
  const part = statusPart(definition);
  return {
    get: (context, name, options) => store.get(context, name, options),
    update: (context, name, transform, options) => store.update(context, name, transform, options, part),
  };
}

/** `/finalize`: writes only `spec.finalizers`; an object that is terminating and has none left goes. */
export function finalizeStore(definition: ResourceDefinition, store: GenericStore): Updater {
  const part = finalizePart(definition);
  return { update: (context, name, transform, options) => store.update(context, name, transform, options, part) };
}
