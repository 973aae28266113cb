/** OpenAPI documents over HTTP (API 2.1). Built when first asked for, then kept as bytes with their hash. */
import { createHash } from "node:crypto";
import { systemClock } from "../machinery/clock.ts";
import type { ApiHandler, ApiRequest, ApiResponse } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import { onlyReads } from "./documents.ts";
import { acceptClauses, matchMediaType } from "./negotiation.ts";
import { bytesResponse, emptyResponse, firstHeader, type HeaderFields } from "./responses.ts";

/** What builds the documents; each is called at most once. */
export type OpenApiSource = {
  readonly v2: () => object | Promise<object>;
  /** The same as gnostic's protobuf. */
  readonly v2Protobuf: () => Uint8Array | Promise<Uint8Array>;
  /** By key without leading slash, e.g. `apis/compute.functionmesh.io/v1alpha1`. */
  readonly v3: ReadonlyMap<string, () => object | Promise<object>>;
};

type HashedDocument = { readonly bytes: Uint8Array; readonly hash: string };

const yearMs = 365 * 24 * 60 * 60 * 1000;
const root = "/openapi/v3";

/** Handlers of the paths under `/openapi`, and of everything below `/openapi/v3/`. */
export function openApiHandlers(
  source: OpenApiSource,
  startedAt: Date,
): { readonly paths: ReadonlyMap<string, ApiHandler>; readonly prefixes: readonly (readonly [string, ApiHandler])[] } {
  const lastModified = startedAt.toUTCString();
  const v2 = once(source.v2);
  const v2Protobuf = onceHashed(async () => hashed(await source.v2Protobuf()));
  const v3 = new Map([...source.v3].map(([key, build]) => [key, once(build)]));
  const rootDocument = once(async () => {
    const paths: { [key: string]: { serverRelativeURL: string } } = {};
    for (const [key, document] of v3) paths[key] = { serverRelativeURL: urlOf(key, (await document()).hash) };
    return { paths };
  });
  const serve =
    (document: () => Promise<HashedDocument>, contentType?: string): ApiHandler =>
    async (request) =>
      documentResponse(request, await document(), { "last-modified": lastModified }, contentType);
  return {
    paths: new Map([
      ["/openapi/v2", v2Handler({ json: serve(v2), protobuf: serve(v2Protobuf, protobufType) })],
      [root, guarded(serve(rootDocument))],
    ]),
    prefixes: [[`${root}/`, guarded(groupVersionHandler(v3, lastModified))]],
  };
}

const urlOf = (key: string, hash: string): string => `${root}/${key}?hash=${hash}`;

function once(build: () => object | Promise<object>): () => Promise<HashedDocument> {
  return onceHashed(async () => hashed(utf8(JSON.stringify(await build()))));
}

/** A failed attempt is forgotten, so that the next request tries again. */
function onceHashed(build: () => Promise<HashedDocument>): () => Promise<HashedDocument> {
  let made: Promise<HashedDocument> | undefined;
  return () => {
    made ??= build().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

function hashed(bytes: Uint8Array): HashedDocument {
  return { bytes, hash: createHash("sha512").update(bytes).digest("hex").toUpperCase() };
}

/** As client-go asks for it, and as it is answered. */
const protobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const protobufTypes = ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", protobufType] as const;

/** JSON or protobuf, whichever the first clause asks for that one of them fits (API O-01…O-03). */
function v2Handler({ json, protobuf }: { readonly json: ApiHandler; readonly protobuf: ApiHandler }): ApiHandler {
  return async (request) => {
    onlyReads(request);
    for (const clause of acceptClauses(request)) {
      if (clause.parameters.has("as")) continue;
      if (matchMediaType(clause, ["application/json"]) !== undefined) return json(request);
      if (matchMediaType(clause, protobufTypes) !== undefined) return protobuf(request);
    }
    return emptyResponse(406);
  };
}

/** Other types than JSON are refused without a body (API O-03, O-14). */
function guarded(next: ApiHandler): ApiHandler {
  return async (request) => {
    onlyReads(request);
    return acceptsJson(request) ? next(request) : emptyResponse(406);
  };
}

function acceptsJson(request: ApiRequest): boolean {
  return acceptClauses(request).some(
    (clause) => !clause.parameters.has("as") && matchMediaType(clause, ["application/json"]) !== undefined,
  );
}

function groupVersionHandler(
  documents: ReadonlyMap<string, () => Promise<HashedDocument>>,
  lastModified: string,
): ApiHandler {
  return async (request) => {
    const key = request.info.path.slice(root.length + 1);
    const document = await documents.get(key)?.();
    if (document === undefined) return emptyResponse(404);
    const asked = request.query.get("hash") ?? "";
    if (asked === "") return documentResponse(request, document, { "last-modified": lastModified });
    if (asked !== document.hash) return emptyResponse(301, { location: urlOf(key, document.hash) });
    return documentResponse(request, document, {
      "last-modified": lastModified,
      "cache-control": "public, immutable",
      expires: new Date(systemClock.now() + yearMs).toUTCString(),
    });
  };
}

function documentResponse(
  request: ApiRequest,
  document: HashedDocument,
  headers: HeaderFields,
  contentType = "application/json",
): ApiResponse {
  const etag = `"${document.hash}"`;
  const common = { ...headers, etag, vary: "Accept" };
  if (isNotModified(request, etag, headers["last-modified"])) return emptyResponse(304, common);
  return bytesResponse(request, {
    status: 200,
    contentType,
    parts: [document.bytes],
    headers: common,
  });
}

/** RFC 9110 section 13.1: `If-None-Match` decides alone when it is there. */
function isNotModified(request: ApiRequest, etag: string, lastModified: HeaderFields[string] | undefined): boolean {
  const ifNoneMatch = request.headers.get("if-none-match");
  if (ifNoneMatch !== undefined) {
    return ifNoneMatch
      .flatMap((value) => value.split(","))
      .some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
  }
  const since = Date.parse(firstHeader(request, "if-modified-since"));
  return typeof lastModified === "string" && Date.parse(lastModified) <= since;
}
