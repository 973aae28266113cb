import type { GroupVersionKind, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { listOf, objectOf } from "../../machinery/fields.ts";
import type { ResourceDefinition } from "../rest/strategy.ts";
import { metaForUpdate, withStatusOf } from "./object-meta-rules.ts";

/** The part of an object that an endpoint writes, and how admission is shown it. */
export type Part = {
  /** `""` for the object itself. */
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  /** The new object with everything restored that this endpoint may not change (API M-09, M-10). */
  readonly isolate: (next: KubeObject, existing: KubeObject) => KubeObject;
  /** Whether the client of this endpoint can be blamed for an error. */
  readonly concerns: (error: FieldError) => boolean;
  /** The strategy's defaults, preparation and rules are about desired state. */
  readonly desiredState: boolean;
  readonly show: (object: KubeObject) => KubeObject;
  /** Carries what admission changed in the shown object over to `object`. */
  readonly absorb: (shown: KubeObject, object: KubeObject) => KubeObject;
};

const shownAsIs: Pick<Part, "show" | "absorb"> = { show: (object) => object, absorb: (shown) => shown };

const isAboutStatus = ({ field }: FieldError): boolean => /^status($|[.[])/.test(field);

export function wholeObject({ group, version, kind, status: keepsStatus }: ResourceDefinition): Part {
  return {
    subresource: "",
    kind: { group, version, kind },
    isolate(next, existing) {
      const restored = { ...next, metadata: metaForUpdate(next.metadata, existing.metadata) };
      return keepsStatus ? withStatusOf(restored, existing) : restored;
    },
    // What a client says of the status is dropped, so it cannot be wrong (API C-09, M-09).
    concerns: (error) => !(keepsStatus && isAboutStatus(error)),
    desiredState: true,
    ...shownAsIs,
  };
}

export function statusPart({ group, version, kind }: ResourceDefinition): Part {
  return {
    subresource: "status",
    kind: { group, version, kind },
    isolate: (next, existing) => withStatusOf(existing, next),
    concerns: isAboutStatus,
    desiredState: false,
    ...shownAsIs,
  };
}

/** `/finalize`: lets the controller that holds an object's deletion give it up, and nobody change anything else. */
export function finalizePart({ group, version, kind }: ResourceDefinition): Part {
  return {
    subresource: "finalize",
    kind: { group, version, kind },
    isolate: (next, existing) => ({
      ...existing,
      spec: { ...objectOf(existing, "spec"), finalizers: [...listOf(objectOf(next, "spec"), "finalizers")] },
    }),
    concerns: ({ field }) => field.startsWith("spec.finalizers"),
    desiredState: false,
    ...shownAsIs,
  };
}
