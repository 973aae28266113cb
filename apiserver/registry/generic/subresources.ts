/** The subresources that any kind may have; each is a line of its resource's row. */

import type { Getter, Patcher, Updater } from "../rest/interface.ts";
import type { ParentStore, Part } from "../rest/part.ts";
import type { ScalePaths, SubresourceDefinition } from "../rest/strategy.ts";
import { fieldTypeOf } from "../schema/field-types.ts";
import { compileSchema } from "../schema/structural.ts";
import { VirtualDecoder } from "./object-decoder.ts";
import { finalizePart, ownView, statusPart } from "./object-parts.ts";
import { refusedScale, scaleKind, scalePart, scaleSchemaName } from "./scale.ts";

/** `/status`: reads the whole object, writes its status (API M-10, M-11). */
export const statusSubresource: SubresourceDefinition = {
  name: "status",
  storage: (parts) => partStore(parts.store, statusPart(parts)),
};

/** `/finalize`: writes `spec.finalizers` and nothing else; a terminating object that has none left goes. */
export const finalizeSubresource: SubresourceDefinition = {
  name: "finalize",
  storage: (parts) => partStore(parts.store, finalizePart(parts)),
};

const scaleBody = { kind: scaleKind, schemaName: scaleSchemaName };

/** `/scale`: an `autoscaling/v1` Scale as a view of an object (API D-12, CR-27). */
export function scaleSubresource(paths: ScalePaths): SubresourceDefinition {
  return {
    name: "scale",
    body: scaleBody,
    storage({ definition, store, storedDecoder, schemas, tracked }) {
      const decoder = new VirtualDecoder(scaleKind, compileSchema(schemas, scaleSchemaName));
      const scales = { decoder, type: fieldTypeOf(schemas, scaleSchemaName) };
      return partStore(store, scalePart({ definition, view: ownView(storedDecoder), tracked }, paths, scales));
    },
  };
}

/** `/scale` of a kind that declares it and has nothing to scale: every request is 400 with this text. */
export function refusedScaleSubresource(refusal: string): SubresourceDefinition {
  return { name: "scale", body: scaleBody, storage: ({ store }) => refusedScale(refusal, store.patchTypes) };
}

/** A subresource that shows the stored object in its own way and writes a part of it. */
export function partStore(store: ParentStore, part: Part): Getter & Updater & Patcher {
  return {
    get: async (context, name, options) => part.view.present(await store.getStored(context, name, options)),
    update: (context, request) => store.update(context, request, part),
    patchTypes: store.patchTypes,
    patch: (context, request) => store.patch(context, request, part),
  };
}
