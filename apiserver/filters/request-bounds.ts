import type { ApiRequest, Filter } from "../endpoints/api-handler.ts";
import { assertQueryBounds } from "../endpoints/query.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

/** Headers that are lists or expressions, which somebody further in takes apart. */
const parsedHeaders = ["accept", "accept-encoding", "content-type", "if-none-match", "if-modified-since"] as const;

/**
 * Refuses what is legal HTTP but would cost more to take apart than its sender paid, before anybody knows who that is.
 * What headers and query may have in all is the transport's to bound (API N-42).
 */
export const withRequestBounds: Filter = (next) => async (request) => {
  assertQueryBounds(request.rawQuery);
  for (const name of parsedHeaders) assertHeaderBounds(request, name);
  return next(request);
};

function assertHeaderBounds({ headers }: ApiRequest, name: string): void {
  const values = headers.get(name);
  if (values === undefined) return;
  let length = 0;
  for (const value of values) length += value.length;
  if (length <= limits.maxParsedHeaderLength.value) return;
  throw newBadRequest(
    `header ${name} has ${length} characters, at most ${limits.maxParsedHeaderLength.value} are allowed`,
  );
}
