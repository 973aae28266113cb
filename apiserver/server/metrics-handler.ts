import type { ApiHandler } from "../endpoints/api-handler.ts";
import { utf8 } from "../endpoints/bytes.ts";
import { onlyReads } from "../endpoints/documents.ts";
import { bytesResponse } from "../endpoints/responses.ts";
import type { RequestMetrics } from "../observability/metrics.ts";

/** `/metrics` in Prometheus' text format (API H-12), compressed for Prometheus, which always accepts that. */
export function metricsHandler(metrics: Pick<RequestMetrics, "expose">): ApiHandler {
  return async (request) => {
    onlyReads(request);
    const { contentType, text } = await metrics.expose();
    return bytesResponse(request, { status: 200, contentType, parts: [utf8(text)] });
  };
}
