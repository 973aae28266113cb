import type { JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { DepthError, maxDepth } from "./json.ts";
import { isContainer } from "./json-tree.ts";

/**
 * The result of a patch, which must not nest deeper than a body may (API N-17): single operations can put deep values into
 * deep places.
 * @throws StatusError `BadRequest`
 */
export function withinDepth(apply: () => JsonValue): JsonValue {
  try {
    const result = apply();
    assertDepth(result);
    return result;
  } catch (error) {
    throw error instanceof DepthError ? newBadRequest(error.message) : error;
  }
}

/** Level by level, so that the stack is no limit of its own. */
function assertDepth(root: JsonValue): void {
  let level = [root].filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) throw new DepthError();
    level = level.flatMap((value) => Object.values(value).filter(isContainer));
  }
}
