/** Everything that has a path: resources, discovery, OpenAPI, health, version, metrics and their index. */
import type { ApiHandler } from "../endpoints/api-handler.ts";
import { utf8 } from "../endpoints/bytes.ts";
import { discoveryHandlers } from "../endpoints/discovery.ts";
import { onlyReads } from "../endpoints/documents.ts";
import { installApi } from "../endpoints/installer.ts";
import { type OpenApiSource, openApiHandlers } from "../endpoints/openapi.ts";
import { bytesResponse } from "../endpoints/responses.ts";
import { indexHandlers, type VersionInfo, versionHandler } from "../endpoints/system-paths.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import { type HealthCheck, healthHandlers, unknownCheckPrefixes } from "./health.ts";

export type SurfaceOptions = {
  readonly resources: readonly ResourceEndpoint[];
  readonly openApi: OpenApiSource;
  readonly healthChecks: readonly HealthCheck[];
  readonly version: VersionInfo;
  readonly metrics: RequestMetrics;
  readonly log: Logger;
  readonly startedAt: Date;
};

/** The handler beneath the filters. */
export function apiSurface(options: SurfaceOptions): ApiHandler {
  const openApi = openApiHandlers(options.openApi, options.startedAt);
  const paths = new Map<string, ApiHandler>([
    ...discoveryHandlers(options.resources),
    ...openApi.paths,
    ...healthHandlers(options.healthChecks, options.log),
    ["/version", versionHandler(options.version)],
    ["/metrics", metricsHandler(options.metrics)],
  ]);
  const documents = [...options.openApi.v3.keys()].map((key) => `/openapi/v3/${key}`);
  const index = indexHandlers(["/", "/index.html", ...paths.keys(), ...documents]);
  return installApi({
    resources: options.resources,
    paths: new Map([...paths, ...index]),
    prefixes: [...openApi.prefixes, ...unknownCheckPrefixes],
  });
}

function metricsHandler(metrics: RequestMetrics): ApiHandler {
  return async (request) => {
    onlyReads(request);
    const { contentType, text } = await metrics.expose();
    return bytesResponse(request, { status: 200, contentType, parts: [utf8(text)] });
  };
}
