/** Answers of the verbs: one object or a list, in the shape and encoding the client asked for. */
import { statusError } from "../errors/status-error.ts";
import { parseJson } from "../machinery/json.ts";
import { stringifyYaml } from "../machinery/yaml.ts";
import type { EncodedObject, ListResult } from "../registry/rest/interface.ts";
import type { ApiRequest, ApiResponse, ApiResult } from "./api-handler.ts";
import { comma, newline, textOf, utf8 } from "./bytes.ts";
import { negotiateOutput, type OutputFormat } from "./negotiation.ts";
import { prettyJson } from "./pretty-json.ts";
import { bytesResponse, type HeaderFields } from "./responses.ts";
import type { RequestScope } from "./scope.ts";
import {
  columnDefinitions,
  type IncludeObject,
  includeObjectOf,
  partialObjectParts,
  rowParts,
  tableHeader,
} from "./table.ts";

/** A format this endpoint can write, with what the query adds to it. */
export type CheckedFormat = OutputFormat & { readonly include: IncludeObject };

/** @throws StatusError 406, 400; before anything is done (API N-06, N-33, N-39) */
export function outputFormat(request: ApiRequest, shape: "object" | "list"): CheckedFormat {
  return checkFormat(request, negotiateOutput(request), shape);
}

export function checkFormat(request: ApiRequest, format: OutputFormat, shape: "object" | "list"): CheckedFormat {
  const { as } = format.transform;
  if (as === "PartialObjectMetadata" && shape === "list") throw wrongShape(as, "a list");
  if (as === "PartialObjectMetadataList" && shape === "object") throw wrongShape(as, "not a list");
  return {
    ...format,
    include: as === "Table" ? includeObjectOf(request) : "Metadata",
  };
}

export const wrongShape = (asked: string, actual: string): Error =>
  statusError(406, "NotAcceptable", `you requested ${asked}, but the requested object is ${actual}`, {});

export type Answer = {
  readonly format: CheckedFormat;
  readonly status?: number;
  readonly headers?: HeaderFields;
};

export function objectResponse(
  request: ApiRequest,
  scope: RequestScope,
  item: EncodedObject,
  { format, status = 200, headers }: Answer,
): ApiResponse {
  return encoded(request, objectParts(scope, item, format), {
    format,
    status,
    ...(headers === undefined ? {} : { headers }),
    result: { kind: "object", item },
  });
}

function objectParts(scope: RequestScope, item: EncodedObject, { transform, include }: CheckedFormat): Uint8Array[] {
  switch (transform.as) {
    case "Table": {
      const { resourceVersion } = item.object.metadata;
      const list: ListResult = {
        items: [item],
        metadata: resourceVersion === undefined ? {} : { resourceVersion },
      };
      return tableParts(scope, list, { include, version: transform.version });
    }
    case "PartialObjectMetadata":
      return partialObjectParts(item, transform.version);
    default:
      return [item.json];
  }
}

export function listResponse(
  request: ApiRequest,
  scope: RequestScope,
  list: ListResult,
  { format, status = 200, headers }: Answer,
): ApiResponse {
  return encoded(request, listParts(scope, list, format), {
    format,
    status,
    ...(headers === undefined ? {} : { headers }),
    result: { kind: "list", list },
  });
}

const listEnd = utf8("]}");

function listParts(scope: RequestScope, list: ListResult, { transform, include }: CheckedFormat): Uint8Array[] {
  if (transform.as === "Table") return tableParts(scope, list, { include, version: transform.version });
  if (transform.as === "PartialObjectMetadataList") {
    const { version } = transform;
    const parts = [listHeader("PartialObjectMetadataList", `meta.k8s.io/${version}`, list)];
    pushJoined(parts, list.items, (item) => parts.push(...partialObjectParts(item, version)));
    return parts;
  }
  const parts = [listHeader(scope.listKind, scope.apiVersion, list)];
  pushJoined(parts, list.items, (item) => parts.push(item.json));
  return parts;
}

function listHeader(kind: string, apiVersion: string, { metadata }: ListResult): Uint8Array {
  return utf8(
    `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`,
  );
}

function tableParts(
  { columns }: RequestScope,
  list: ListResult,
  options: { include: IncludeObject; version: "v1" | "v1beta1" },
): Uint8Array[] {
  const now = new Date();
  const parts = [tableHeader(list.metadata, options.version, columnDefinitions(columns))];
  pushJoined(parts, list.items, (item) => parts.push(...rowParts(item, { columns, ...options }, now)));
  return parts;
}

function pushJoined(
  parts: Uint8Array[],
  items: readonly EncodedObject[],
  push: (item: EncodedObject) => unknown,
): void {
  let first = true;
  for (const item of items) {
    if (!first) parts.push(comma);
    first = false;
    push(item);
  }
  parts.push(listEnd);
}

function encoded(
  request: ApiRequest,
  json: Uint8Array[],
  answer: {
    format: OutputFormat;
    status: number;
    headers?: HeaderFields;
    result: ApiResult;
  },
): ApiResponse {
  const { format, status, headers, result } = answer;
  return bytesResponse(request, {
    status,
    contentType: format.mediaType,
    parts: finish(json, format),
    ...(headers === undefined ? {} : { headers }),
    result,
  });
}

/** Compact JSON is passed on as it is; only YAML and indented JSON are made anew. */
function finish(json: Uint8Array[], { mediaType, pretty }: OutputFormat): readonly Uint8Array[] {
  if (mediaType === "application/yaml") return [utf8(stringifyYaml(parseJson(textOf(json))))];
  if (pretty) return [utf8(`${prettyJson(textOf(json))}\n`)];
  json.push(newline);
  return json;
}
