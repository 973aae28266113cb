/** What a request counts as in metrics: values of the route table and of closed sets, whatever the client wrote. */
import type { GroupVersionResource } from "../apis/meta/v1.ts";
import type { ApiRequest } from "../endpoints/api-handler.ts";
import { contentType } from "../endpoints/body.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import { otherRequests, type RequestLabels } from "../observability/metrics.ts";

/** Whether a request is for something in the route table: all others count together (API MT-23). */
export type RouteLabels = (info: RequestInfo) => boolean;

/** A row of the route table, as far as metrics tell of it. */
export type ServedResource = GroupVersionResource & { readonly subresources: readonly { readonly name: string }[] };

export function routeLabels(resources: readonly ServedResource[]): RouteLabels {
  const keyOf = (group: string, version: string, resource: string, subresource: string): string =>
    `${group}/${version}/${resource}/${subresource}`;
  const served = new Set(
    resources.flatMap(({ group, version, resource, subresources }) =>
      ["", ...subresources.map(({ name }) => name)].map((name) => keyOf(group, version, resource, name)),
    ),
  );
  return ({ group, version, resource, subresource, parts }) =>
    parts.length <= 3 && served.has(keyOf(group, version, resource, subresource));
}

/** As upstream counts them: collection deletes with the others (API MT-09). */
const metricVerbs: ReadonlyMap<string, string> = new Map([
  ["get", "GET"],
  ["head", "GET"],
  ["list", "LIST"],
  ["watch", "WATCH"],
  ["create", "POST"],
  ["post", "POST"],
  ["update", "PUT"],
  ["put", "PUT"],
  ["patch", "PATCH"],
  ["delete", "DELETE"],
  ["deletecollection", "DELETE"],
]);

/** A patch of this type is no patch of what is stored, and counts apart. */
const applyPatchType = "application/apply-patch+yaml";

export function requestLabels(request: ApiRequest, isServed: RouteLabels): RequestLabels {
  const { info } = request;
  const verb = metricVerbs.get(info.verb);
  if (verb === undefined || (info.isResourceRequest && !isServed(info))) return otherRequests;
  return {
    verb: verb === "PATCH" && contentType(request) === applyPatchType ? "APPLY" : verb,
    dry_run: dryRunLabel(request),
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    scope: scopeLabel(request),
    component: "apiserver",
  };
}

/** Of who may not do it, or is nobody, nothing but that it was refused is worth a series. */
export const refusedLabels = (code: number, labels: RequestLabels): RequestLabels =>
  code === 401 || code === 403 ? { ...otherRequests, verb: labels.verb } : labels;

function dryRunLabel({ rawQuery, query }: ApiRequest): string {
  if (rawQuery === "" || !query.has("dryRun")) return "";
  return query.getAll("dryRun").every((value) => value === "All") ? "All" : "invalid";
}

function scopeLabel({ info }: ApiRequest): string {
  if (!info.isResourceRequest) return "";
  if (info.parts.length > 1 || info.verb === "create") return "resource";
  return info.namespace === "" ? "cluster" : "namespace";
}
