/** What the handlers know of the resource they serve: made once per endpoint, never per request. */
import { apiVersionOf, type GroupResource, type GroupVersionKind } from "../apis/meta/v1.ts";
import { newMethodNotAllowed, type StatusError } from "../errors/status-error.ts";
import type { WatchMetrics } from "../observability/watch-metrics.ts";
import type {
  Column,
  RequestContext,
  ResourceEndpoint,
  RestStorage,
  SubresourceEndpoint,
} from "../registry/rest/interface.ts";
import type { ApiRequest, ApiResponse } from "./api-handler.ts";
import { firstHeader } from "./responses.ts";
import { defaultColumns } from "./table.ts";
import type { Warnings } from "./warnings.ts";

export type RequestScope = {
  readonly resource: GroupResource;
  /** `""` for the resource itself. */
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  readonly apiVersion: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly columns: readonly Column[];
  readonly acceptsProtobuf: boolean;
  /** Items of lists don't say their apiVersion and kind. */
  readonly bareItems: boolean;
  /** A deletion answers the object that is gone, not a Status (API X-01). */
  readonly returnsDeleted: boolean;
  readonly storage: RestStorage;
  /** Shortest life of a watch that names no time, in ms. */
  readonly minWatchMs: number;
  /** Told what watches are sent. */
  readonly watches?: WatchMetrics;
};

export type ScopeOptions = { readonly minWatchMs?: number | undefined; readonly watches?: WatchMetrics | undefined };

export type VerbHandler = (request: ApiRequest, scope: RequestScope) => Promise<ApiResponse>;

/** kube-apiserver's own `--min-request-timeout`, in ms. */
export const defaultMinWatchMs = 1_800_000;

export function scopeOf(endpoint: ResourceEndpoint, options: ScopeOptions = {}): RequestScope {
  const { minWatchMs = defaultMinWatchMs, watches } = options;
  const { group, version, kind, namespaced } = endpoint;
  return {
    resource: { group, resource: endpoint.resource },
    subresource: "",
    kind: { group, version, kind },
    apiVersion: apiVersionOf({ group, version }),
    listKind: endpoint.listKind,
    namespaced,
    columns: endpoint.columns.length > 0 ? endpoint.columns : columnsWithout(endpoint.storage),
    acceptsProtobuf: endpoint.acceptsProtobuf,
    bareItems: endpoint.bareItems === true,
    returnsDeleted: endpoint.returnsDeleted === true,
    storage: endpoint.storage,
    minWatchMs,
    ...(watches === undefined ? {} : { watches }),
  };
}

/** Of what has none of its own. What can only be created, as a review, is never shown in a table. */
const columnsWithout = (storage: RestStorage): readonly Column[] => (storage.get === undefined ? [] : defaultColumns);

/** A subresource of the parent's kind shows the parent's columns (API N-36). */
export function subresourceScopeOf(endpoint: ResourceEndpoint, subresource: SubresourceEndpoint): RequestScope {
  const parent = scopeOf(endpoint);
  const { group, version, kind } = subresource.kind;
  const own = kind === endpoint.kind && group === endpoint.group;
  return {
    ...parent,
    subresource: subresource.name,
    kind: { group, version, kind },
    apiVersion: apiVersionOf({ group, version }),
    listKind: `${kind}List`,
    columns: own ? parent.columns : columnsWithout(subresource.storage),
    storage: subresource.storage,
  };
}

/** Name in the URL of an item request. Unlike `RequestInfo.name` never taken from a selector. */
export const urlName = (request: ApiRequest): string => request.info.parts[1] ?? "";

export function contextOf(request: ApiRequest, scope: RequestScope, warnings: Warnings): RequestContext {
  return {
    user: request.user,
    namespace: scope.namespaced ? request.info.namespace : "",
    signal: request.signal,
    auditId: request.auditId,
    userAgent: firstHeader(request, "user-agent"),
    requireVerb: request.requireVerb ?? notAuthorized,
    warn: warnings.add,
  };
}

/** No filter asked whether this user may do anything at all: a bug of who built the chain. */
const notAuthorized = async (verb: string): Promise<never> => {
  throw new Error(`nobody can tell whether ${verb} is allowed`);
};

/** The verb has no implementation for this resource (API V-05, E-20). */
export const verbNotServed = (scope: RequestScope, verb: string): StatusError =>
  newMethodNotAllowed(scope.resource, verb);
