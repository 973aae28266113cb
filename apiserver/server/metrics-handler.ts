import type { ApiHandler } from "../endpoints/api-handler.ts";
import { onlyReads } from "../endpoints/documents.ts";
import type { RequestMetrics } from "../observability/metrics.ts";

/** `/metrics` in Prometheus' text format (API H-12). */
export function metricsHandler(metrics: Pick<RequestMetrics, "expose">): ApiHandler {
  return async (request) => {
    onlyReads(request);
    const { contentType, text } = await metrics.expose();
    return {
      status: 200,
      headers: { "content-type": contentType, "content-length": String(Buffer.byteLength(text)) },
      body: () => text,
    };
  };
}
