import type { JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { isObject, setMember } from "./json.ts";
import { withinDepth } from "./patch-depth.ts";

/**
 * JSON merge patch (RFC 7386): objects merge, null deletes, anything else replaces. Neither argument is changed; the
 * result shares what the patch didn't touch.
 * @throws StatusError `BadRequest` when the patch is not an object (API P-20), or nests too deep to be merged (API N-17)
 */
export function applyMergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isObject(patch)) throw newBadRequest("a merge patch must be a JSON object");
  return withinDepth(() => merge(target, patch));
}

function merge(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? { ...target } : {};
  for (const name of Object.keys(patch)) {
    const change = patch[name];
    if (change === undefined) continue;
    if (change === null) delete result[name];
    else setMember(result, name, merge(Object.hasOwn(result, name) ? result[name] : undefined, change));
  }
  return result;
}
