/** What a reader is shown of the state and of events. Pure, but for what readers share. */

import type { StorageEvent } from "../storage/interface.ts";
import { addedEvent, CacheEvent } from "./cache-event.ts";
import type { CachedObject, ObjectCodec, RestWatchEvent } from "./object-codec.ts";
import { type Entry, rangeOf } from "./ordered-state.ts";

export type Wanted = {
  /** Keys that start with this. */
  readonly scope: string;
  readonly matches: (item: CachedObject) => boolean;
  /** `matches` holds for every object in the scope: its initial events can be shared. */
  readonly everything: boolean;
};

/** Initial events of whole scopes, for as long as anybody holds the snapshot they show. */
const shared = new WeakMap<readonly Entry[], Map<string, readonly RestWatchEvent[]>>();

/** An ADDED event for each object of the snapshot that is wanted. */
export function initialEvents(entries: readonly Entry[], wanted: Wanted): readonly RestWatchEvent[] {
  if (!wanted.everything) return addedEvents(entries, wanted);
  const ofSnapshot = shared.get(entries) ?? new Map<string, readonly RestWatchEvent[]>();
  const events = ofSnapshot.get(wanted.scope) ?? addedEvents(entries, wanted);
  ofSnapshot.set(wanted.scope, events);
  shared.set(entries, ofSnapshot);
  return events;
}

function addedEvents(entries: readonly Entry[], { scope, matches }: Wanted): readonly RestWatchEvent[] {
  const { start, end } = rangeOf(entries, scope);
  const events: RestWatchEvent[] = [];
  for (let index = start; index < end; index++) {
    const entry = entries[index];
    if (entry !== undefined && matches(entry.item)) events.push(addedEvent(entry.item));
  }
  return events;
}

export function visibleEvents(events: readonly CacheEvent[], { scope, matches }: Wanted): readonly RestWatchEvent[] {
  const seen: RestWatchEvent[] = [];
  for (const event of events) {
    const shown = event.key.startsWith(scope) ? event.seenBy(matches) : undefined;
    if (shown !== undefined) seen.push(shown);
  }
  return seen;
}

/** @throws Error when one of its values is no object */
export function historicalEvent(event: StorageEvent, prefix: string, codec: ObjectCodec): CacheEvent {
  const { previous } = event;
  return new CacheEvent(
    {
      key: event.key.slice(prefix.length),
      revision: event.revision,
      item: event.type === "put" ? codec.decode(event.value, event.revision) : undefined,
      previous: previous === undefined ? undefined : codec.decode(previous.value, previous.revision),
    },
    codec,
    0,
  );
}
