/** What was sent becomes an object of the kind, in the right place and of the right shape. */
import { newBadRequest, UndecodableError } from "../../../errors/status-error.ts";
import { checkObjectSize } from "../../../machinery/member-count.ts";
import type { DecodedInput, ObjectDecoder, Strictness } from "../object-decoder.ts";
import { checkClaims, checkPreconditions } from "../preconditions.ts";
import { type Draft, placeOf, type Stage, type Write } from "../write.ts";
import { writerOf } from "./track.ts";

/** Refuses to write another object than the caller means (API X-06). */
export const checkIdentity: Stage = (draft, { resource, preconditions }) => {
  if (draft.existing !== undefined) checkPreconditions(resource.gvk, draft.existing, preconditions);
  return draft;
};

/** The whole object, the stored one patched, or what an apply merges into it. */
export const applyChange: Stage = function* (draft, write) {
  const made = write.change.apply(draft.existing, write.part, writerOf(write));
  return { ...draft, wanted: "form" in made ? made : yield* made };
};

/** Every stage after it takes a step for each member. */
export const refuseCrowded: Stage = function* (draft) {
  const { existing, wanted } = draft;
  if (wanted.object !== existing) yield* checkObjectSize(wanted.object, existing);
  return draft;
};

/** Type, place, metadata, and the schema: types, pruning, defaults. */
export const decodeWanted: Stage = (draft, write) => {
  const { existing, wanted } = draft;
  // An apply that changes nothing: what is stored was decoded already.
  if (existing !== undefined && wanted.object === existing) return { ...draft, object: existing, schemaErrors: [] };
  const view = wanted.form === "shown" ? write.part.view : write.part.whole;
  const { object, errors } = view.absorb(decoded(draft, view.decoder, write), existing);
  write.part.check?.(object);
  return { ...draft, object, schemaErrors: errors };
};

function decoded({ wanted, existing }: Draft, decoder: ObjectDecoder, write: Write): DecodedInput {
  const { change, options, context } = write;
  const strictness: Strictness = {
    fieldValidation: options.fieldValidation,
    ofPatch: change.isWhole ? [] : change.problems,
    ofBody: change.isWhole ? change.problems : [],
    warn: context.warn,
  };
  try {
    if (!change.isWhole) decoder.checkPatched(wanted.object);
    return decoder.decode(wanted.object, placeOf(existing, write), strictness);
  } catch (error) {
    throw error instanceof UndecodableError ? change.refusal(error, wanted.object) : error;
  }
}

/**
 * Refuses a change of another version of the object than the one that is stored (API C-04, U-02, U-03). What is put or
 * applied where nothing is says of its version only what it once was.
 */
export const checkVersion: Stage = (draft, { resource, change, part, name }) => {
  const { existing, object } = draft;
  if (existing !== undefined) {
    checkClaims(resource.groupResource, object.metadata, existing, {
      allowUnconditional: resource.strategy.allowUnconditionalUpdate === true,
      namesObject: change.isWhole || part.view !== part.whole,
    });
  } else if (name === "" && object.metadata.resourceVersion !== undefined) {
    throw newBadRequest("resourceVersion should not be set on objects to be created");
  }
  return draft;
};
