/**
 * The way of an object into storage, top to bottom: kinds of our own and core kinds, whole objects and subresources,
 * create, update and every kind of patch take it (API AD-03). `writes.ts` starts it with what is stored, commits where it
 * ends, and begins again with what is stored by then when another writer was faster.
 */
import { admitMutating, admitValidating } from "./stages/admission.ts";
import { applyChange, checkIdentity, checkVersion, decodeWanted, refuseCrowded } from "./stages/decode.ts";
import { dropDuplicateOwners, isolatePart, refuseMalformed, setDefaults } from "./stages/isolate.ts";
import { countGeneration, nameNewborn, prepare } from "./stages/prepare.ts";
import { trackFields } from "./stages/track.ts";
import { validate, warn } from "./stages/validate.ts";
import type { Stage } from "./write.ts";

/** From what was sent to an object of the kind. */
export const readingStages: readonly Stage[] = [
  checkIdentity, // refuses to write another object than the caller means
  applyChange, // makes what the client wants: what it sent, or the stored object patched
  refuseCrowded, // refuses an object of more members than the stages below can look at in time
  decodeWanted, // checks type and place; the schema prunes, fills in defaults, finds errors
];

/** From what was sent to the object that is proposed. */
export const proposalStages: readonly Stage[] = [
  ...readingStages,
  checkVersion, // refuses a change of an object that was changed meanwhile
  isolatePart, // restores what this endpoint may not change
  refuseMalformed, // answers the errors of the schema
  setDefaults, // lets the kind's strategy fill in more defaults
  dropDuplicateOwners,
  trackFields, // notes who manages the fields that change
  admitMutating, // lets plugins change the object, and decodes what they made
];

/** From the proposal to the object that is stored; again for each name when the server chooses it (API C-07). */
export const decisionStages: readonly Stage[] = [
  nameNewborn, // generates the name that a new object asks for
  prepare, // lets the kind's strategy set what is the server's to say
  countGeneration, // raises the generation when desired state changes
  validate, // answers everything that is wrong at once
  warn,
  admitValidating, // lets plugins refuse the object
];

/** Of a write that is known to change nothing: what is not decided by the write and the object alone. */
export const repeatStages: readonly Stage[] = [checkIdentity, admitMutating, admitValidating];

export const writeStages: readonly Stage[] = [...proposalStages, ...decisionStages];
