import type { Status } from "../../apis/meta/v1.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import { isObject } from "../../machinery/json.ts";
import { bodyMediaTypes, decodeInSteps, UndecodableBody } from "../../machinery/serializer.ts";
import { paceOf } from "../../machinery/turns.ts";
import type { DeleteRequest, DeleteResult } from "../../registry/rest/interface.ts";
import type { ApiRequest } from "../api-handler.ts";
import { acceptedContentType } from "../body.ts";
import { deleteOptionsOfBody, deleteOptionsOfQuery, undecodableOptions } from "../delete-options.ts";
import { objectResponse, outputFormat } from "../output.ts";
import { fieldValidationOf } from "../query-options.ts";
import { statusResponse } from "../responses.ts";
import { contextOf, type RequestScope, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";

/** API section 3.7. */
export const deleteObject: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.delete === undefined) throw verbNotServed(scope, "delete");
  // The Status of an immediate deletion is no object (API N-38).
  const format = outputFormat(request, scope, undefined);
  const warnings = new Warnings();
  const options = await readDeleteOptions(request, scope, warnings);
  const result = await storage.delete(contextOf(request, scope, warnings), urlName(request), options);
  const headers = warnings.headers();
  if (result.deleted && !scope.returnsDeleted)
    return statusResponse(request, deletedStatus(scope, result), 200, headers);
  // An explicit wish not to orphan that could not be met at once is "accepted" only (API X-02).
  const status = !result.deleted && options.orphanDependents === false ? 202 : 200;
  return objectResponse(request, scope, result.item, {
    format,
    status,
    headers,
  });
};

/**
 * Options of the body if there is one, else of the query (API X-04). A field that means nothing may be a precondition
 * that is misspelled, so it is told of as in any other body.
 * @throws StatusError 400, 413, 415, 422
 */
export async function readDeleteOptions(
  request: ApiRequest,
  scope: RequestScope,
  warnings: Warnings,
): Promise<DeleteRequest> {
  const bytes = await request.body(limits.maxBodyBytes.value);
  if (bytes.length === 0) return deleteOptionsOfQuery(request.query);
  const mediaType = acceptedContentType(request, bodyMediaTypes(scope));
  const fieldValidation = fieldValidationOf(request.query);
  try {
    const { value, problems } = await paceOf(request, { bytes }).runSteps(
      decodeInSteps({ bytes, mediaType }, fieldValidation !== "Ignore"),
    );
    const sent = value ?? {};
    if (!isObject(sent)) throw new UndecodableBody("it must be an object", bytes);
    const { options, unknownFields } = deleteOptionsOfBody(sent);
    const told = [...unknownFields.map((field) => `unknown field "${field}"`), ...problems];
    if (told.length > 0 && fieldValidation === "Strict") {
      throw undecodableOptions(`strict decoding error: ${told.join(", ")}`);
    }
    if (fieldValidation === "Warn") for (const text of told) warnings.add(text);
    return options;
  } catch (error) {
    if (!(error instanceof UndecodableBody)) throw error;
    throw newBadRequest(
      `the object provided is unrecognized (must be of type DeleteOptions): ${error.message} ${error.excerpt}`,
    );
  }
}

/** What an immediate deletion answers; there is no `code`, and `kind` is the plural resource (API X-01). */
function deletedStatus({ resource }: RequestScope, { item }: DeleteResult): Status {
  const { name, uid } = item.object.metadata;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      ...(name === undefined ? {} : { name }),
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.resource,
      ...(uid === undefined ? {} : { uid }),
    },
  };
}
