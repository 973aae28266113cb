import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { deepEqual, isEmptyObject, isObject, member, setMember } from "../json.ts";
import { itemElement } from "./path-element.ts";
import { type ListType, type MapType, memberType, shapeOf, type Type, typeAt } from "./types.ts";

/**
 * `live` with what `applied` says: its scalars and atomic values win, maps are merged member by member, sets and keyed
 * lists item by item (API S-22). Nothing is removed. Linear in `applied` and in the lists that it names.
 *
 * @param applied  of its type, without items that share a key
 * @returns        `live` itself when it has all of `applied` already
 */
export function merge(type: Type, live: JsonValue, applied: JsonValue): JsonValue {
  return mergeAt(type, live, applied, 0);
}

function mergeAt(declared: Type, live: JsonValue | undefined, applied: JsonValue, depth: number): JsonValue {
  if (live === undefined) return applied;
  const type = typeAt(declared, depth);
  const shape = shapeOf(type, applied);
  if (shape === "map" && type.map?.atomic === false) {
    const [left, right] = [isObject(live) ? live : undefined, isObject(applied) ? applied : {}];
    if (left !== undefined && (!isEmptyObject(left) || !isEmptyObject(right))) {
      return mergeMembers(type.map, left, right, depth);
    }
  }
  if (shape === "list" && type.list !== undefined && type.list.relation !== "atomic") {
    const [left, right] = [Array.isArray(live) ? live : [], Array.isArray(applied) ? applied : []];
    if (left.length > 0) return mergeItems(type.list, left, right, depth);
  }
  return deepEqual(live, applied) ? live : applied;
}

function mergeMembers(map: MapType, live: JsonObject, applied: JsonObject, depth: number): JsonObject {
  let result = live;
  for (const name of Object.keys(applied)) {
    const value = applied[name];
    if (value === undefined) continue;
    const before = member(live, name);
    if (before === value) continue;
    const after = mergeAt(memberType(map, name), before, value, depth + 1);
    if (after === before) continue;
    if (result === live) result = { ...live };
    setMember(result, name, after);
  }
  return result;
}

/**
 * Applied items come in applied order. Items that only `live` has keep their place: before the item that both have which
 * comes next.
 */
function mergeItems(list: ListType, live: JsonValue[], applied: readonly JsonValue[], depth: number): JsonValue[] {
  const liveElements = live.map((item) => itemElement(list, item));
  const appliedElements = applied.map((item) => itemElement(list, item));
  const known = liveItems(liveElements, live);
  const wanted = new Set(appliedElements);
  const shared = appliedElements.filter((element) => known.has(element));
  const merged = new Set<string>();
  const result: JsonValue[] = [];
  const take = (at: number): void => {
    const [element, item] = [appliedElements[at] ?? "", applied[at] ?? null];
    merged.add(element);
    result.push(mergeAt(list.element, known.get(element), item, depth + 1));
  };

  let [l, a, s] = [0, 0, 0];
  while (l < live.length || a < applied.length) {
    const element = liveElements[l];
    if (element !== undefined && a < applied.length) {
      if (element === appliedElements[a]) {
        take(a);
        [l, a, s] = [l + 1, a + 1, s + 1];
        continue;
      }
      // Shared, but another shared one has its turn first: it comes when the applied order has it.
      if (wanted.has(element) && s < shared.length && shared[s] !== element) {
        l++;
        continue;
      }
    }
    if (element !== undefined && !wanted.has(element)) {
      result.push(live[l] ?? null);
      l++;
      continue;
    }
    if (element !== undefined && merged.has(element)) l++;
    if (a < applied.length) {
      take(a);
      if (shared[s] === appliedElements[a]) s++;
      a++;
    }
  }
  return sameItems(result, live) ? live : result;
}

/** Items by their step. Those that share one are not merged with: an applied item replaces them all. */
function liveItems(
  elements: readonly string[],
  items: readonly JsonValue[],
): ReadonlyMap<string, JsonValue | undefined> {
  const known = new Map<string, JsonValue | undefined>();
  for (const [index, element] of elements.entries()) {
    known.set(element, known.has(element) ? undefined : items[index]);
  }
  return known;
}

function sameItems(a: readonly JsonValue[], b: readonly JsonValue[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
