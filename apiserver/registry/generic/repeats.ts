/**
 * Writes that were found to change nothing, for as long as the object is the one that is stored: tools that hold a cluster to
 * its manifests send the same again and again, and need not have it read each time.
 *
 * Invariant: forgetting all of this changes speed, not answers: what a write makes of an object depends on both alone, and
 * admission, which may know more, is asked every time.
 */
import { hash } from "node:crypto";
import { limits } from "../../limits.ts";
import type { EncodedObject, WriteRequest } from "../rest/interface.ts";
import type { Part } from "../rest/part.ts";

/** Everything about a write that decides what it makes of an object; equal texts stand for equal writes. */
export type Repeat = string;

export function repeatOf({ body, options, preconditions }: WriteRequest, part: Part, manager: string): Repeat {
  const { fieldValidation, force } = options;
  const { subresource, view } = part;
  const how = [subresource, view.decoder.gvk.version, body.mediaType, manager, fieldValidation, force, preconditions];
  return `${hash("sha256", body.bytes, "base64")} ${JSON.stringify(how)}`;
}

export class Repeats {
  readonly #unchanged = new WeakMap<EncodedObject, Set<Repeat>>();

  has(existing: EncodedObject, repeat: Repeat): boolean {
    return this.#unchanged.get(existing)?.has(repeat) === true;
  }

  /** @param existing  which this write, let through by admission as it was, left as it is */
  add(existing: EncodedObject, repeat: Repeat): void {
    const known = this.#unchanged.get(existing) ?? new Set();
    this.#unchanged.set(existing, known);
    const [oldest] = known;
    if (known.size >= limits.maxRepeatsPerObject.value && oldest !== undefined) known.delete(oldest);
    known.add(repeat);
  }
}
