/** What a reader is shown of the state and of events. Pure. */

import type { Revision } from "../storage/interface.ts";
import { addedEvent, type SeenChange } from "./cache-event.ts";
import type { CacheWatchEvent, Encoded, Encoder } from "./encoder.ts";
import { type Entry, rangeOf, type Sought } from "./ordered-state.ts";

/**
 * `scope` says which keys: `""` for all, `demo/` for those of a folder, or the beginning of one: a whole key. What `matches`
 * all `lookups` find.
 */
export type Wanted<T> = Sought & {
  readonly matches: (item: T, key: string) => boolean;
};

/** What a reader is given at once, about, in events and in bytes of them. */
export const batchEvents = 256;
export const batchBytes = 64 * 1024;
/** The same of initial events, which nobody else waits for: as much as goes out in one write. */
const initialBytes = 512 * 1024;

/**
 * An ADDED event for each object of the snapshot that is wanted, in batches that are made as they are read. What the
 * objects look like is shared by all who read them.
 */
export function* initialEvents<T extends Encoded>(
  entries: readonly Entry<T>[],
  { scope, matches }: Wanted<T>,
  encoder: Encoder<T>,
): Generator<readonly SeenChange<T>[], undefined> {
  const { start, end } = rangeOf(entries, scope);
  let batch: SeenChange<T>[] = [];
  let bytes = 0;
  for (let index = start; index < end; index++) {
    const entry = entries[index];
    if (entry === undefined || !matches(entry.item, entry.key)) continue;
    const event = addedEvent(entry.item, encoder);
    batch.push(event);
    bytes += event.frame.length;
    if (batch.length < batchEvents && bytes < initialBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

export function* followedBy<E>(batches: Iterable<readonly E[]>, last: E): Generator<readonly E[], undefined> {
  yield* batches;
  yield [last];
}

export function endOfInitialEvents(revision: Revision): CacheWatchEvent<never, never> {
  return { type: "BOOKMARK", resourceVersion: String(revision), initialEventsEnd: true };
}
