import { randomUUID } from "node:crypto";
import type { ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { firstHeader } from "../endpoints/responses.ts";
import { limits } from "../limits.ts";

/** What goes back in a header and into records of others. */
const headerSafe = /^[\x20-\x7e]+$/;

/** Gives every request an id, the client's own if it sent one that is plain text, and puts it on the answer (API N-60). */
export const withAuditId: Filter = (next) => async (request) => {
  const sent = firstHeader(request, "audit-id");
  const auditId = sent.length <= limits.maxAuditIdLength.value && headerSafe.test(sent) ? sent : randomUUID();
  return stamped(await next({ ...request, auditId }), auditId);
};

function stamped(response: ApiResponse, auditId: string): ApiResponse {
  return {
    ...response,
    headers: { "audit-id": auditId, "cache-control": "no-cache, private", ...response.headers },
  };
}
