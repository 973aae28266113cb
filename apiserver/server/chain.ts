/** The filters in the order a request meets them. */
import type { ApiHandler, Filter } from "../endpoints/api-handler.ts";
import { type IsServed, withAccessRecords } from "../filters/access.ts";
import { withAuditId } from "../filters/audit-id.ts";
import { defaultRequestTimeoutMs, withDeadline } from "../filters/deadline.ts";
import { withErrorResponses } from "../filters/error-responses.ts";
import { defaultInFlightLimits, type InFlightLimits, withInFlightLimits } from "../filters/in-flight.ts";
import { withPanicRecovery } from "../filters/panic-recovery.ts";
import { withRequestBounds } from "../filters/request-bounds.ts";
import { withRequestInfo } from "../filters/request-info.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";

export type ChainOptions = {
  readonly handler: ApiHandler;
  readonly resources: readonly ResourceEndpoint[];
  readonly authentication: Filter;
  readonly impersonation: Filter;
  readonly authorization: Filter;
  readonly metrics: RequestMetrics;
  readonly log: Logger;
  /** Gets a record per request; default `log`. */
  readonly accessLog?: Logger;
  readonly requestTimeoutMs?: number;
  readonly inFlight?: InFlightLimits;
};

export type Chain = {
  /** For transports: establishes who asks, and whether they may. */
  readonly handler: ApiHandler;
  /** For this process: `request.user` is set by the caller, who is the server itself. */
  readonly loopback: ApiHandler;
};

export function buildChain(options: ChainOptions): Chain {
  const { log, metrics, accessLog = log } = options;
  const isServed = servedBy(options.resources);
  const outer: readonly Filter[] = [
    withPanicRecovery(log),
    withAuditId,
    withRequestInfo,
    withAccessRecords({ log: accessLog, metrics, isServed }),
    withErrorResponses(log),
    withRequestBounds,
    withDeadline(options.requestTimeoutMs ?? defaultRequestTimeoutMs),
  ];
  const access: readonly Filter[] = [
    options.authentication,
    options.impersonation,
    withInFlightLimits({ limits: options.inFlight ?? defaultInFlightLimits, metrics, isServed }),
    options.authorization,
  ];
  return {
    handler: compose([...outer, ...access], options.handler),
    loopback: compose(outer, options.handler),
  };
}

/** The first filter is the outermost. */
function compose(filters: readonly Filter[], handler: ApiHandler): ApiHandler {
  return filters.reduceRight((next, filter) => filter(next), handler);
}

function servedBy(resources: readonly ResourceEndpoint[]): IsServed {
  const keyOf = ({ group, version, resource }: { group: string; version: string; resource: string }): string =>
    `${group}/${version}/${resource}`;
  const served = new Set(resources.map(keyOf));
  return (info) => served.has(keyOf(info));
}
