import type { JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import { invalid } from "../../errors/field-error.ts";
import { newBadRequest, newInvalid, newUnsupportedMediaType, UndecodableError } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import { decodeUtf8, duplicateFields, isObject, parseJson, stringifyJson } from "../../machinery/json.ts";
import { applyJsonPatch, jsonPatchOperations, unknownPatchMembers } from "../../machinery/json-patch.ts";
import { applyMergePatch } from "../../machinery/merge-patch.ts";
import type { Transform } from "../../registry/rest/interface.ts";
import type { ApiRequest } from "../api-handler.ts";
import { contentType } from "../body.ts";
import { checkName, decodeObject, inNamespace } from "../object-decoder.ts";
import { objectResponse, outputFormat } from "../output.ts";
import { writeOptions } from "../query-options.ts";
import { contextOf, type RequestScope, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";

/** A patch that was read and is well-formed; what it does to an object is found out on each attempt. */
type ParsedPatch = {
  readonly apply: (document: JsonValue) => JsonValue;
  /** Duplicate and unknown members of the patch itself (API P-13, P-21). */
  readonly problems: readonly string[];
};
type PatchType = (text: string) => ParsedPatch;

const jsonPatch: PatchType = (text) => {
  const patch = parsePatch(text);
  jsonPatchOperations(patch);
  return {
    apply: (document) => applyJsonPatch(document, patch),
    problems: [
      ...duplicateFields(text).map((field) => `json patch duplicate field ${JSON.stringify(field)}`),
      ...unknownPatchMembers(patch).map((field) => `json patch unknown field ${JSON.stringify(field)}`),
    ],
  };
};

const mergePatch: PatchType = (text) => {
  const patch = parsePatch(text);
  if (!isObject(patch)) throw newBadRequest("invalid JSON patch: a merge patch must be an object");
  return {
    apply: (document) => applyMergePatch(document, patch),
    problems: duplicateFields(text).map((field) => `duplicate field ${JSON.stringify(field)}`),
  };
};

function parsePatch(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw newBadRequest(`invalid JSON patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The patch types this server applies; clients fall back when theirs is refused (API P-01, KC-08). */
const patchTypes: ReadonlyMap<string, PatchType> = new Map([
  ["application/json-patch+json", jsonPatch],
  ["application/merge-patch+json", mergePatch],
]);
export const patchMediaTypes: readonly string[] = [...patchTypes.keys()];

/** API sections 5.1 to 5.3. */
export const patchObject: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.update === undefined) throw verbNotServed(scope, "patch");
  const format = outputFormat(request, "object");
  const patchType = patchTypes.get(contentType(request));
  if (patchType === undefined) throw newUnsupportedMediaType(patchMediaTypes);
  const { dryRun, fieldValidation } = writeOptions(request.query, "PatchOptions");
  const patch = await readPatch(request, patchType);
  const name = urlName(request);
  const warnings = new Warnings();
  let patched: JsonValue = null;
  const transform: Transform = (existing) => {
    patched = patch.apply(existing);
    return decodePatched(patched, scope, { name, namespace: request.info.namespace });
  };
  const options = { dryRun, fieldValidation, decodingProblems: patch.problems, fullReplacement: false };
  try {
    const item = await storage.update(contextOf(request, scope, warnings), name, transform, options);
    return objectResponse(request, scope, item, { format, headers: warnings.headers() });
  } catch (error) {
    throw error instanceof UndecodableError ? undecodable(patched, error.why) : error;
  }
};

async function readPatch(request: ApiRequest, patchType: PatchType): Promise<ParsedPatch> {
  const bytes = await request.body(limits.maxBodyBytes.value);
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch {
    throw newBadRequest("invalid JSON patch: it is not valid UTF-8");
  }
  return patchType(text);
}

function decodePatched(
  patched: JsonValue,
  scope: RequestScope,
  { name, namespace }: { name: string; namespace: string },
): KubeObject {
  if (!isObject(patched)) throw undecodable(patched, "the patched object must be an object");
  const object = inNamespace(decodeObject(patched, scope.kind), namespace, scope.namespaced);
  checkName(object, name);
  return object;
}

/** The patch made something that is no object of this kind (API P-06). */
const undecodable = (patched: JsonValue, why: string): Error =>
  newInvalid({ group: "", kind: "" }, "", [invalid("patch", stringifyJson(patched), why)]);
