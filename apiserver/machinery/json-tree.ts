/**
 * Walks over JSON that may nest as deep as the API allows (API N-17).
 *
 * Invariant: nothing here calls itself for what is inside a value: the stack ends at a few thousand levels.
 */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";

export type Container = JsonValue[] | JsonObject;

/** A list or an object, not a number that is kept as it was written. */
export function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

/**
 * Whether two values print the same, apart from the order of members; a member that is `undefined` counts as absent.
 * Numbers are compared as they print: `1` and `1.0` differ.
 */
export function deepEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  const pairs: (readonly [Container, Container])[] = [];
  if (!mayEqual(a, b, pairs)) return false;
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    const alike = Array.isArray(left)
      ? Array.isArray(right) && itemsMayEqual(left, right, pairs)
      : !Array.isArray(right) && membersMayEqual(left, right, pairs);
    if (!alike) return false;
  }
  return true;
}

/** What both of them hold is looked at later. */
function mayEqual(
  a: JsonValue | undefined,
  b: JsonValue | undefined,
  later: (readonly [Container, Container])[],
): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isContainer(a) && isContainer(b)) {
    later.push([a, b]);
    return true;
  }
  return JSON.isRawJSON(a) && JSON.isRawJSON(b) && a.rawJSON === b.rawJSON;
}

function itemsMayEqual(
  a: readonly JsonValue[],
  b: readonly JsonValue[],
  later: (readonly [Container, Container])[],
): boolean {
  return a.length === b.length && a.every((item, index) => mayEqual(item, b[index], later));
}

function membersMayEqual(a: JsonObject, b: JsonObject, later: (readonly [Container, Container])[]): boolean {
  let count = 0;
  for (const name of Object.keys(a)) {
    const value = a[name];
    if (value === undefined) continue;
    count++;
    if (!Object.hasOwn(b, name) || !mayEqual(value, b[name], later)) return false;
  }
  for (const name of Object.keys(b)) if (b[name] !== undefined) count--;
  return count === 0;
}

/** A copy that shares nothing mutable with `value`. */
export function clone<T extends JsonValue | undefined>(value: T): T;
export function clone(value: JsonValue | undefined): JsonValue | undefined {
  if (!isContainer(value)) return value;
  const root = shallow(value);
  const copies = [root];
  const copied = (item: JsonValue | undefined): JsonValue | undefined => {
    if (!isContainer(item)) return item;
    const copy = shallow(item);
    copies.push(copy);
    return copy;
  };
  for (let copy = copies.pop(); copy !== undefined; copy = copies.pop()) {
    if (Array.isArray(copy)) {
      for (const [index, item] of copy.entries()) if (typeof item === "object") copy[index] = copied(item) ?? null;
    } else {
      // Own members exist already, so plain assignment is safe for every name.
      for (const name of Object.keys(copy)) {
        const item = copy[name];
        if (typeof item === "object") copy[name] = copied(item);
      }
    }
  }
  return root;
}

const shallow = (value: Container): Container => (Array.isArray(value) ? [...value] : { ...value });

/** A list or an object of which the values before `at` are printed. */
type Frame = { readonly names: readonly string[] | undefined; readonly values: readonly unknown[]; at: number };

/** As `JSON.stringify` prints plain data, several times slower. */
export function printDeep(value: JsonValue | object): string {
  const pieces: string[] = [];
  const frames: Frame[] = [];
  const print = (item: unknown): void => {
    if (!isContainer(item)) {
      pieces.push(JSON.stringify(item) ?? "null");
      return;
    }
    const entries = Array.isArray(item) ? undefined : Object.entries(item).filter(([, each]) => each !== undefined);
    pieces.push(entries === undefined ? "[" : "{");
    frames.push({
      names: entries?.map(([name]) => name),
      values: entries?.map(([, each]) => each) ?? Object.values(item),
      at: 0,
    });
  };
  print(value);
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const { names, values, at } = frame;
    if (at === values.length) {
      pieces.push(names === undefined ? "]" : "}");
      frames.pop();
      continue;
    }
    if (at > 0) pieces.push(",");
    if (names !== undefined) pieces.push(`${JSON.stringify(names[at])}:`);
    frame.at++;
    print(values[at]);
  }
  return pieces.join("");
}
