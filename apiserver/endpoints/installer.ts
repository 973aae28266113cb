/**
 * From the list of resources to the handler that serves them (design D4). Routing, discovery and OpenAPI read the
 * same `ResourceEndpoint` rows, so they cannot disagree.
 */
import {
  newBadRequest,
  newMethodNotAllowed,
  newMethodNotAllowedOnPath,
  newPathNotFound,
} from "../errors/status-error.ts";
import type { WatchMetrics } from "../observability/watch-metrics.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import type { ApiHandler, ApiRequest, ApiResponse } from "./api-handler.ts";
import { deleteObject } from "./handlers/delete.ts";
import { deleteCollection } from "./handlers/delete-collection.ts";
import { getObject } from "./handlers/get.ts";
import { listObjects } from "./handlers/list.ts";
import { watchObjects } from "./handlers/watch.ts";
import { createObject, patchObject, updateObject } from "./handlers/write.ts";
import { isServedMethod, namePathProblem } from "./request-info.ts";
import { pathNotFoundResponse } from "./responses.ts";
import { type RequestScope, type ScopeOptions, scopeOf, subresourceScopeOf, type VerbHandler } from "./scope.ts";

type Verbs = { readonly [verb: string]: VerbHandler };
const collectionVerbs: Verbs = {
  list: listObjects,
  watch: watchObjects,
  create: createObject,
  deletecollection: deleteCollection,
};
/** The only verbs of a namespaced resource without a namespace in the path (API V-04, X-16). */
const allNamespacesVerbs: Verbs = { list: listObjects, watch: watchObjects };
const itemVerbs: Verbs = {
  get: getObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  watch: watchObjects,
};
const subresourceVerbs: Verbs = {
  get: getObject,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
};

type ResourceRoutes = { readonly scope: RequestScope; readonly subresources: ReadonlyMap<string, RequestScope> };
/** Group, then version, then resource. */
type RouteTable = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, ResourceRoutes>>>;

/**
 * Handler of everything beneath authorization.
 *
 * @param resources     what is served under `/api` and `/apis`; a group and version exists by having a resource
 * @param paths         handlers of exact decoded paths such as `/version`; one for `/apis/G/V` serves `/apis/G/V/` too
 * @param minWatchMs    shortest life of a watch that names no time; default as kube-apiserver's
 * @param watches       told what watches are sent
 * @param prefixes      handlers of everything below a path, e.g. `/openapi/v3/`; the first that fits
 */
export function installApi(parts: {
  readonly resources: readonly ResourceEndpoint[];
  readonly paths: ReadonlyMap<string, ApiHandler>;
  readonly prefixes: readonly (readonly [prefix: string, handler: ApiHandler])[];
  readonly minWatchMs?: number;
  readonly watches?: WatchMetrics;
}): ApiHandler {
  const table = routeTable(parts.resources, parts);
  const other = pathHandler(parts.paths, parts.prefixes, table);
  return (request) => (request.info.isResourceRequest ? serveResource(request, table) : other(request));
}

function routeTable(resources: readonly ResourceEndpoint[], options: ScopeOptions): RouteTable {
  const groups = new Map<string, Map<string, Map<string, ResourceRoutes>>>();
  for (const endpoint of resources) {
    const versions = getOrAdd(groups, endpoint.group, () => new Map());
    const byName = getOrAdd(versions, endpoint.version, () => new Map());
    if (byName.has(endpoint.resource)) {
      throw new Error(`${endpoint.resource} is installed twice in ${endpoint.group}/${endpoint.version}`);
    }
    byName.set(endpoint.resource, {
      scope: scopeOf(endpoint, options),
      subresources: new Map(endpoint.subresources.map((sub) => [sub.name, subresourceScopeOf(endpoint, sub)])),
    });
  }
  return groups;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

async function serveResource(request: ApiRequest, table: RouteTable): Promise<ApiResponse> {
  const { info } = request;
  const versions = table.get(info.group);
  if (versions === undefined) return info.group === "" ? notFound() : pathNotFoundResponse();
  const routes = versions.get(info.version)?.get(info.resource);
  if (routes === undefined || !fitsScope(request, routes.scope)) return notFound();
  const { parts } = info;
  const name = parts[1];
  if (name !== undefined) checkPathName(name);
  if (parts.length > 3) return notFound();

  const scope = parts[2] === undefined ? routes.scope : routes.subresources.get(parts[2]);
  if (scope === undefined) return notFound();
  const handler = isServedMethod(request.method) ? verbsOf(request, scope)[info.verb] : undefined;
  if (handler === undefined) throw newMethodNotAllowedOnPath();
  if (request.method !== "GET" && info.verb === "watch") throw newMethodNotAllowed(scope.resource, "watch");
  return handler(request, scope);
}

function verbsOf({ info }: ApiRequest, scope: RequestScope): Verbs {
  if (info.parts.length > 2) return subresourceVerbs;
  if (info.parts.length > 1) return itemVerbs;
  return scope.namespaced && info.namespace === "" ? allNamespacesVerbs : collectionVerbs;
}

/** An item of a namespaced resource has a namespace in its path, and nothing cluster-scoped has, but Namespaces. */
function fitsScope({ info }: ApiRequest, { namespaced }: RequestScope): boolean {
  if (namespaced) return info.namespace !== "" || info.parts.length === 1;
  return info.namespace === "" || (info.resource === "namespaces" && info.parts[1] === info.namespace);
}

function checkPathName(name: string): void {
  const problem = namePathProblem(name);
  if (problem !== undefined) throw newBadRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problem}`);
}

function notFound(): never {
  throw newPathNotFound();
}

function pathHandler(
  paths: ReadonlyMap<string, ApiHandler>,
  prefixes: readonly (readonly [string, ApiHandler])[],
  table: RouteTable,
): ApiHandler {
  return async (request) => {
    const { path } = request.info;
    const exact = paths.get(path) ?? (maySlash(path) && path.endsWith("/") ? paths.get(path.slice(0, -1)) : undefined);
    if (exact !== undefined) return exact(request);
    for (const [prefix, handler] of prefixes) if (path.startsWith(prefix)) return handler(request);
    return isBelowKnownGroup(path, table) ? notFound() : pathNotFoundResponse();
  };
}

/** Generated clients end these with a slash. */
const maySlash = (path: string): boolean =>
  path === "/version/" || path.startsWith("/api/") || path.startsWith("/apis/");

/** Paths of groups that exist answer a Status, all others plain text (API D-16, D-17). */
function isBelowKnownGroup(path: string, table: RouteTable): boolean {
  if (path.startsWith("/api/")) return table.has("");
  return path.startsWith("/apis/") && table.has(path.split("/")[2] ?? "");
}
