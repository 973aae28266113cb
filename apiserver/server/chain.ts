/** The filters in the order a request meets them. */
import type { ApiHandler, Filter } from "../endpoints/api-handler.ts";
import { withAccessRecords } from "../filters/access.ts";
import { withAuditId } from "../filters/audit-id.ts";
import { defaultRequestTimeoutMs, withDeadline } from "../filters/deadline.ts";
import { withErrorResponses } from "../filters/error-responses.ts";
import { defaultInFlightLimits, type InFlightLimits, withInFlightLimits } from "../filters/in-flight.ts";
import { withPanicRecovery } from "../filters/panic-recovery.ts";
import { withRequestBounds } from "../filters/request-bounds.ts";
import { withRequestInfo } from "../filters/request-info.ts";
import { routeLabels, type ServedResource } from "../filters/request-labels.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";

export type ChainOptions = {
  readonly handler: ApiHandler;
  readonly resources: readonly ServedResource[];
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
  const labelsOf = routeLabels(options.resources);
  const outer: readonly Filter[] = [
    withPanicRecovery(log),
    withAuditId,
    withRequestInfo,
    withAccessRecords({ log: accessLog, metrics, labelsOf }),
    withErrorResponses(log),
    withRequestBounds,
    withDeadline(options.requestTimeoutMs ?? defaultRequestTimeoutMs),
  ];
  const access: readonly Filter[] = [
    options.authentication,
    options.impersonation,
    withInFlightLimits({ limits: options.inFlight ?? defaultInFlightLimits, metrics, labelsOf }),
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
