import { mastersGroup } from "../authentication/user.ts";
import type { ApiResponse, Filter } from "../endpoints/api-handler.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import { textResponse } from "../endpoints/responses.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import { type IsServed, requestLabels } from "./access.ts";
import { isLongRunning } from "./long-running.ts";

/** Requests served at once, 0 for any number; `--max-requests-inflight` and `--max-mutating-requests-inflight`. */
export type InFlightLimits = { readonly readOnly: number; readonly mutating: number };
export const defaultInFlightLimits: InFlightLimits = { readOnly: 400, mutating: 200 };

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch", "head", "options"]);
const healthPath = /^\/(?:healthz|livez|readyz)(?:\/|$)/;

/**
 * Refuses what is beyond the limits, so that what is being served ends in time (API R-04, E-25). Administrators,
 * health checks and watches pass: the first to help, the second to tell, the third because they wait.
 */
export function withInFlightLimits(deps: {
  readonly limits: InFlightLimits;
  readonly metrics: RequestMetrics;
  readonly isServed: IsServed;
}): Filter {
  const { limits, metrics, isServed } = deps;
  const current = { readOnly: 0, mutating: 0 };
  return (next) => async (request) => {
    const { info } = request;
    if (isLongRunning(info) || isHealthCheck(info)) return next(request);
    const kind = readVerbs.has(info.verb) ? "readOnly" : "mutating";
    const isFull = limits[kind] > 0 && current[kind] >= limits[kind];
    if (isFull && !request.user.groups.includes(mastersGroup)) {
      metrics.terminated(requestLabels(request, isServed), 429);
      return tooManyResponse();
    }
    current[kind]++;
    metrics.setInFlight(current);
    try {
      return await next(request);
    } finally {
      current[kind]--;
      metrics.setInFlight(current);
    }
  };
}

const isHealthCheck = (info: RequestInfo): boolean => !info.isResourceRequest && healthPath.test(info.path);

const tooManyResponse = (): ApiResponse =>
  textResponse(429, "Too many requests, please try again later.\n", { "retry-after": "1" });
