/** Requests as transports would make them, for tests of filters and handlers. */
import type { UserInfo } from "../../apiserver/authentication/user.ts";
import type { ApiRequest, ApiResponse } from "../../apiserver/endpoints/api-handler.ts";
import { parseRequestInfo } from "../../apiserver/endpoints/request-info.ts";

export type RequestParts = {
  readonly method?: string;
  /** With its query. */
  readonly url?: string;
  readonly headers?: { readonly [name: string]: string | readonly string[] };
  readonly body?: string | Uint8Array;
  /** In place of `body`: when and how it comes. */
  readonly reading?: Promise<Uint8Array>;
  readonly bodyLength?: number;
  readonly user?: UserInfo;
  readonly signal?: AbortSignal;
};

/** A request with what its URL says already parsed. */
export function aRequest(parts: RequestParts = {}): ApiRequest {
  const { method = "GET", url = "/", headers = {}, body = "", user = { name: "jane", groups: [] } } = parts;
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const rawQuery = mark < 0 ? "" : url.slice(mark + 1);
  const query = new URLSearchParams(rawQuery);
  const info = parseRequestInfo(method, path, query);
  if (info === undefined) throw new Error(`no path: ${path}`);
  return {
    method,
    path,
    rawQuery,
    query,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
    body: () => parts.reading ?? Promise.resolve(typeof body === "string" ? Buffer.from(body) : body),
    ...(parts.bodyLength === undefined ? {} : { bodyLength: parts.bodyLength }),
    connection: { remoteAddress: "192.0.2.1", clientCertificates: [], certificateError: undefined },
    signal: parts.signal ?? new AbortController().signal,
    auditId: "audit",
    info,
    user,
  };
}

/** The whole body of an answer. */
export async function bytesOf({ body }: ApiResponse): Promise<Buffer> {
  const content = body?.() ?? "";
  if (typeof content === "string" || content instanceof Uint8Array) return Buffer.from(content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) {
    if (chunk instanceof Uint8Array) chunks.push(chunk);
    else chunks.push(...chunk);
  }
  return Buffer.concat(chunks);
}
