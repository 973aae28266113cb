import { newBadRequest } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

const maxParameters = limits.maxQueryParameters.value;

const broken = /;|%(?![\dA-Fa-f]{2})/;

/**
 * The parameters of a query, but no more than one over the limit, so that a long query costs one look at its text. They
 * are divided by `&` alone; one with a semicolon or a broken escape is dropped, and the others count, as in Go's net/url.
 */
export function parseQuery(rawQuery: string): URLSearchParams {
  let end = -1;
  for (let count = 0; count <= maxParameters; count++) {
    end = rawQuery.indexOf("&", end + 1);
    if (end === -1) return wellFormed(rawQuery);
  }
  return wellFormed(rawQuery.slice(0, end));
}

function wellFormed(query: string): URLSearchParams {
  if (!broken.test(query)) return new URLSearchParams(query);
  const pairs = query.split("&").filter((pair) => !broken.test(pair));
  return new URLSearchParams(pairs.join("&"));
}

/** @throws StatusError 400 for more parameters than anybody means */
export function assertQueryBounds(rawQuery: string): void {
  let parameters = rawQuery === "" ? 0 : 1;
  for (let at = rawQuery.indexOf("&"); at !== -1; at = rawQuery.indexOf("&", at + 1)) parameters++;
  if (parameters <= maxParameters) return;
  throw newBadRequest(`the query has ${parameters} parameters, at most ${maxParameters} are allowed`);
}
