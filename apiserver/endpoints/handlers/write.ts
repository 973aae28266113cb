/** create, update and patch: each hands what arrived to the registry, unread (API sections 3.5, 3.6, 5, and Y-05). */

import { limits } from "../../limits.ts";
import { bodyMediaTypes } from "../../machinery/serializer.ts";
import { applyPatchType } from "../../registry/generic/applied.ts";
import { acceptedContentType } from "../body.ts";
import { objectResponse, outputFormat } from "../output.ts";
import { writeOptions } from "../query-options.ts";
import { contextOf, type RequestScope, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";

type WriteVerb = {
  readonly verb: "create" | "update" | "patch";
  readonly options: Parameters<typeof writeOptions>[1];
  /** Of bodies, in the order a 415 lists them. */
  readonly mediaTypes: (scope: RequestScope) => readonly string[];
};

function writeHandler({ verb, options: optionsKind, mediaTypes }: WriteVerb): VerbHandler {
  return async (request, scope) => {
    const { storage } = scope;
    if (storage[verb] === undefined) throw verbNotServed(scope, verb);
    const format = outputFormat(request, scope, "object");
    const mediaType = acceptedContentType(request, mediaTypes(scope));
    const options = writeOptions(request.query, optionsKind, mediaType === applyPatchType);
    const bytes = await request.body(limits.maxBodyBytes.value);
    const warnings = new Warnings();
    const write = { name: urlName(request), body: { bytes, mediaType }, options };
    const { item, created } = await storage[verb](contextOf(request, scope, warnings), write);
    return objectResponse(request, scope, item, { format, status: created ? 201 : 200, headers: warnings.headers() });
  };
}

export const createObject = writeHandler({ verb: "create", options: "CreateOptions", mediaTypes: bodyMediaTypes });
export const updateObject = writeHandler({ verb: "update", options: "UpdateOptions", mediaTypes: bodyMediaTypes });
/** What each media type means is a table of the registry. */
export const patchObject = writeHandler({
  verb: "patch",
  options: "PatchOptions",
  mediaTypes: ({ storage }) => storage.patchTypes ?? [],
});
