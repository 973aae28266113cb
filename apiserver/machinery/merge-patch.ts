import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { isObject, member, setMember } from "./json.ts";
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

/** Nothing calls itself for what is inside: a patch may be as deep as a body (API N-17). */
function merge(target: JsonValue, patch: JsonObject): JsonValue {
  const root = copyOf(target);
  const rest: [result: JsonObject, changes: JsonObject][] = [[root, patch]];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [result, changes] = next;
    for (const name of Object.keys(changes)) {
      const change = changes[name];
      if (change === undefined) continue;
      if (change === null) delete result[name];
      else if (!isObject(change)) setMember(result, name, change);
      else {
        const inner = copyOf(member(result, name));
        setMember(result, name, inner);
        rest.push([inner, change]);
      }
    }
  }
  return root;
}

const copyOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? { ...value } : {});
