/** Restores what an endpoint may not change, and completes the rest with the defaults of the kind. */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import { duplicateOwnersWarning, metaForCreate, withoutDuplicateOwners, withStatus } from "../object-meta-rules.ts";
import { type Draft, invalidObject, type Stage, type Write } from "../write.ts";
import { validateMetadata } from "./validate.ts";

export const isolatePart: Stage = (draft, write) => ({
  ...draft,
  object: isolated(draft.object, draft.existing, write),
});

/** `object` with everything that is not the client's to say: of a new object its birth, else what is stored. */
export function isolated(object: KubeObject, existing: KubeObject | undefined, { part, resource, birth }: Write) {
  if (existing !== undefined) return part.isolate(object, existing);
  const born = { ...object, metadata: metaForCreate(object.metadata, birth()) };
  return resource.hasStatus ? withStatus(born, undefined) : born;
}

/** Refuses an object of the wrong shape before a strategy sees it, with the errors of its metadata (API M-25). */
export const refuseMalformed = (draft: Draft, write: Write): Draft => {
  const errors = draft.schemaErrors.filter(write.part.concerns);
  if (errors.length === 0) return draft;
  throw invalidObject(write, draft.object, [...validateMetadata(draft, write), ...errors]);
};

/** Fills in the defaults of the strategy; those of the schema are there already. */
export const setDefaults: Stage = (draft, { part, resource }) =>
  part.desiredState ? { ...draft, object: resource.strategy.default?.(draft.object) ?? draft.object } : draft;

/** Keeps entirely equal owner references once, and warns (API U-10). */
export const dropDuplicateOwners = (draft: Draft, { context }: Write): Draft => {
  const { metadata, duplicates } = withoutDuplicateOwners(draft.object.metadata);
  if (duplicates.length === 0) return draft;
  context.warn(duplicateOwnersWarning(duplicates));
  return { ...draft, object: { ...draft.object, metadata } };
};
