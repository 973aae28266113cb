import type { Status } from "../apis/meta/v1.ts";
import type { StatusError } from "../errors/status-error.ts";
import { stringifyJson } from "../machinery/json.ts";
import { stringifyYaml } from "../machinery/yaml-printer.ts";
import type { ApiRequest, ApiResponse, ApiResult, ResponseBody } from "./api-handler.ts";
import { newline, utf8 } from "./bytes.ts";
import { acceptsGzip, compressible, gzipParts, minCompressedBytes } from "./compression.ts";
import { errorFormat, type OutputFormat } from "./negotiation.ts";
import { indentJson } from "./pretty-json.ts";

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

/** Gives up an answer nobody will read: a stream is started and ended, so that what it holds is released. */
export async function abandon({ body, result, onWritten }: ApiResponse): Promise<void> {
  try {
    const stream = result?.kind === "watch" ? body?.() : undefined;
    if (typeof stream === "object" && Symbol.asyncIterator in stream) for await (const _ of stream) return;
  } finally {
    onWritten?.();
  }
}

type AnswerOfBytes = {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: HeaderFields;
  readonly result?: ApiResult;
};

/**
 * Bytes as the answer, compressed when that pays and the client accepts it (API N-43).
 *
 * @param parts  joined on the wire, read at most once; never changed afterwards
 * @param bytes  length of them all; may be left out where they are in an array
 */
export function bytesResponse(
  request: ApiRequest,
  answer: AnswerOfBytes &
    (
      | { readonly parts: readonly Uint8Array[]; readonly bytes?: undefined }
      | { readonly parts: Iterable<Uint8Array>; readonly bytes: number }
    ),
): ApiResponse {
  const { parts } = answer;
  const bytes = answer.bytes ?? answer.parts.reduce((sum, { length }) => sum + length, 0);
  if (compressible(bytes, request.headers.get("accept-encoding"))) return compressedResponse(request, answer, parts);
  const body = (): ResponseBody => (bytes <= maxJoinedBytes ? Buffer.concat([...parts], bytes) : parts);
  return responseOf(answer, { "content-length": String(bytes) }, body);
}

/** Up to here one write of one copy is cheaper than taking parts one after the other. */
const maxJoinedBytes = 32 * 1024;

/**
 * The same for pieces that are made when they are asked for: their length is known only where they are few.
 * @param atLeast  bytes they will be at least, where that is known
 */
export function piecesResponse(
  request: ApiRequest,
  answer: AnswerOfBytes & { readonly pieces: Iterable<Uint8Array>; readonly atLeast?: number | undefined },
): ApiResponse {
  const pieces = answer.pieces[Symbol.iterator]();
  const first: Uint8Array[] = [];
  const isLarge = (answer.atLeast ?? 0) >= minCompressedBytes;
  for (let bytes = 0; bytes < minCompressedBytes && !isLarge; ) {
    const { done, value } = pieces.next();
    if (done === true) return bytesResponse(request, { ...answer, parts: first });
    first.push(value);
    bytes += value.length;
  }
  const all = chained(first, pieces);
  if (acceptsGzip(request.headers.get("accept-encoding"))) return compressedResponse(request, answer, all);
  return responseOf(answer, {}, () => all);
}

function* chained(first: Uint8Array[], rest: Iterator<Uint8Array>): Generator<Uint8Array> {
  yield* first.splice(0);
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

function compressedResponse({ user }: ApiRequest, answer: AnswerOfBytes, parts: Iterable<Uint8Array>): ApiResponse {
  return gzipResponse(answer, () => gzipParts(parts, user.name));
}

/** @param body  as gzip already */
export function gzipResponse(answer: AnswerOfBytes, body: () => ResponseBody): ApiResponse {
  const vary = withVary(answer.headers?.vary, "Accept-Encoding");
  return responseOf(answer, { "content-encoding": "gzip", vary }, body);
}

function responseOf(
  { status, contentType, headers, result }: AnswerOfBytes,
  more: HeaderFields,
  body: () => ResponseBody,
): ApiResponse {
  return {
    status,
    headers: { "content-type": contentType, ...headers, ...more },
    body,
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
  const retryAfter = status.details?.retryAfterSeconds ?? 0;
  return bytesResponse(request, {
    status: code,
    contentType: format.mediaType,
    parts: encodedDocument(utf8(stringifyJson(status)), status, format),
    headers: {
      ...headers,
      ...(retryAfter > 0 ? { "retry-after": String(retryAfter) } : {}),
      ...(code === 403 ? { "x-content-type-options": "nosniff" } : {}),
    },
    result: { kind: "status", status },
  });
}

/** A small document in the asked encoding. @param json  the same as compact JSON */
export function encodedDocument(
  json: Uint8Array,
  document: object,
  { mediaType, pretty }: Pick<OutputFormat, "mediaType" | "pretty">,
): readonly Uint8Array[] {
  if (mediaType === "application/yaml") return [utf8(stringifyYaml(document))];
  return pretty ? [...indentJson([json])] : [json, newline];
}

export function errorResponse(request: ApiRequest, error: StatusError): ApiResponse {
  return statusResponse(request, error.status, error.status.code);
}
