import type { Status } from "../apis/meta/v1.ts";
import type { StatusError } from "../errors/status-error.ts";
import { stringifyJson } from "../machinery/json.ts";
import { stringifyYaml } from "../machinery/yaml.ts";
import type { ApiRequest, ApiResponse, ApiResult } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import { compressible, gzipParts } from "./compression.ts";
import { errorFormat } from "./negotiation.ts";
import { prettyJson } from "./pretty-json.ts";

export type HeaderFields = {
  readonly [name: string]: string | readonly string[];
};

/** First value of a header, `""` when absent. */
export function firstHeader(request: Pick<ApiRequest, "headers">, name: string): string {
  return request.headers.get(name)?.[0] ?? "";
}

/** Plain text as Go's `http.Error` writes it; for answers that are not a Status. */
export function textResponse(status: number, text: string, headers: HeaderFields = {}): ApiResponse {
  return {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(Buffer.byteLength(text)),
      "x-content-type-options": "nosniff",
      ...headers,
    },
    body: () => text,
  };
}

/** A path under no registered prefix (API D-17). */
export const pathNotFoundResponse = (): ApiResponse => textResponse(404, "404 page not found\n");

/** An answer without body. */
export const emptyResponse = (status: number, headers: HeaderFields = {}): ApiResponse => ({ status, headers });

/**
 * Bytes as the answer, compressed when that pays and the client accepts it (API N-43).
 *
 * @param parts  joined on the wire; never changed afterwards
 */
export function bytesResponse(
  request: ApiRequest,
  answer: {
    status: number;
    contentType: string;
    parts: readonly Uint8Array[];
    headers?: HeaderFields;
    result?: ApiResult;
  },
): ApiResponse {
  const { status, contentType, parts, headers, result } = answer;
  let size = 0;
  for (const part of parts) size += part.length;
  const compress = compressible(size, request.headers.get("accept-encoding"));
  const common = { "content-type": contentType, ...headers };
  return {
    status,
    headers: compress
      ? {
          ...common,
          "content-encoding": "gzip",
          vary: withVary(headers?.vary, "Accept-Encoding"),
        }
      : { ...common, "content-length": String(size) },
    body: compress ? () => gzipParts(parts) : () => parts,
    ...(result === undefined ? {} : { result }),
  };
}

function withVary(vary: string | readonly string[] | undefined, name: string): string {
  return vary === undefined ? name : `${typeof vary === "string" ? vary : vary.join(", ")}, ${name}`;
}

/**
 * A Status in the format the client accepts, JSON when it accepts none of ours; transforms are ignored (API N-07).
 *
 * @param status  a failure, or the answer of an immediate deletion
 * @param code    HTTP code
 */
export function statusResponse(request: ApiRequest, status: Status, code: number, headers?: HeaderFields): ApiResponse {
  const format = errorFormat(request);
  const text =
    format.mediaType === "application/yaml"
      ? stringifyYaml(status)
      : `${format.pretty ? prettyJson(stringifyJson(status)) : stringifyJson(status)}\n`;
  const retryAfter = status.details?.retryAfterSeconds ?? 0;
  return bytesResponse(request, {
    status: code,
    contentType: format.mediaType,
    parts: [utf8(text)],
    headers: {
      ...headers,
      ...(retryAfter > 0 ? { "retry-after": String(retryAfter) } : {}),
      ...(code === 403 ? { "x-content-type-options": "nosniff" } : {}),
    },
    result: { kind: "status", status },
  });
}

export function errorResponse(request: ApiRequest, error: StatusError): ApiResponse {
  return statusResponse(request, error.status, error.status.code);
}
