import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isRawNumber } from "../../apiserver/machinery/json.ts";

/**
 * The value with the members of its objects in the order of their names, so that equal values print alike. What is in
 * order already is returned as it is, and copied nowhere: configurations may be large, and are ordered on every reconcile.
 */
export function ordered(value: JsonValue | object): JsonValue | object {
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  return Array.isArray(value) ? orderedItems(value) : orderedMembers(value);
}

const orderedValue = (value: unknown): unknown =>
  typeof value === "object" && value !== null ? ordered(value) : value;

function orderedItems(list: readonly unknown[]): readonly unknown[] {
  let result: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (typeof item !== "object") continue;
    const inOrder = orderedValue(item);
    if (inOrder === item) continue;
    result ??= [...list];
    result[i] = inOrder;
  }
  return result ?? list;
}

function orderedMembers(object: object): object {
  const entries = Object.entries(object);
  let changed = false;
  let previous = "";
  const result = entries.map(([name, value], index): [string, unknown] => {
    const inOrder = orderedValue(value);
    changed ||= inOrder !== value || (index > 0 && name < previous);
    previous = name;
    return [name, inOrder];
  });
  if (!changed) return object;
  return Object.fromEntries(result.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
