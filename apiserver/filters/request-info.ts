import type { Filter } from "../endpoints/api-handler.ts";
import { parseRequestInfo } from "../endpoints/request-info.ts";
import { textResponse } from "../endpoints/responses.ts";

/** Says once what the URL means; everything further in reads `request.info`. */
export const withRequestInfo: Filter = (next) => async (request) => {
  const info = parseRequestInfo(request.method, request.path, request.query);
  return info === undefined ? textResponse(400, "400 Bad Request\n") : next({ ...request, info });
};
