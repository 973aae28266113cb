/** What tells one store from another, and from an earlier state of itself (design D9). */
import { isObject } from "../machinery/json.ts";
import type { StorePosition } from "./interface.ts";

/**
 * Why `found` cannot be what became of the store that stood at `known`, to go on after "the store"; `undefined` when it
 * can.
 */
export function contradiction(known: StorePosition, found: StorePosition): string | undefined {
  if (known.identity === undefined) return undefined;
  if (found.identity === undefined) {
    return `is empty, where there was one with ${known.objects} keys at revision ${known.revision}`;
  }
  if (found.identity !== known.identity && found.replaces === known.identity) return undefined;
  if (found.identity !== known.identity) {
    return `is another one: its identity is ${found.identity}, that of the one used before is ${known.identity}`;
  }
  if (found.revision < known.revision) {
    return `is older than it was: its newest revision is ${found.revision}, and ${known.revision} had been reached`;
  }
  if (found.marks < known.marks) {
    return `is older than it was: it was put back to where it stood before its mark ${known.marks}`;
  }
  // A delete takes a revision, so no more keys can be gone than there were writes.
  const least = known.objects - (found.revision - known.revision);
  if (found.objects < least) {
    return `has lost keys: ${found.objects} of ${known.objects} are left after ${found.revision - known.revision} writes`;
  }
  return undefined;
}

/** From JSON; `undefined` when it is none of a position. */
export function parsePosition(json: string): StorePosition | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const { identity, revision, objects, marks } = parsed;
  if (typeof identity !== "string" || typeof revision !== "number") return undefined;
  if (typeof objects !== "number" || typeof marks !== "number") return undefined;
  return { identity, revision, objects, marks };
}
