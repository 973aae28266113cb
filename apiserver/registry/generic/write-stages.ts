/**
 * The way of an object into storage, top to bottom: kinds of our own and core kinds, whole objects and subresources,
 * create, update and every kind of patch take it (API AD-03). `writes.ts` starts it with what is stored, commits where it
 * ends, and begins again with what is stored by then when another writer was faster.
 */
import { admitMutating, admitValidating } from "./stages/admission.ts";
import { applyChange, checkIdentity, checkVersion, decodeWanted } from "./stages/decode.ts";
import { dropDuplicateOwners, isolatePart, refuseMalformed, setDefaults } from "./stages/isolate.ts";
import { countGeneration, nameNewborn, prepare } from "./stages/prepare.ts";
import { trackFields } from "./stages/track.ts";
import { validate, warn } from "./stages/validate.ts";
import type { Stage } from "./write.ts";

/** From what was sent to the object that is proposed. */
export const proposalStages: readonly Stage[] = [
  checkIdentity,
  applyChange,
  decodeWanted,
  checkVersion,
  isolatePart,
  refuseMalformed,
  setDefaults,
  dropDuplicateOwners,
  trackFields,
  admitMutating,
];

/** From the proposal to the object that is stored; again for each name when the server chooses it (API C-07). */
export const decisionStages: readonly Stage[] = [
  nameNewborn,
  prepare,
  countGeneration,
  validate,
  warn,
  admitValidating,
];

export const writeStages: readonly Stage[] = [...proposalStages, ...decisionStages];
