/** Which state a read wants (API G-01…G-03, L-04). */
import { quoteText } from "../../errors/abridge.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import type { Revision } from "../../storage/interface.ts";
import type { ListOptions } from "../rest/interface.ts";
import { type Continue, decodeContinue, newestRevision } from "./continue-token.ts";

/**
 * - `newest`: proven to be no older than the request
 * - `any`: whatever is at hand
 * - `notOlderThan`: that revision or a later one
 * - `exactly`: the state at that revision
 */
export type Position =
  | { readonly at: "newest" }
  | { readonly at: "any" }
  | { readonly at: "notOlderThan"; readonly revision: Revision }
  | { readonly at: "exactly"; readonly revision: Revision };

/**
 * A decimal uint64. Beyond 2^53 it is the nearest double: no store gets there, and any such number is too large alike.
 * @throws StatusError 400 (API W-15, G-06, M-06)
 */
export function parseRevision(resourceVersion: string): Revision {
  const why = uint64Problem(resourceVersion);
  if (why === undefined) return Number(resourceVersion);
  const quoted = quoteText(resourceVersion);
  throw newBadRequest(`resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`);
}

function uint64Problem(text: string): string | undefined {
  if (!/^\d+$/.test(text)) return "invalid syntax";
  return Number(text) < 2 ** 64 ? undefined : "value out of range";
}

export function positionOf(resourceVersion: string): Position {
  if (resourceVersion === "") return { at: "newest" };
  const revision = parseRevision(resourceVersion);
  return revision === 0 ? { at: "any" } : { at: "notOlderThan", revision };
}

type ListPosition = {
  readonly position: Position;
  /** Set when this continues an earlier page. */
  readonly continued: Continue | undefined;
  /** 0 when a limit has no effect here. */
  readonly limit: number;
};

export function listPosition(options: ListOptions): ListPosition {
  const { limit } = options;
  if (options.continue !== "") return { ...continuedPosition(options), limit };
  const position = positionOf(options.resourceVersion);
  if (position.at === "any") return { position, continued: undefined, limit: 0 };
  // A limit without a match is the rule from before there were matches.
  const exact = options.resourceVersionMatch === "Exact" || (options.resourceVersionMatch === "" && limit > 0);
  const exactly = position.at === "notOlderThan" && exact;
  return {
    position: exactly ? { at: "exactly", revision: position.revision } : position,
    continued: undefined,
    limit,
  };
}

function continuedPosition(options: ListOptions): { position: Position; continued: Continue } {
  if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
    throw newBadRequest("specifying resource version is not allowed when using continue");
  }
  const continued = decodeContinue(options.continue);
  const { revision } = continued;
  return { position: revision === newestRevision ? { at: "newest" } : { at: "exactly", revision }, continued };
}
