/** What the server itself adds to an object that was admitted. */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import { generateName } from "../../../machinery/names.ts";
import { withGeneration } from "../object-meta-rules.ts";
import type { StoredResource } from "../stored-resource.ts";
import type { Stage } from "../write.ts";

export const nameNewborn: Stage = (draft, { resource }) =>
  draft.existing === undefined ? { ...draft, object: named(draft.object, resource) } : draft;

/** With a generated name, if it has none and wants one (API C-06). */
export function named(object: KubeObject, { random }: Pick<StoredResource, "random">): KubeObject {
  const { name, generateName: base = "" } = object.metadata;
  if (name !== undefined || base === "") return object;
  return { ...object, metadata: { ...object.metadata, name: generateName(base, random) } };
}

export const prepare: Stage = (draft, { part, resource: { strategy } }) => {
  const { existing, object } = draft;
  if (existing === undefined) return { ...draft, object: strategy.prepareForCreate?.(object) ?? object };
  if (!part.desiredState) return draft;
  return { ...draft, object: strategy.prepareForUpdate?.(object, existing) ?? object };
};

/** Raises the generation when the object wants something else than the stored one (API M-07). */
export const countGeneration: Stage = (draft, { resource: { hasStatus, strategy } }) => {
  const { existing, object } = draft;
  if (existing === undefined) return draft;
  const { desiredState } = strategy;
  return { ...draft, object: withGeneration(object, existing, { hasStatus, desiredState }) };
};
