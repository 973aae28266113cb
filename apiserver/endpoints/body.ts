/** Of which media types request bodies may be (API 7.2). */
import { newUnsupportedMediaType } from "../errors/status-error.ts";
import type { ApiRequest } from "./api-handler.ts";
import { firstHeader } from "./responses.ts";

/** The media type without parameters, in lower case; `""` when the header is absent. */
export function contentType(request: ApiRequest): string {
  const header = firstHeader(request, "content-type");
  if (header === "application/json" || header === "") return header;
  const type = header.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "" ? header : type;
}

/** The media type of the body, which is not read yet. @throws StatusError 415 for one that is not `accepted` */
export function acceptedContentType(request: ApiRequest, accepted: readonly string[]): string {
  const mediaType = contentType(request);
  if (!accepted.includes(mediaType || "application/json")) throw newUnsupportedMediaType(accepted);
  return mediaType;
}
