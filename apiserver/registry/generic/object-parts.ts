import type { ObjectMeta } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { listOf, objectOf } from "../../machinery/fields.ts";
import type { Part, View } from "../rest/part.ts";
import type { ResourceDefinition } from "../rest/strategy.ts";
import type { ObjectDecoder } from "./object-decoder.ts";
import { metaForUpdate, withStatusOf } from "./object-meta-rules.ts";
import type { TrackedKind, WritableFields } from "./tracking.ts";

/** The stored object as it is. */
export function ownView(decoder: ObjectDecoder): View {
  return {
    decoder,
    isOwn: true,
    show: (stored) => stored,
    present: (stored) => stored,
    asked: (body) => body,
    absorb: (input) => input,
  };
}

/** Whether the status is a subresource: then nothing else writes it. */
export const hasStatus = ({ subresources }: Pick<ResourceDefinition, "subresources">): boolean =>
  subresources.some(({ name }) => name === "status");

const isAboutStatus = ({ field }: FieldError): boolean => /^status($|[.[])/.test(field);

/** The kind, how an endpoint shows its objects, and who manages their fields. */
export type PartOf = {
  readonly definition: ResourceDefinition;
  readonly view: View;
  readonly tracked: TrackedKind;
};

/** Of parts that show the object itself. */
function ownership({ view, tracked }: PartOf, subresource: string, writable: WritableFields) {
  const fields = tracked.managerOf(view.decoder.gvk, writable, { subresource });
  return { subresource, view, whole: view, fields };
}

export function wholeObject(of: PartOf): Part {
  const keepsStatus = hasStatus(of.definition);
  return {
    ...ownership(of, "", { allBut: keepsStatus ? [["status"]] : [] }),
    isolate(next, existing) {
      const restored = { ...next, metadata: metaForUpdate(next.metadata, existing.metadata) };
      return keepsStatus ? withStatusOf(restored, existing) : restored;
    },
    // What a client says of the status is dropped, so it cannot be wrong (API C-09, M-09).
    concerns: (error) => !(keepsStatus && isAboutStatus(error)),
    desiredState: true,
  };
}

/** `/status`: writes the status and, of kinds that want it so, labels and annotations (API M-10, M-11). */
export function statusPart(of: PartOf): Part {
  const withLabels = of.definition.strategy.statusTakesLabels === true;
  return {
    ...ownership(of, "status", { only: withLabels ? [["status"], ...labelPaths] : [["status"]] }),
    isolate(next, existing) {
      const restored = withStatusOf(existing, next);
      return withLabels ? { ...restored, metadata: withLabelsOf(existing.metadata, next.metadata) } : restored;
    },
    concerns: isAboutStatus,
    desiredState: false,
  };
}

const labelPaths = [
  ["metadata", "labels"],
  ["metadata", "annotations"],
];

/** Another uid stays, so that validation refuses it. */
function withLabelsOf(meta: ObjectMeta, { labels, annotations, uid }: ObjectMeta): ObjectMeta {
  const { labels: _labels, annotations: _annotations, ...kept } = meta;
  return {
    ...kept,
    ...(uid === undefined ? {} : { uid }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** `/finalize`: lets the controller that holds an object's deletion give it up, and nobody change anything else. */
export function finalizePart(of: PartOf): Part {
  return {
    ...ownership(of, "finalize", { only: [["spec", "finalizers"]] }),
    isolate: (next, existing) => ({
      ...existing,
      spec: { ...objectOf(existing, "spec"), finalizers: [...listOf(objectOf(next, "spec"), "finalizers")] },
    }),
    concerns: ({ field }) => field.startsWith("spec.finalizers"),
    desiredState: false,
  };
}
