import type { ApiRequest, ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { isLongRunning } from "../endpoints/request-info.ts";
import { abandon, errorResponse } from "../endpoints/responses.ts";
import { quoteValue } from "../errors/abridge.ts";
import { newBadRequest, newTimeout } from "../errors/status-error.ts";
import { parseGoDuration } from "../machinery/go-duration.ts";

/** Longest time any request but a watch may take, in ms; kube-apiserver's `--request-timeout` (API R-01). */
export const defaultRequestTimeoutMs = 60_000;
/** Ceiling of single-object writes, in ms: below the 30 s a webhook may take, plus some (API V-12). */
const writeCeilingMs = 34_000;
const writeVerbs: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

/**
 * Answers 504 when time is up, and aborts `request.signal` for whoever still works on it (API V-11, V-12, E-35).
 * What was begun may still be committed (API R-06).
 */
export function withDeadline(requestTimeoutMs: number = defaultRequestTimeoutMs): Filter {
  return (next) => async (request) => {
    if (isLongRunning(request.info)) return next(request);
    const limitMs = requestedTimeout(request, requestTimeoutMs);
    const isWrite = writeVerbs.has(request.info.verb);
    return isWrite && limitMs > writeCeilingMs
      ? within(request, next, writeCeilingMs, writeTimeout)
      : within(request, next, limitMs, isWrite ? writeTimeout : requestTimeout);
  };
}

const writeTimeout = "request did not complete within requested timeout - context deadline exceeded";
const requestTimeout = "request did not complete within the allotted timeout";

function within(
  request: ApiRequest,
  next: (request: ApiRequest) => Promise<ApiResponse>,
  ms: number,
  message: string,
): Promise<ApiResponse> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(request.signal.reason);
  if (request.signal.aborted) abort();
  else request.signal.addEventListener("abort", abort, { once: true });
  return new Promise((resolve, reject) => {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      controller.abort(newTimeout(message));
      resolve(errorResponse(request, newTimeout(message)));
    }, ms);
    const release = (): void => {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", abort);
    };
    next({ ...request, signal: controller.signal }).then(
      (response) => {
        release();
        if (isOver) abandon(response).catch(reject);
        else resolve(response);
      },
      (error: unknown) => {
        release();
        reject(error);
      },
    );
  });
}

/** `?timeout=` of the client, if it is shorter than what everyone gets. @throws StatusError 400 */
function requestedTimeout({ rawQuery, query }: ApiRequest, limitMs: number): number {
  const text = rawQuery === "" ? null : query.get("timeout");
  if (text === null || text === "") return limitMs;
  const ms = parseGoDuration(text);
  if (ms === undefined) {
    throw newBadRequest(`invalid timeout specified in the request URL - time: invalid duration ${quoteValue(text)}`);
  }
  return ms > 0 && ms < limitMs ? ms : limitMs;
}
