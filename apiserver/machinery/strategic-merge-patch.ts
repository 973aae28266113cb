import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest, type StatusError, statusError } from "../errors/status-error.ts";
import { isObject, member, setMember, stringifyJson } from "./json.ts";
import { type Container, isContainer } from "./json-tree.ts";
import { withinDepth } from "./patch-depth.ts";

/**
 * Strategic merge patch (API P-30 … P-38): objects merge, null deletes, and lists merge as the kind's schema says. Order is
 * that of the patch for what it names, that of the object for the rest, interleaved as far as both allow.
 *
 * Invariant: linear in object and patch, but for the sort of a list: entries are found by their key, never by a search.
 */

/** What the patch must know of one place of a schema (`x-kubernetes-patch-*`). Undefined: nothing, as in free-form content. */
export interface PatchSchema {
  member(name: string): PatchSchema | undefined;
  readonly items: PatchSchema | undefined;
  /** Of a list: the member that tells its entries apart. */
  readonly mergeKey: string | undefined;
  /** Lists without one are replaced, objects without one merge. */
  readonly strategy: "merge" | "replace" | undefined;
  /** Members are data, not declared fields: without any, the object is as good as absent. */
  readonly isMap: boolean;
}

const directive = "$patch";
const retainKeys = "$retainKeys";
const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

const isDirective = (name: string): boolean =>
  name === directive || name === retainKeys || name.startsWith(orderPrefix) || name.startsWith(deletePrefix);

/** Characters of a value that an error shows. */
const shownCharacters = 200;

function shown(value: JsonValue): string {
  const text = stringifyJson(value);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

/**
 * Neither `target` nor `patch` is changed; the result shares what the patch didn't touch.
 *
 * @throws StatusError `BadRequest` for a patch that is no object, for directives that are malformed or contradict it, and
 *                     for a result that nests too deep (API N-17)
 * @throws StatusError `Invalid`    for lists of lists
 */
export function applyStrategicMergePatch(
  target: JsonValue,
  patch: JsonValue,
  schema: PatchSchema | undefined,
): JsonValue {
  if (!isObject(patch)) throw newBadRequest("a strategic merge patch must be a JSON object");
  return withinDepth(() => mergeObject(isObject(target) ? target : {}, patch, schema));
}

/** An object of the result that lacks what its part of the patch says. */
type Unfinished = { readonly result: JsonObject; readonly patch: JsonObject; readonly schema: PatchSchema | undefined };

/** Nothing calls itself for objects in objects: free-form content may be as deep as a body (API N-17). */
function mergeObject(target: JsonObject, patch: JsonObject, schema: PatchSchema | undefined): JsonObject {
  const rest: Unfinished[] = [];
  const root = begun(target, patch, schema, rest);
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) finish(next, rest);
  return root;
}

function begun(target: JsonObject, patch: JsonObject, schema: PatchSchema | undefined, rest: Unfinished[]): JsonObject {
  const whole = member(patch, directive);
  if (whole === "replace") return withoutDirectives(patch);
  if (whole === "delete") return {};
  if (whole !== undefined) throw unknownPatchType(whole, patch);
  const result = retained(target, patch);
  rest.push({ result, patch, schema });
  return result;
}

function finish({ result, patch, schema }: Unfinished, rest: Unfinished[]): void {
  const ordered = mergeOrderedLists(result, patch, schema);
  for (const name of Object.keys(patch)) {
    if (name.startsWith(deletePrefix)) deleteFromList(result, name, patch[name]);
  }
  for (const name of Object.keys(patch)) {
    const change = patch[name];
    if (change === undefined || isDirective(name) || ordered.has(name)) continue;
    if (change === null) delete result[name];
    else setOrDelete(result, name, mergeValue(member(result, name), change, schema?.member(name), rest));
  }
}

function setOrDelete(object: JsonObject, name: string, value: JsonValue | undefined): void {
  if (value === undefined) delete object[name];
  else setMember(object, name, value);
}

/** @returns undefined when nothing is to stay there */
function mergeValue(
  target: JsonValue | undefined,
  change: JsonValue,
  schema: PatchSchema | undefined,
  rest: Unfinished[],
): JsonValue | undefined {
  if (isObject(target) && isObject(change)) {
    if (schema?.strategy === "replace") return change;
    const merged = begun(target, change, schema, rest);
    return change[directive] === "delete" && schema?.isMap === true ? undefined : merged;
  }
  if (Array.isArray(target) && Array.isArray(change)) {
    return schema?.strategy === "merge" ? mergeList(target, change, schema) : change;
  }
  return added(change);
}

/** What `$retainKeys` lists of `target`, copied. The patch itself sets nothing else (API P-35). */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = member(patch, retainKeys);
  if (keys === undefined) return { ...target };
  if (!Array.isArray(keys)) throw newBadRequest("invalid patch format of retainKeys");
  const kept = new Set(keys);
  for (const name of Object.keys(patch)) {
    if (patch[name] !== null && !isDirective(name) && !kept.has(name)) {
      throw newBadRequest(
        `invalid patch format of retainKeys: the patch sets ${JSON.stringify(name)}, which ${shown(keys)} doesn't list`,
      );
    }
  }
  const result: JsonObject = {};
  for (const name of Object.keys(target)) if (kept.has(name)) setMember(result, name, target[name]);
  return result;
}

function deleteFromList(object: JsonObject, name: string, values: JsonValue | undefined): void {
  if (!Array.isArray(values)) throw newBadRequest("invalid patch format of primitive list");
  const field = name.slice(deletePrefix.length);
  const list = member(object, field);
  if (!Array.isArray(list)) return;
  const gone = new Set(values.map(stringifyJson));
  setMember(
    object,
    field,
    list.filter((item) => !gone.has(stringifyJson(item))),
  );
}

/** Lists whose whole order the patch names. @returns their names: with them the patch is done. */
function mergeOrderedLists(object: JsonObject, patch: JsonObject, schema: PatchSchema | undefined): Set<string> {
  const done = new Set<string>();
  for (const name of Object.keys(patch)) {
    if (!name.startsWith(orderPrefix)) continue;
    const field = name.slice(orderPrefix.length);
    const place = schema?.member(field);
    const order = listAt(patch, name) ?? [];
    const [target, change] = [listAt(object, field), listAt(patch, field)];
    const identity = identityIn([target ?? [], change ?? [], order], place?.mergeKey);
    if (change !== undefined) assertOrdered(change, order, identity);
    const merged = mergedList(target, change, place);
    if (merged === undefined) continue;
    setMember(object, field, inOrder(merged, order, serverOrder(target ?? [], merged, identity), identity));
    if (change !== undefined) done.add(field);
  }
  return done;
}

/** As on the server, where entries that are new stand at the end, in the places of those that went (as in kube-apiserver). */
function serverOrder(target: readonly JsonValue[], merged: readonly JsonValue[], identity: Identity): JsonValue[] {
  const after = positions(merged, identity);
  const before = positions(target, identity);
  const kept = target.filter((item) => after.has(identity(item)));
  const added = merged.filter((item) => !before.has(identity(item)));
  return [...kept, ...added.slice(0, target.length - kept.length)];
}

function mergedList(
  target: readonly JsonValue[] | undefined,
  change: JsonValue[] | undefined,
  place: PatchSchema | undefined,
): readonly JsonValue[] | undefined {
  if (change === undefined) return target;
  if (target === undefined) return withoutDirectives(change);
  return place?.strategy === "merge" ? mergeList(target, change, place) : change;
}

function listAt(object: JsonObject, name: string): JsonValue[] | undefined {
  const value = member(object, name);
  if (value === undefined || value === null || Array.isArray(value)) return value ?? undefined;
  throw newBadRequest(
    name.startsWith(orderPrefix)
      ? "invalid patch format of setElementOrder list"
      : `${JSON.stringify(name)} must be a list, as ${orderPrefix}${name} says`,
  );
}

/** The patch's entries come in the order that it asks for, if it asks for any. */
function assertOrdered(change: readonly JsonValue[], order: readonly JsonValue[], identity: Identity): void {
  if (order.length === 0) return;
  const wanted = change.filter((item) => !isObject(item) || item[directive] === undefined);
  let next = 0;
  for (const item of order) if (next < wanted.length && identity(item) === identity(wanted[next] ?? null)) next++;
  if (next === wanted.length) return;
  throw newBadRequest(
    `The order in patch list: ${shown(wanted)} doesn't match $setElementOrder list: ${shown([...order])}`,
  );
}

/** What tells the entries of a list apart, as text. */
type Identity = (item: JsonValue) => string;

/** @throws StatusError `BadRequest` for entries of different types, or objects where nothing tells them apart */
function identityIn(lists: readonly (readonly JsonValue[])[], mergeKey: string | undefined): Identity {
  let objects: boolean | undefined;
  for (const list of lists) {
    for (const item of list) {
      if (Array.isArray(item)) throw statusError(422, "Invalid", "lists of lists are not supported", {});
      objects ??= isObject(item);
      if (objects !== isObject(item)) throw newBadRequest("list element types are not identical");
    }
  }
  if (objects !== true) return stringifyJson;
  if (mergeKey === undefined) throw newBadRequest("cannot merge lists of objects without a merge key");
  return (item) => stringifyJson(keyOf(item, mergeKey));
}

function keyOf(item: JsonValue, mergeKey: string): JsonValue {
  const key = isObject(item) ? member(item, mergeKey) : undefined;
  if (key === undefined) throw newBadRequest(`map: ${shown(item)} does not contain declared merge key: ${mergeKey}`);
  return key;
}

function mergeList(target: readonly JsonValue[], change: readonly JsonValue[], schema: PatchSchema): JsonValue[] {
  const replaces = change.some((item) => isObject(item) && item[directive] === "replace");
  const changes = change.filter((item) => !isObject(item) || item[directive] !== "replace");
  const identity = identityIn([target, changes], schema.mergeKey);
  const deletions = new Set<string>();
  const rest = changes.filter((item) => {
    const deletes = isObject(item) && deletesEntry(item);
    if (deletes) deletions.add(identity(item));
    return !deletes;
  });
  if (replaces) return withoutDirectives(rest);
  const kept = deletions.size === 0 ? target : target.filter((item) => !deletions.has(identity(item)));
  return inOrder(mergeEntries(kept, rest, identity, schema.items), rest, kept, identity);
}

function deletesEntry(item: JsonObject): boolean {
  const kind = item[directive];
  if (kind === undefined || kind === "delete") return kind !== undefined;
  if (kind === "merge") throw newBadRequest("merging lists cannot yet be specified in the patch");
  throw unknownPatchType(kind, item);
}

function mergeEntries(
  target: readonly JsonValue[],
  change: readonly JsonValue[],
  identity: Identity,
  schema: PatchSchema | undefined,
): JsonValue[] {
  const result = [...target];
  const places = new Map<string, number>();
  for (const [index, item] of result.entries()) if (!places.has(identity(item))) places.set(identity(item), index);
  for (const item of change) {
    const key = identity(item);
    const index = places.get(key);
    const existing = index === undefined ? undefined : result[index];
    if (index === undefined) {
      places.set(key, result.length);
      result.push(added(item) ?? null);
    } else if (isObject(existing) && isObject(item)) result[index] = mergeObject(existing, item, schema);
  }
  return result;
}

/**
 * Entries that `order` names in that order; before each of them those others that stand before it in `server`.
 * Both orders hold among their own, whatever the other says.
 */
function inOrder(
  items: readonly JsonValue[],
  order: readonly JsonValue[],
  server: readonly JsonValue[],
  identity: Identity,
): JsonValue[] {
  const wanted = positions(order, identity);
  const known = positions(server, identity);
  const keyed = items.map((item) => ({ item, key: identity(item) }));
  const named = keyed
    .filter(({ key }) => wanted.has(key))
    .sort((a, b) => (wanted.get(a.key) ?? 0) - (wanted.get(b.key) ?? 0));
  const others = keyed.filter(({ key }) => !wanted.has(key));
  const result: JsonValue[] = [];
  let next = 0;
  for (const { item, key } of named) {
    const place = known.get(key) ?? Number.NEGATIVE_INFINITY;
    for (let other = others[next]; other !== undefined; other = others[next]) {
      if ((known.get(other.key) ?? Number.POSITIVE_INFINITY) >= place) break;
      result.push(other.item);
      next++;
    }
    result.push(item);
  }
  for (const { item } of others.slice(next)) result.push(item);
  return result;
}

function positions(items: readonly JsonValue[], identity: Identity): Map<string, number> {
  const result = new Map<string, number>();
  for (const [index, item] of items.entries()) if (!result.has(identity(item))) result.set(identity(item), index);
  return result;
}

/**
 * A value of the patch where the object has none: without nulls and directives. Undefined when it is one: what deletes or
 * replaces something needs something to be there (as in kube-apiserver).
 */
function added(value: JsonValue): JsonValue | undefined {
  if (isDirected(value)) return undefined;
  if (Array.isArray(value)) return withoutDirectives(value);
  return isObject(value) ? withoutDirectives(value) : value;
}

const isDirected = (value: JsonValue): boolean => isObject(value) && value[directive] !== undefined;

/** Nor in anything inside. */
function withoutDirectives(object: JsonObject): JsonObject;
function withoutDirectives(list: readonly JsonValue[]): JsonValue[];
function withoutDirectives(value: JsonObject | readonly JsonValue[]): Container {
  const root = emptyLike(value);
  const rest: [from: JsonObject | readonly JsonValue[], into: Container][] = [[value, root]];
  const copied = (item: JsonValue): JsonValue => {
    if (!isContainer(item)) return item;
    const copy = emptyLike(item);
    rest.push([item, copy]);
    return copy;
  };
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [from, into] = next;
    for (const [name, item] of Object.entries(from)) {
      if (item === undefined || isDirected(item)) continue;
      if (Array.isArray(into)) into.push(copied(item));
      else if (!isDirective(name) && item !== null) setMember(into, name, copied(item));
    }
  }
  return root;
}

const emptyLike = (value: JsonObject | readonly JsonValue[]): Container => (Array.isArray(value) ? [] : {});

const unknownPatchType = (kind: JsonValue, patch: JsonObject): StatusError =>
  newBadRequest(`unknown patch type: ${typeof kind === "string" ? kind : shown(kind)} in map: ${shown(patch)}`);
