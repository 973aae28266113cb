import { newBadRequest } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

const maxParameters = limits.maxQueryParameters.value;

/** The parameters of a query, but no more than one over the limit, so that a long query costs one look at its text. */
export function parseQuery(rawQuery: string): URLSearchParams {
  let end = -1;
  for (let count = 0; count <= maxParameters; count++) {
    end = rawQuery.indexOf("&", end + 1);
    if (end === -1) return new URLSearchParams(rawQuery);
  }
  return new URLSearchParams(rawQuery.slice(0, end));
}

/** @throws StatusError 400 for more parameters than anybody means */
export function assertQueryBounds(rawQuery: string): void {
  let parameters = rawQuery === "" ? 0 : 1;
  for (let at = rawQuery.indexOf("&"); at !== -1; at = rawQuery.indexOf("&", at + 1)) parameters++;
  if (parameters <= maxParameters) return;
  throw newBadRequest(`the query has ${parameters} parameters, at most ${maxParameters} are allowed`);
}
