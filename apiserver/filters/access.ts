/** What a request was and how it ended: one log record and its metrics (API AU-14, MT-01…MT-05). */
import type { ApiRequest, ApiResponse, Filter, ResponseBody } from "../endpoints/api-handler.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import { firstHeader } from "../endpoints/responses.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestLabels, RequestMetrics } from "../observability/metrics.ts";
import { isLongRunning } from "./long-running.ts";

/** Slower requests are worth a line even where access records are not wanted, in ms. */
const slowMs = 1000;

/**
 * Logs and counts every request.
 *
 * @param log       gets a record per request at `debug`, `warn` when it was slow
 */
export function withAccessRecords(deps: {
  readonly log: Logger;
  readonly metrics: RequestMetrics;
  readonly isServed: IsServed;
}): Filter {
  const { log, metrics, isServed } = deps;
  return (next) => async (request) => {
    const started = performance.now();
    const response = await next(request);
    const { info } = request;
    const labels = requestLabels(request, isServed);
    const ms = performance.now() - started;
    record(log, request, response.status, ms);
    if (isLongRunning(info) && response.status === 200) {
      return whileRead(response, metrics.longRunningStarted(labels, response.status));
    }
    metrics.finished(labels, { code: response.status, seconds: ms / 1000, bytes: contentLength(response) });
    return response;
  };
}

function record(log: Logger, request: ApiRequest, code: number, ms: number): void {
  const slow = ms > slowMs && !isLongRunning(request.info);
  log[slow ? "warn" : "debug"](
    {
      auditId: request.auditId,
      method: request.method,
      verb: request.info.verb,
      path: request.info.path,
      code,
      ms: Math.round(ms * 10) / 10,
      userAgent: firstHeader(request, "user-agent"),
      source: request.connection.remoteAddress,
    },
    slow ? "slow request" : "request",
  );
}

function contentLength({ headers }: ApiResponse): number | undefined {
  const text = headers["content-length"];
  return typeof text === "string" ? Number(text) : undefined;
}

/** Runs `done` once when the stream has been read to its end or given up. */
function whileRead(response: ApiResponse, done: () => void): ApiResponse {
  const { body, result } = response;
  if (result?.kind === "watch") {
    const events = untilEnd(result.events, done);
    return {
      ...response,
      result: { kind: "watch", events },
      ...(body === undefined ? {} : { body: () => streamUntilEnd(body(), done) }),
    };
  }
  done();
  return response;
}

function streamUntilEnd(body: ResponseBody, done: () => void): ResponseBody {
  return typeof body === "object" && Symbol.asyncIterator in body ? untilEnd(body, done) : body;
}

async function* untilEnd<T>(source: AsyncIterable<T>, done: () => void): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    done();
  }
}

const metricVerbs: { readonly [verb: string]: string } = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  put: "PUT",
  post: "POST",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};

const unknownLabels: RequestLabels = {
  verb: "other",
  dry_run: "",
  group: "",
  version: "",
  resource: "",
  subresource: "",
  scope: "",
  component: "apiserver",
};

/** Whether a resource exists here: all others count together (API MT-23). */
export type IsServed = (info: RequestInfo) => boolean;

export function requestLabels(request: ApiRequest, isServed: IsServed): RequestLabels {
  const { info } = request;
  if (info.isResourceRequest && !isServed(info)) return unknownLabels;
  return {
    verb: metricVerbs[info.verb] ?? "other",
    dry_run: dryRunLabel(request),
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    scope: scopeLabel(request),
    component: "apiserver",
  };
}

function dryRunLabel({ rawQuery, query }: ApiRequest): string {
  if (rawQuery === "" || !query.has("dryRun")) return "";
  return query.getAll("dryRun").every((value) => value === "All") ? "All" : "invalid";
}

function scopeLabel({ info }: ApiRequest): string {
  if (!info.isResourceRequest) return "";
  if (info.parts.length > 1 || info.verb === "create") return "resource";
  return info.namespace === "" ? "cluster" : "namespace";
}
