import type { Authenticator } from "../authentication/authenticator.ts";
import { type FrontProxyConfig, isProxyHeader, noFrontProxy } from "../authentication/front-proxy.ts";
import { anonymous, authenticated, type UserInfo } from "../authentication/user.ts";
import type { ApiRequest, Filter } from "../endpoints/api-handler.ts";
import { errorResponse } from "../endpoints/responses.ts";
import { newUnauthorized } from "../errors/status-error.ts";
import { systemClock } from "../machinery/clock.ts";

export type AuthenticationOptions = {
  readonly authenticator: Authenticator;
  /** False: requests without credentials are 401. Default true, as in kube-apiserver. */
  readonly allowAnonymous?: boolean;
  /** Names of identity headers besides the standard ones; read on every request. */
  readonly frontProxy?: () => FrontProxyConfig;
  /** Told what came of a request's credentials, and after how many ms. `error`: they were no good. */
  readonly onResult?: (result: "success" | "failure" | "error", ms: number, user?: string) => void;
  /** Told why credentials were refused; the client is not (API A-14). */
  readonly onFailure?: (error: unknown, request: ApiRequest) => void;
};

/**
 * Finds out who asks. What proved it, and every header that claims an identity, is gone behind this filter (API A-05).
 * Answers 401 when credentials were given and none was good, or none were and anonymous is off.
 */
export function withAuthentication(options: AuthenticationOptions): Filter {
  const { authenticator, allowAnonymous = true, frontProxy = () => noFrontProxy, onFailure, onResult } = options;
  return (next) => async (request) => {
    const startedMs = systemClock.elapsedMs();
    let user: UserInfo | undefined;
    try {
      user = await authenticator.authenticate(request, request.signal);
    } catch (error) {
      onFailure?.(error, request);
      onResult?.("error", systemClock.elapsedMs() - startedMs);
      return errorResponse(request, newUnauthorized());
    }
    if (user !== undefined) request.connection.identified?.(user.name);
    if (user === undefined && !allowAnonymous) {
      onResult?.("failure", systemClock.elapsedMs() - startedMs);
      return errorResponse(request, newUnauthorized());
    }
    const asking = user === undefined ? anonymous : authenticated(user);
    onResult?.("success", systemClock.elapsedMs() - startedMs, asking.name);
    request.onIdentity?.(asking);
    return next({ ...request, headers: withoutCredentials(request.headers, frontProxy()), user: asking });
  };
}

function withoutCredentials(headers: ApiRequest["headers"], config: FrontProxyConfig): ApiRequest["headers"] {
  const kept = [...headers].filter(([name]) => name !== "authorization" && !isProxyHeader(name, config));
  return kept.length === headers.size ? headers : new Map(kept);
}
