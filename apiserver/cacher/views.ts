/** What a reader is shown of the state and of events. Pure, but for what readers share. */

import { addedEvent, type CacheEvent, type SeenChange } from "./cache-event.ts";
import type { Encoded, Encoder } from "./encoder.ts";
import { type Entry, rangeOf } from "./ordered-state.ts";

export type Wanted<T> = {
  /** Which keys: `""` for all, `demo/` for those of a folder, or the beginning of one: a whole key. */
  readonly scope: string;
  readonly matches: (item: T) => boolean;
  /** `matches` holds for every object in the scope: its initial events can be shared. */
  readonly everything: boolean;
};

/** Initial events of whole scopes, for as long as anybody holds the snapshot they show. */
export class SharedInitialEvents<T extends Encoded> {
  readonly #encoder: Encoder<T>;
  readonly #ofSnapshot = new WeakMap<readonly Entry<T>[], Map<string, readonly SeenChange<T>[]>>();

  constructor(encoder: Encoder<T>) {
    this.#encoder = encoder;
  }

  /** An ADDED event for each object of the snapshot that is wanted. */
  of(entries: readonly Entry<T>[], wanted: Wanted<T>): readonly SeenChange<T>[] {
    if (!wanted.everything) return this.#make(entries, wanted);
    const ofScopes = this.#ofSnapshot.get(entries) ?? new Map<string, readonly SeenChange<T>[]>();
    const events = ofScopes.get(wanted.scope) ?? this.#make(entries, wanted);
    ofScopes.set(wanted.scope, events);
    this.#ofSnapshot.set(entries, ofScopes);
    return events;
  }

  #make(entries: readonly Entry<T>[], { scope, matches }: Wanted<T>): readonly SeenChange<T>[] {
    const { start, end } = rangeOf(entries, scope);
    const events: SeenChange<T>[] = [];
    for (let index = start; index < end; index++) {
      const entry = entries[index];
      if (entry !== undefined && matches(entry.item)) events.push(addedEvent(entry.item, this.#encoder));
    }
    return events;
  }
}

export function visibleEvents<T extends Encoded>(
  events: readonly CacheEvent<T>[],
  { scope, matches }: Wanted<T>,
): readonly SeenChange<T>[] {
  const seen: SeenChange<T>[] = [];
  for (const event of events) {
    const shown = event.key.startsWith(scope) ? event.seenBy(matches) : undefined;
    if (shown !== undefined) seen.push(shown);
  }
  return seen;
}
