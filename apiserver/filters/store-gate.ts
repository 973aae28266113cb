import type { ApiHandler, ApiRequest } from "../endpoints/api-handler.ts";
import { newServiceUnavailable } from "../errors/status-error.ts";

/** After so long a client may try again, in seconds: a store that came back is found within it. */
const retryAfterSeconds = 2;

/**
 * Refuses every request for what is stored while the store must not be believed (design D9), reads from caches included:
 * what is not answered is not missed. Discovery, OpenAPI, health and reviews go on.
 *
 * @param refusal why the store must not be used; `undefined` when it may
 */
export function withStoreGate(gate: {
  readonly refusal: () => string | undefined;
  readonly isStored: (info: ApiRequest["info"]) => boolean;
}): (next: ApiHandler) => ApiHandler {
  return (next) => async (request) => {
    const why = request.info.isResourceRequest && gate.isStored(request.info) ? gate.refusal() : undefined;
    if (why !== undefined) throw newServiceUnavailable(why, { retryAfterSeconds });
    return next(request);
  };
}
