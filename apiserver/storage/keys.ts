/**
 * How an object's identity becomes a key, and how keys sort.
 *
 * Invariant: the layout below never changes (API T-01); stored data depends on it.
 * Invariant: keys compare by their UTF-8 bytes. That is the order of code points, not that of `<` on strings, which
 *            compares UTF-16 units and so sorts U+FF5E after U+1F600.
 */

export type ResourceIdentity = {
  readonly group: string;
  readonly resource: string;
};

const root = "/registry/";

/** The core group's name is empty, and an empty path segment would be easy to overlook. */
const coreSegment = "core";

/**
 * `/registry/<group or "core">/<resource>/`: what every key of a resource starts with. `<namespace>/<name>` follows, or
 * just `<name>` for what has no namespace.
 */
export function resourcePrefix({ group, resource }: ResourceIdentity): string {
  return `${root}${group === "" ? coreSegment : group}/${resource}/`;
}

/** Whose key it is, or whose prefix; `undefined` when it is of no resource. */
export function resourceOf(key: string): ResourceIdentity | undefined {
  if (!key.startsWith(root)) return undefined;
  const groupEnd = key.indexOf("/", root.length);
  const resourceEnd = groupEnd === -1 ? -1 : key.indexOf("/", groupEnd + 1);
  if (resourceEnd === -1) return undefined;
  const group = key.slice(root.length, groupEnd);
  return { group: group === coreSegment ? "" : group, resource: key.slice(groupEnd + 1, resourceEnd) };
}

const lastCodePoint = 0x10ffff;
const firstSurrogate = 0xd800;
const afterSurrogates = 0xe000;

/**
 * The first string after everything that starts with `prefix`; undefined when there is none (the prefix is empty).
 * Together they are the half-open range that holds exactly the keys with the prefix.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? lastCodePoint;
    if (point === lastCodePoint) continue;
    const next = point + 1 === firstSurrogate ? afterSurrogates : point + 1;
    return points.join("") + String.fromCodePoint(next);
  }
  return undefined;
}

/** Order of `a` and `b` by their UTF-8 bytes: negative, 0 or positive. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point above every single unit, so it ranks above them all. */
function rank(unit: number): number {
  return unit >= firstSurrogate && unit < afterSurrogates ? unit + lastCodePoint : unit;
}
