import type { JsonValue } from "../apis/meta/v1.ts";
import { isRawNumber } from "./json.ts";

/** A list or an object on the way to the value that is looked at. */
type Frame = {
  readonly source: object;
  /** Names of an object's members, as they come; absent for lists. */
  readonly names: readonly string[] | undefined;
  readonly values: readonly unknown[];
  /** Index of the value that is looked at. */
  at: number;
  /** By index: values that are others in order. */
  readonly changes: Map<number, unknown>;
};

/**
 * The value with the members of its objects in the order of their names, so that equal values print alike. What is in
 * order already is returned as it is, and copied nowhere: configurations may be large, and are ordered on every reconcile.
 * They may be nested as deep as the API allows (API N-17), so this doesn't call itself.
 */
export function ordered(value: JsonValue | object): JsonValue | object {
  if (!isContainer(value)) return value;
  const frames = [frameOf(value)];
  for (;;) {
    const frame = frames.at(-1);
    if (frame === undefined) return value;
    while (frame.at < frame.values.length && !isContainer(frame.values[frame.at])) frame.at++;
    const next = frame.values[frame.at];
    if (isContainer(next)) {
      frames.push(frameOf(next));
      continue;
    }
    frames.pop();
    const result = inOrder(frame);
    const parent = frames.at(-1);
    if (parent === undefined) return result;
    if (result !== frame.source) parent.changes.set(parent.at, result);
    parent.at++;
  }
}

const isContainer = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !isRawNumber(value);

const frameOf = (source: object): Frame => ({
  source,
  names: Array.isArray(source) ? undefined : Object.keys(source),
  values: Array.isArray(source) ? source : Object.values(source),
  at: 0,
  changes: new Map(),
});

function inOrder({ source, names, values, changes }: Frame): object {
  const isSorted = names?.every((name, index) => index === 0 || (names[index - 1] ?? "") <= name) ?? true;
  if (isSorted && changes.size === 0) return source;
  const valueAt = (index: number): unknown => changes.get(index) ?? values[index];
  if (names === undefined) return values.map((_, index) => valueAt(index));
  const members = names.map((name, index) => [name, valueAt(index)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
