import { newDenied } from "../authorization/attributes.ts";
import type { Attributes, Authorizer, Decision } from "../authorization/authorizer.ts";
import type { ApiRequest, ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { selectingVerbs } from "../endpoints/request-info.ts";
import { errorResponse, textResponse } from "../endpoints/responses.ts";
import { escapeHtml } from "../errors/abridge.ts";
import { systemClock } from "../machinery/clock.ts";

export type AuthorizationOptions = {
  readonly authorizer: Authorizer;
  /** Told of every decision, for the audit log (API Z-13). */
  readonly onDecision?: (request: ApiRequest, decision: Decision) => void;
  /** Told what came of it, and after how many ms. */
  readonly onResult?: (result: "allowed" | "denied" | "error", ms: number) => void;
  /** Told why no decision could be had. */
  readonly onFailure?: (error: unknown, request: ApiRequest) => void;
};

/**
 * Lets a request through when its user may do what it asks. Runs before anything of the request is read but its URL
 * and headers, so that strangers learn neither what exists nor what would be valid (API Z-14, Z-16). Answers 403 when it
 * is not allowed and 500 when nobody could tell.
 */
export function withAuthorization({ authorizer, onDecision, onResult, onFailure }: AuthorizationOptions): Filter {
  return (next) => async (request) => {
    const attributes = attributesOf(request);
    const startedMs = systemClock.elapsedMs();
    let decision: Decision;
    try {
      decision = await authorizer.authorize(attributes, request.signal);
    } catch (error) {
      onFailure?.(error, request);
      onResult?.("error", systemClock.elapsedMs() - startedMs);
      return authorizerFailed(request, error);
    }
    onDecision?.(request, decision);
    onResult?.(decision.decision === "allow" ? "allowed" : "denied", systemClock.elapsedMs() - startedMs);
    if (decision.decision !== "allow") return errorResponse(request, newDenied(attributes, decision.reason));
    return next({
      ...request,
      requireVerb: (verb) => requireVerb({ ...attributes, verb }, authorizer, request.signal),
    });
  };
}

async function requireVerb(attributes: Attributes, authorizer: Authorizer, signal: AbortSignal): Promise<void> {
  const { decision, reason } = await authorizer.authorize(attributes, signal);
  if (decision !== "allow") throw newDenied(attributes, reason);
}

export function attributesOf({ info, user, query }: Pick<ApiRequest, "info" | "user" | "query">): Attributes {
  if (!info.isResourceRequest) return { user, resourceRequest: false, verb: info.verb, path: info.path };
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const selects = selectingVerbs.has(verb) && !isPrefixedWatch(info.path);
  return {
    user,
    resourceRequest: true,
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    labelSelector: selects ? (query.get("labelSelector") ?? "") : "",
    fieldSelector: selects ? (query.get("fieldSelector") ?? "") : "",
  };
}

/** The deprecated `/apis/G/V/watch/…`, whose selectors authorization does not see (API V-03). */
const isPrefixedWatch = (path: string): boolean => /^\/(?:api|apis\/[^/]+)\/[^/]+\/watch\//.test(path);

/** 500 in plain text (API E-33); `<`, `>` and `&` are escaped, as the text repeats what the client sent. */
function authorizerFailed({ path, rawQuery }: ApiRequest, error: unknown): ApiResponse {
  const uri = rawQuery === "" ? path : `${path}?${rawQuery}`;
  const why = error instanceof Error ? error.message : String(error);
  return textResponse(500, escapeHtml(`Internal Server Error: ${JSON.stringify(uri)}: ${why}\n`));
}
