/** Discovery in both forms (API 1.1, 1.2), made once from the resources that are served. */
import { createHash } from "node:crypto";
import type { Verb } from "../../openapi/build.ts";
import { apiVersionOf, type GroupVersion, type JsonObject } from "../apis/meta/v1.ts";
import { groupVersionPath } from "../machinery/resource-path.ts";
import { stringifyYaml } from "../machinery/yaml-printer.ts";
import type { ResourceEndpoint, RestStorage, SubresourceEndpoint } from "../registry/rest/interface.ts";
import type { ApiHandler, ApiRequest } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import { documentHandler, onlyReads } from "./documents.ts";
import { acceptClauses, type MediaType, matchMediaType, objectMediaTypes } from "./negotiation.ts";
import { bytesResponse, emptyResponse, firstHeader } from "./responses.ts";

/** A group with its versions, the preferred one first. */
export type ApiGroup = { readonly group: string; readonly versions: readonly ApiVersion[] };
export type ApiVersion = GroupVersion & { readonly resources: readonly ResourceEndpoint[] };

/** Groups in the order their resources are listed, versions in kube-aware order, resources by name (API D-04, D-42). */
export function groupsOf(resources: readonly ResourceEndpoint[]): readonly ApiGroup[] {
  const byGroup = Map.groupBy(resources, ({ group }) => group);
  return [...byGroup].map(([group, ofGroup]) => ({
    group,
    versions: [...Map.groupBy(ofGroup, ({ version }) => version)]
      .map(([version, ofVersion]) => ({
        group,
        version,
        resources: ofVersion.toSorted((a, b) => compareText(a.resource, b.resource)),
      }))
      .sort((a, b) => compareVersions(a.version, b.version)),
  }));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Negative when `a` comes first: GA, beta, alpha, anything else; in each the higher numbers first (API D-04). */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [versionRank(a), versionRank(b)];
  return y.stability - x.stability || y.major - x.major || y.minor - x.minor || compareText(a, b);
}

function versionRank(version: string): { stability: number; major: number; minor: number } {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return { stability: 0, major: 0, minor: 0 };
  const stability = match[2] === undefined ? 3 : match[2] === "beta" ? 2 : 1;
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) };
}

/** The verbs that a storage serves, sorted (API D-10). */
export function verbsOf(storage: RestStorage): Verb[] {
  const verbs: Verb[] = [];
  if (storage.create !== undefined) verbs.push("create");
  if (storage.delete !== undefined) verbs.push("delete");
  if (storage.deleteCollection !== undefined) verbs.push("deletecollection");
  if (storage.get !== undefined) verbs.push("get");
  if (storage.list !== undefined) verbs.push("list");
  if (storage.patch !== undefined) verbs.push("patch");
  if (storage.update !== undefined) verbs.push("update");
  if (storage.watch !== undefined) verbs.push("watch");
  return verbs;
}

/**
 * Handlers of `/api`, `/apis` and the documents below them, by path.
 * `/api` and its versions exist only when core resources are served (API D-20).
 */
export function discoveryHandlers(resources: readonly ResourceEndpoint[]): ReadonlyMap<string, ApiHandler> {
  const groups = groupsOf(resources);
  const core = groups.filter(({ group }) => group === "");
  const named = groups.filter(({ group }) => group !== "");
  const handlers = new Map<string, ApiHandler>();
  const aggregated = (list: readonly ApiGroup[], plain: JsonObject): ApiHandler =>
    aggregatedHandler(list, documentHandler(plain));
  if (core.length > 0) handlers.set("/api", aggregated(core, apiVersions(core)));
  handlers.set("/apis", aggregated(named, { kind: "APIGroupList", apiVersion: "v1", groups: named.map(groupEntry) }));
  for (const group of named) {
    handlers.set(`/apis/${group.group}`, documentHandler({ kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) }));
  }
  for (const version of groups.flatMap(({ versions }) => versions)) {
    const path = groupVersionPath(version);
    handlers.set(path, documentHandler(resourceList(version)));
  }
  return handlers;
}

function apiVersions(core: readonly ApiGroup[]): JsonObject {
  const versions = core.flatMap((group) => group.versions.map(({ version }) => version));
  return { kind: "APIVersions", versions, serverAddressByClientCIDRs: [] };
}

function groupEntry({ group, versions }: ApiGroup): JsonObject {
  const entries = versions.map((version) => ({ groupVersion: apiVersionOf(version), version: version.version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

function resourceList(version: ApiVersion): JsonObject {
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf(version),
    resources: version.resources.flatMap(resourceEntries),
  };
}

/** The resource and its subresources, by name (API D-09…D-14). */
function resourceEntries(endpoint: ResourceEndpoint): JsonObject[] {
  const { resource, singular, namespaced, kind, shortNames, categories } = endpoint;
  const subresources = endpoint.subresources.toSorted((a, b) => compareText(a.name, b.name));
  return [
    {
      name: resource,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(endpoint.storage),
      ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
      ...(categories.length === 0 ? {} : { categories: [...categories] }),
      storageVersionHash: storageVersionHash(endpoint),
    },
    ...subresources.map((subresource) => subresourceEntry(endpoint, subresource)),
  ];
}

function subresourceEntry(parent: ResourceEndpoint, { name, kind, storage }: SubresourceEndpoint): JsonObject {
  const foreign = kind.group !== parent.group || kind.version !== parent.version;
  return {
    name: `${parent.resource}/${name}`,
    singularName: "",
    namespaced: parent.namespaced,
    ...(foreign ? { group: kind.group, version: kind.version } : {}),
    kind: kind.kind,
    verbs: verbsOf(storage),
  };
}

/** Of what is stored, so it is the same for every served version (API D-15). */
function storageVersionHash({ stored, kind }: ResourceEndpoint): string {
  return createHash("sha256")
    .update(`${stored.group}/${stored.version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString("base64");
}

function aggregatedDocument(groups: readonly ApiGroup[]): JsonObject {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versions.map(({ version, resources }) => ({
        version,
        freshness: "Current",
        resources: resources.map(aggregatedResource),
      })),
    })),
  };
}

function aggregatedResource(endpoint: ResourceEndpoint): JsonObject {
  const { resource, group, version, kind, namespaced, singular, shortNames, categories, subresources } = endpoint;
  return {
    resource,
    responseKind: { group, version, kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: verbsOf(endpoint.storage),
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources
            .toSorted((a, b) => compareText(a.name, b.name))
            .map((sub) => ({ subresource: sub.name, responseKind: { ...sub.kind }, verbs: verbsOf(sub.storage) })),
        }),
  };
}

/** The v2 document where a clause asks for it, wherever it stands (API D-31 as corrected); else the plain one. */
function aggregatedHandler(groups: readonly ApiGroup[], plain: ApiHandler): ApiHandler {
  const document = aggregatedDocument(groups);
  const json = JSON.stringify(document);
  const etag = `"${createHash("sha512").update(json).digest("hex").toUpperCase()}"`;
  const jsonParts = [utf8(`${json}\n`)];
  return async (request) => {
    onlyReads(request);
    const mediaType = aggregatedMediaType(request);
    if (mediaType === undefined) return plain(request);
    const headers = { etag, vary: "Accept", "cache-control": "public" };
    if (firstHeader(request, "if-none-match") === etag) return emptyResponse(304, headers);
    return bytesResponse(request, {
      status: 200,
      contentType: `${mediaType};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`,
      parts: mediaType === "application/yaml" ? [utf8(stringifyYaml(document))] : jsonParts,
      headers,
    });
  };
}

function aggregatedMediaType(request: ApiRequest): MediaType | undefined {
  for (const clause of acceptClauses(request)) {
    const { parameters } = clause;
    if (parameters.get("as") !== "APIGroupDiscoveryList" || parameters.get("g") !== "apidiscovery.k8s.io") continue;
    if (parameters.get("v") !== "v2") continue;
    const mediaType = matchMediaType(clause, objectMediaTypes);
    if (mediaType !== undefined) return mediaType;
  }
  return undefined;
}
