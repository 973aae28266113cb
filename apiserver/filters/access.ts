/** What a request was and how it ended: one log record and its metrics (API AU-14, MT-01…MT-05). */

import type { UserInfo } from "../authentication/user.ts";
import type { ApiRequest, ApiResponse, Filter, ResponseBody } from "../endpoints/api-handler.ts";
import { isLongRunning } from "../endpoints/request-info.ts";
import { firstHeader } from "../endpoints/responses.ts";
import { systemClock } from "../machinery/clock.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import { type RouteLabels, refusedLabels, requestLabels } from "./request-labels.ts";

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
  readonly labelsOf: RouteLabels;
}): Filter {
  const { log, metrics, labelsOf } = deps;
  return (next) => async (request) => {
    const started = systemClock.elapsedMs();
    const asking: Asking = {};
    const response = await next({ ...request, onIdentity: (user) => asks(asking, user) });
    const { info } = request;
    const labels = refusedLabels(response.status, requestLabels(request, labelsOf));
    const ms = systemClock.elapsedMs() - started;
    record(log, { request, ...asking }, response.status, ms);
    if (isLongRunning(info) && response.status === 200) {
      return whileRead(response, metrics.longRunningStarted(labels, response.status));
    }
    const answered = { code: response.status, seconds: ms / 1000, bytes: contentLength(response) };
    metrics.finished(labels, request.connection.isInProcess === true ? { code: response.status } : answered);
    return response;
  };
}

/** Who asks: first the user who proved it, then whom that user acts as. */
type Asking = { user?: string; impersonated?: string };

function asks(asking: Asking, { name }: UserInfo): void {
  if (asking.user === undefined) asking.user = name;
  else asking.impersonated = name;
}

type Asked = Asking & { readonly request: ApiRequest };

function record(log: Logger, { request, ...asking }: Asked, code: number, ms: number): void {
  const slow = ms > slowMs && !isLongRunning(request.info);
  log[slow ? "warn" : "debug"](
    {
      auditId: request.auditId,
      method: request.method,
      verb: request.info.verb,
      path: request.info.path,
      code,
      ms: Math.round(ms * 10) / 10,
      ...asking,
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
