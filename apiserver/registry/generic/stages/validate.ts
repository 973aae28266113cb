/** Everything that is wrong with the object is told at once. */
import type { FieldError } from "../../../errors/field-error.ts";
import { finalizerWarnings, validateObjectMeta, validateObjectMetaUpdate } from "../../../machinery/object-meta.ts";
import type { Steps } from "../../../machinery/turns.ts";
import { type Draft, invalidObject, type Stage, type Write } from "../write.ts";
import { named } from "./prepare.ts";

export const validate: Stage = function* (draft, write) {
  const ofMetadata = validateMetadata(draft, write);
  yield;
  const errors = [...ofMetadata, ...(yield* validateContent(draft, write))];
  if (errors.length > 0) throw invalidObject(write, draft.object, errors);
  return draft;
};

/** A new object is judged as if its name had been generated already. */
export function validateMetadata({ object, existing }: Draft, { resource }: Write): readonly FieldError[] {
  return existing === undefined
    ? validateObjectMeta(named(object, resource).metadata, resource.metaRules)
    : validateObjectMetaUpdate(object.metadata, existing.metadata);
}

function* validateContent(
  { object, existing }: Draft,
  { part, resource: { strategy } }: Write,
): Steps<readonly FieldError[]> {
  if (part.subresource === "status" && existing !== undefined) return strategy.validateStatus?.(object, existing) ?? [];
  if (!part.desiredState) return [];
  const ofChange = existing === undefined ? [] : (strategy.validateUpdate?.(object, existing) ?? []);
  const inSteps = strategy.validateInSteps === undefined ? [] : yield* strategy.validateInSteps(object, existing);
  return [...(strategy.validate?.(object, existing) ?? []), ...inSteps, ...ofChange];
}

export const warn: Stage = (draft, { resource, context }) => {
  const texts = resource.strategy.warnings?.(draft.object, draft.existing) ?? [];
  for (const text of [...finalizerWarnings(draft.object.metadata), ...texts]) context.warn(text);
  return draft;
};
