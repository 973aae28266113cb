/** The patches this server applies: a table from media type to what reads one (API P-01). */
import type { JsonValue } from "../../apis/meta/v1.ts";
import { newBadRequest, newUnsupportedMediaType } from "../../errors/status-error.ts";
import { decodeUtf8, duplicateFieldsInSteps, isObject } from "../../machinery/json.ts";
import { applyJsonPatchInSteps, jsonPatchOperations, unknownPatchMembers } from "../../machinery/json-patch.ts";
import { parseJsonInSteps } from "../../machinery/json-pieces.ts";
import { checkBodyPartsInSteps } from "../../machinery/member-count.ts";
import { applyMergePatch } from "../../machinery/merge-patch.ts";
import type { RequestBody } from "../../machinery/serializer.ts";
import { applyStrategicMergePatch, type PatchSchema } from "../../machinery/strategic-merge-patch.ts";
import type { Steps } from "../../machinery/turns.ts";

/** A well-formed patch. */
export type ParsedPatch = {
  /** Changes nothing of `document`. @throws StatusError when the patch does not fit it */
  readonly apply: (document: JsonValue) => JsonValue | Steps<JsonValue>;
  /** Repeated and unknown members of the patch itself (API P-13, P-21). */
  readonly problems: readonly string[];
};

/** @throws StatusError 400 for what is no such patch, 413 for one that does too much */
export type PatchType = (text: string) => Steps<ParsedPatch>;

const jsonPatch: PatchType = function* (text) {
  const patch = yield* parsePatch(text);
  jsonPatchOperations(patch);
  yield;
  const duplicates = yield* duplicateFieldsInSteps(text);
  return {
    apply: (document) => applyJsonPatchInSteps(document, patch),
    problems: [
      ...duplicates.map((field) => `json patch duplicate field ${JSON.stringify(field)}`),
      ...unknownPatchMembers(patch).map((field) => `json patch unknown field ${JSON.stringify(field)}`),
    ],
  };
};

const mergePatch: PatchType = function* (text) {
  const patch = yield* parsePatch(text);
  if (!isObject(patch)) throw newBadRequest("invalid JSON patch: a merge patch must be an object");
  yield;
  const duplicates = yield* duplicateFieldsInSteps(text);
  return {
    apply: (document) => applyMergePatch(document, patch),
    problems: duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
  };
};

const strategicMergePatch = (schema: PatchSchema): PatchType =>
  function* (text) {
    const patch = yield* parsePatch(text);
    if (!isObject(patch)) throw newBadRequest("invalid JSON patch: a strategic merge patch must be an object");
    yield;
    const duplicates = yield* duplicateFieldsInSteps(text);
    return {
      apply: (document) => applyStrategicMergePatch(document, patch, schema),
      problems: duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
    };
  };

function* parsePatch(text: string): Steps<JsonValue> {
  try {
    yield* checkBodyPartsInSteps(text);
    yield;
    return yield* parseJsonInSteps(text);
  } catch (error) {
    // What is no JSON at all is told so and no more (API P-08); what is too much of it is told how.
    if (!(error instanceof SyntaxError)) throw error;
    throw newBadRequest(error.name === "SyntaxError" ? "invalid JSON patch" : `invalid JSON patch: ${error.message}`);
  }
}

/** Media type to patch type, in the order a 415 lists them; clients fall back when theirs is missing (API KC-08). */
export type PatchTypes = ReadonlyMap<string, PatchType>;

/** @param schema  of the kind that is patched: how its lists merge */
export function patchTypesOf(schema: PatchSchema): PatchTypes {
  return new Map([
    ["application/json-patch+json", jsonPatch],
    ["application/merge-patch+json", mergePatch],
    ["application/strategic-merge-patch+json", strategicMergePatch(schema)],
  ]);
}

/** @throws StatusError 415, 400, 413 */
export function* readPatch({ bytes, mediaType }: RequestBody, types: PatchTypes): Steps<ParsedPatch> {
  const parse = types.get(mediaType);
  if (parse === undefined) throw newUnsupportedMediaType([...types.keys()]);
  const text = patchText(bytes);
  yield;
  return yield* parse(text);
}

function patchText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw newBadRequest("invalid JSON patch: it is not valid UTF-8");
  }
}
