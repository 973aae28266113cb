import type { JsonObject, JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { deepEqual, isObject, member, setMember } from "../machinery/json.ts";

/**
 * Stands in for server-side apply on the loopback client: what a field manager wants becomes a merge patch.
 *
 * The rule, per manager and object:
 * - a map is merged, so that members of others stay;
 * - a list is ours as a whole. It counts as unchanged when the live one has as many items, each with all we want of
 *   it, because the server may have added defaults to them; otherwise ours replaces it;
 * - a member that our previous apply had and this one has not is removed.
 *
 * "Previous" means in the life of this process: after a restart members given up meanwhile stay behind, until
 * server-side apply keeps the owners in the object itself.
 */
export class AppliedFields {
  private readonly previous = new Map<string, KubeObject>();

  /** The patch that makes `live` have what is wanted; `undefined` when it has it all. */
  patchFor(key: string, wanted: KubeObject, live: KubeObject): JsonObject | undefined {
    return differences(contentOf(wanted), contentOf(live), contentOf(this.previous.get(key)));
  }

  remember(key: string, applied: KubeObject): void {
    this.previous.delete(key);
    this.previous.set(key, applied);
    if (this.previous.size <= maxRemembered) return;
    const [oldest] = this.previous.keys();
    if (oldest !== undefined) this.previous.delete(oldest);
  }
}

/** More objects than one controller host is made for; forgetting one only loses a clean-up. */
const maxRemembered = 100_000;
/** Identity and what the server alone decides. */
const serverFields = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"];

/** The object as far as it can be wanted: without what names it and what the server decides. */
function contentOf(object: KubeObject | undefined): JsonObject {
  if (object === undefined) return {};
  const { apiVersion: _apiVersion, kind: _kind, ...content } = object;
  const json: JsonObject = content;
  const metadata: JsonObject = { ...object.metadata };
  for (const field of serverFields) delete metadata[field];
  return { ...json, metadata };
}

function differences(wanted: JsonObject, live: JsonObject, previous: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const name of Object.keys(wanted)) {
    const change = differenceOf(member(wanted, name), member(live, name), member(previous, name));
    if (change !== undefined) setMember(patch, name, change);
  }
  for (const name of Object.keys(previous)) {
    if (member(wanted, name) === undefined && member(live, name) !== undefined) setMember(patch, name, null);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function differenceOf(
  wanted: JsonValue | undefined,
  live: JsonValue | undefined,
  previous: JsonValue | undefined,
): JsonValue | undefined {
  if (wanted === undefined) return undefined;
  if (isObject(wanted) && isObject(live)) return differences(wanted, live, isObject(previous) ? previous : {});
  return covers(live, wanted) ? undefined : wanted;
}

/** Whether `live` has everything of `wanted`; in lists item by item. */
function covers(live: JsonValue | undefined, wanted: JsonValue | undefined): boolean {
  if (wanted === undefined || wanted === null) return live === undefined || live === null;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    );
  }
  if (isObject(wanted)) {
    return isObject(live) && Object.keys(wanted).every((name) => covers(member(live, name), member(wanted, name)));
  }
  return deepEqual(live, wanted);
}
