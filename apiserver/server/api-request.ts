/** What every protocol's request becomes: an `ApiRequest`. */
import { anonymous } from "../authentication/user.ts";
import type { ApiRequest } from "../endpoints/api-handler.ts";
import { parseQuery } from "../endpoints/query.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import { headerText } from "./header-text.ts";

const noInfo: RequestInfo = {
  isResourceRequest: false,
  verb: "",
  path: "",
  group: "",
  version: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
  parts: [],
};

/** @param url  in any form that a request line has it */
export function newApiRequest(
  url: string,
  parts: Pick<ApiRequest, "method" | "headers" | "body" | "bodyLength" | "connection" | "signal">,
): ApiRequest {
  const target = originForm(url);
  const mark = target.indexOf("?");
  const rawQuery = mark < 0 ? "" : target.slice(mark + 1);
  return {
    ...parts,
    path: mark < 0 ? target : target.slice(0, mark),
    rawQuery,
    query: parseQuery(rawQuery),
    auditId: "",
    info: noInfo,
    user: anonymous,
  };
}

/** `https://host/path` is served like `/path`. */
function originForm(url: string): string {
  if (url.startsWith("/")) return url;
  const scheme = url.indexOf("://");
  if (scheme < 0) return `/${url}`;
  const slash = url.indexOf("/", scheme + 3);
  return slash < 0 ? "/" : url.slice(slash);
}

/** @param raw  names and values in turn, as they came */
export function headersOf(raw: readonly string[]): Map<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const value = headerText(raw[i + 1] ?? "");
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return headers;
}
