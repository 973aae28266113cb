import type { ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { textResponse } from "../endpoints/responses.ts";
import type { Logger } from "../observability/log.ts";

/** A bug in one request must not end the process, and tells the client nothing but where to look (API E-36, E-39). */
export const panicResponse = (): ApiResponse =>
  textResponse(500, "This request caused apiserver to panic. Look in the logs for details.\n");

/** The last resort, around everything: for what the filters themselves let slip. */
export function withPanicRecovery(log: Logger): Filter {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (err) {
      log.error({ err, method: request.method }, "request failed unexpectedly");
      return panicResponse();
    }
  };
}
