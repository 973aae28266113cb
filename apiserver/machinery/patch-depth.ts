import type { JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { DepthError, isObject, maxDepth } from "./json.ts";

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
    // What is deeper than the stack is so whatever the limit says.
    if (error instanceof DepthError || error instanceof RangeError) throw newBadRequest(new DepthError().message);
    throw error;
  }
}

/** Level by level, so that the stack is no limit of its own. */
function assertDepth(root: JsonValue): void {
  let level: JsonValue[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) throw new DepthError();
    const next: JsonValue[] = [];
    for (const value of level) {
      const members = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
      for (const member of members) if (typeof member === "object" && member !== null) next.push(member);
    }
    level = next;
  }
}
