import type { ApiRequest, ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { errorResponse } from "../endpoints/responses.ts";
import { newTimeout, StatusError } from "../errors/status-error.ts";
import type { Logger } from "../observability/log.ts";
import { panicResponse } from "./panic-recovery.ts";

/**
 * The second translation of errors (design D14): a `StatusError` becomes its Status, anything else is a bug, logged
 * here and nowhere else, and answered without a word about it.
 */
export function withErrorResponses(log: Logger): Filter {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      return answer(request, error, log);
    }
  };
}

function answer(request: ApiRequest, error: unknown, log: Logger): ApiResponse {
  if (error instanceof StatusError) {
    if (error.status.code >= 500 && error.cause !== undefined) {
      log.error({ auditId: request.auditId, err: error.cause, code: error.status.code }, "request failed");
    }
    return errorResponse(request, error);
  }
  // Whoever aborted no longer reads this; the answer exists for the log and the metrics.
  if (request.signal.aborted) return errorResponse(request, newTimeout("request was aborted"));
  log.error({ auditId: request.auditId, err: error, ...subject(request) }, "request panicked");
  return panicResponse();
}

const subject = ({ info }: ApiRequest): { verb: string; resource: string } => ({
  verb: info.verb,
  resource: info.resource,
});
