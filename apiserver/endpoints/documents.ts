import type { JsonObject } from "../apis/meta/v1.ts";
import { newMethodNotAllowedOnPath } from "../errors/status-error.ts";
import type { ApiHandler, ApiRequest } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import { negotiateDocument } from "./negotiation.ts";
import { bytesResponse, encodedDocument } from "./responses.ts";

/** Documents are read only (API D-18). @throws StatusError 405 */
export function onlyReads({ method }: ApiRequest): void {
  if (method !== "GET" && method !== "HEAD") throw newMethodNotAllowedOnPath();
}

/** Serves a document that never changes, as JSON or YAML (API D-19). */
export function documentHandler(document: JsonObject): ApiHandler {
  const json = utf8(JSON.stringify(document));
  return async (request) => {
    onlyReads(request);
    const format = negotiateDocument(request);
    const parts = encodedDocument(json, document, format);
    return bytesResponse(request, { status: 200, contentType: format.mediaType, parts });
  };
}

/** Serves a document that is always indented JSON, for people (API H-01, H-11). */
export function indentedDocumentHandler(document: JsonObject): ApiHandler {
  const parts = [utf8(JSON.stringify(document, null, 2))];
  return async (request) => {
    onlyReads(request);
    return bytesResponse(request, { status: 200, contentType: "application/json", parts });
  };
}
