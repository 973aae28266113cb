/**
 * Answers of the verbs: one object or a list, in the shape and encoding the client asked for.
 *
 * Invariant: what isn't there as bytes already is made in pieces, when the transport asks for the next (API N-17).
 */
import type { JsonObject } from "../apis/meta/v1.ts";
import { statusError } from "../errors/status-error.ts";
import { parseJson } from "../machinery/json.ts";
import { yamlListPieces, yamlPieces } from "../machinery/yaml-printer.ts";
import type { EncodedObject, ListResult } from "../registry/rest/interface.ts";
import type { ApiRequest, ApiResponse, ApiResult } from "./api-handler.ts";
import { comma, newline, textOf, utf8 } from "./bytes.ts";
import { CompressedLists, type CompressibleList } from "./compressed-lists.ts";
import { compressible } from "./compression.ts";
import { negotiateOutput, type OutputFormat } from "./negotiation.ts";
import { indentJson } from "./pretty-json.ts";
import { bytesResponse, gzipResponse, type HeaderFields, piecesResponse } from "./responses.ts";
import type { RequestScope } from "./scope.ts";
import { columnDefinitions, type IncludeObject, includeObjectOf, partialObjectParts, rowParts } from "./table.ts";

/** A format this endpoint can write, with what the query adds to it. */
export type CheckedFormat = OutputFormat & { readonly include: IncludeObject };

/**
 * @param shape  of the answer; `undefined` where it turns out only when there is one: errors have no shape (API N-07)
 * @throws StatusError 406, 400; before anything is done (API N-06, N-33, N-39)
 */
export function outputFormat(
  request: ApiRequest,
  { columns }: Pick<RequestScope, "columns">,
  shape: Shape | undefined,
): CheckedFormat {
  return checkFormat(request, negotiateOutput(request, columns.length > 0), shape);
}

type Shape = "object" | "list";

/** @throws StatusError 406 for a transform that is none of this shape (API N-39) */
export function checkShape({ transform: { as } }: OutputFormat, shape: Shape): void {
  if (as === "PartialObjectMetadata" && shape === "list") throw wrongShape(as, "a list");
  if (as === "PartialObjectMetadataList" && shape === "object") throw wrongShape(as, "not a list");
}

export function checkFormat(request: ApiRequest, format: OutputFormat, shape: Shape | undefined): CheckedFormat {
  const { as } = format.transform;
  if (shape !== undefined) checkShape(format, shape);
  return {
    ...format,
    include: as === "Table" ? includeObjectOf(request) : "Metadata",
  };
}

export const wrongShape = (asked: string, actual: string): Error =>
  statusError(406, "NotAcceptable", `you requested ${asked}, but the requested object is ${actual}`);

export type Answer = {
  readonly format: CheckedFormat;
  readonly status?: number;
  readonly headers?: HeaderFields;
};

export function objectResponse(
  request: ApiRequest,
  scope: RequestScope,
  item: EncodedObject,
  answer: Answer,
): ApiResponse {
  const result: ApiResult = { kind: "object", item };
  const { transform, include } = answer.format;
  if (transform.as === "Table") {
    const { resourceVersion } = item.object.metadata;
    const metadata = resourceVersion === undefined ? {} : { resourceVersion };
    const table = tableDocument(scope, { items: [item], metadata }, { include, version: transform.version });
    return listDocumentResponse(request, table, answer, result);
  }
  const parts = transform.as === "PartialObjectMetadata" ? partialObjectParts(item, transform.version) : [item.json];
  return encodedResponse(request, answer, result, {
    json: parts,
    yaml: () => yamlPieces(parseJson(textOf(parts))),
  });
}

export function listResponse(request: ApiRequest, scope: RequestScope, list: ListResult, answer: Answer): ApiResponse {
  return listDocumentResponse(request, listDocument(scope, list, answer.format), answer, { kind: "list", list });
}

/** A list before it has an encoding: its first members, and its elements as JSON. */
type ListDocument = {
  readonly head: JsonObject;
  readonly member: "items" | "rows";
  readonly elements: () => Iterable<readonly Uint8Array[]>;
  /** The elements are these, but for the first bytes behind their opening brace: nothing is to be made. */
  readonly ready?: { readonly items: readonly EncodedObject[]; readonly cut: number };
};

function listDocument(scope: RequestScope, list: ListResult, { transform, include }: CheckedFormat): ListDocument {
  if (transform.as === "Table") return tableDocument(scope, list, { include, version: transform.version });
  if (transform.as === "PartialObjectMetadataList") {
    const { version } = transform;
    return {
      head: listHead("PartialObjectMetadataList", `meta.k8s.io/${version}`, list),
      member: "items",
      elements: () => mapped(list.items, (item) => partialObjectParts(item, version)),
    };
  }
  const hidden = scope.bareItems ? typeBytes(scope) : 0;
  return {
    head: listHead(scope.listKind, scope.apiVersion, list),
    member: "items",
    elements: () => mapped(list.items, ({ json }) => (hidden === 0 ? [json] : [openBrace, json.subarray(hidden + 1)])),
    ready: { items: list.items, cut: hidden },
  };
}

const openBrace = utf8("{");

/** Length of the members apiVersion and kind, with which the JSON of every object begins (`registry/generic/codec.ts`). */
const typeBytes = ({ apiVersion, kind: { kind } }: RequestScope): number =>
  Buffer.byteLength(`"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},`);

function tableDocument(
  { columns }: RequestScope,
  list: ListResult,
  options: { include: IncludeObject; version: "v1" | "v1beta1" },
): ListDocument {
  const now = new Date();
  const head = listHead("Table", `meta.k8s.io/${options.version}`, list);
  return {
    head: { ...head, columnDefinitions: columnDefinitions(columns) },
    member: "rows",
    elements: () => mapped(list.items, (item) => rowParts(item, { columns, ...options }, now)),
  };
}

const listHead = (kind: string, apiVersion: string, { metadata }: ListResult): JsonObject => ({
  kind,
  apiVersion,
  metadata: { ...metadata },
});

function* mapped<T, U>(items: Iterable<T>, map: (item: T) => U): Generator<U> {
  for (const item of items) yield map(item);
}

function listDocumentResponse(
  request: ApiRequest,
  document: ListDocument,
  answer: Answer,
  result: ApiResult,
): ApiResponse {
  const { elements, head, member, ready } = document;
  const start = utf8(`${JSON.stringify(head).slice(0, -1)},"${member}":[`);
  const compressed = ready === undefined ? undefined : compressedOnce(request, answer, { start, ...ready });
  if (compressed !== undefined) return gzipResponse(describedAs(answer, result), compressed);
  return encodedResponse(request, answer, result, {
    json: ready !== undefined ? joinedReady(start, elements()) : joined(start, elements()),
    yaml: () =>
      yamlListPieces(
        head,
        member,
        mapped(elements(), (parts) => parseJson(textOf(parts))),
      ),
  });
}

const listEnd = utf8("]}");
const compressedLists = new CompressedLists();
const lastOfList = utf8("]}\n");

/** A list as this client may have it, of blocks that other readers have too; `undefined` where that is not possible. */
function compressedOnce(
  request: ApiRequest,
  { format }: Answer,
  list: Omit<CompressibleList, "end">,
): (() => AsyncIterable<Uint8Array>) | undefined {
  if (format.mediaType === "application/yaml" || format.pretty) return undefined;
  const bytes = list.items.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
  if (!compressible(bytes, request.headers.get("accept-encoding"))) return undefined;
  return compressedLists.gzip({ ...list, end: lastOfList }, request.user.name);
}

/** The fastest way, for what is asked for most. */
function joinedReady(start: Uint8Array, elements: ReturnType<ListDocument["elements"]>): Uint8Array[] {
  const parts = [start];
  for (const element of elements) {
    for (const part of element) parts.push(part);
    parts.push(comma);
  }
  if (parts.length > 1) parts.pop();
  parts.push(listEnd);
  return parts;
}

function* joined(start: Uint8Array, elements: ReturnType<ListDocument["elements"]>): Generator<Uint8Array> {
  yield start;
  let isFirst = true;
  for (const parts of elements) {
    if (!isFirst) yield comma;
    isFirst = false;
    yield* parts;
  }
  yield listEnd;
}

/** What an answer says, as compact JSON that is read at most once, or as YAML. */
type Content = {
  /** An array: the bytes are there. Otherwise they are made when they are asked for. */
  readonly json: Iterable<Uint8Array>;
  readonly yaml: () => Iterable<string>;
};

/** Compact JSON is passed on as it is; only YAML and indented JSON are made anew. */
function encodedResponse(request: ApiRequest, answer: Answer, result: ApiResult, { json, yaml }: Content): ApiResponse {
  const { format } = answer;
  const common = describedAs(answer, result);
  const bytes = Array.isArray(json) ? lengthOf(json) : undefined;
  if (format.mediaType === "application/yaml") {
    // Without quotes and braces it may be shorter, by far less than half.
    const atLeast = bytes === undefined ? undefined : bytes / 2;
    return piecesResponse(request, { ...common, pieces: encoded(yaml()), atLeast });
  }
  if (format.pretty) {
    return piecesResponse(request, { ...common, pieces: indentJson(json), atLeast: bytes });
  }
  return bytes === undefined
    ? piecesResponse(request, { ...common, pieces: withNewline(json) })
    : bytesResponse(request, { ...common, parts: [...json, newline], bytes: bytes + newline.length });
}

const describedAs = ({ format, status = 200, headers = {} }: Answer, result: ApiResult) => ({
  status,
  contentType: format.mediaType,
  headers,
  result,
});

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

function* withNewline(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield* parts;
  yield newline;
}

const encoded = (pieces: Iterable<string>): Generator<Uint8Array> => mapped(pieces, utf8);
