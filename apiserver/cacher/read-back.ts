import { limits } from "../limits.ts";
import type { Revision, StorageBackend, StorageEvent } from "../storage/interface.ts";
import { CacheEvent } from "./cache-event.ts";
import type { Encoded, Encoder } from "./encoder.ts";
import type { EventWindow } from "./event-window.ts";

type Past<T extends Encoded> = {
  readonly backend: StorageBackend;
  readonly prefix: string;
  readonly encoder: Encoder<T>;
  readonly after: Revision;
  readonly to: Revision;
  readonly nowMs: number;
  readonly signal: AbortSignal;
};

/**
 * Every event with `after` < revision <= `to` out of storage's history; `undefined` when that is more than a window holds.
 * @throws StorageError `Compacted`, and whatever a watch may end with
 * @throws Error        when one of the values is none of the encoder's
 */
export async function readBack<T extends Encoded>(past: Past<T>): Promise<readonly CacheEvent<T>[] | undefined> {
  const { backend, prefix, encoder, after, to, nowMs, signal } = past;
  const events: CacheEvent<T>[] = [];
  const newest = new Map<string, T>();
  let bytes = 0;
  await using history = backend.watch({ prefix, after, signal });
  history.requestProgress();
  for await (const item of history) {
    for (const event of item.events) {
      if (event.revision > to) return events;
      const past = historicalEvent(event, { prefix, encoder, newest, nowMs });
      events.push(past);
      bytes += past.bytes;
    }
    if (events.length > limits.maxWindowEvents.value || bytes > limits.maxWindowBytes.value) return undefined;
    if (item.revision >= to) return events;
    history.requestProgress();
  }
  return undefined;
}

/**
 * An event as it was. What was there before is what the event before it left, where that is known: `newest` keeps it.
 * @throws Error when one of its values is none of the encoder's
 */
export function historicalEvent<T extends Encoded>(
  event: StorageEvent,
  {
    prefix,
    encoder,
    newest,
    nowMs,
  }: {
    readonly prefix: string;
    readonly encoder: Encoder<T>;
    readonly newest: Map<string, T>;
    readonly nowMs: number;
  },
): CacheEvent<T> {
  const key = event.key.slice(prefix.length);
  const before = newest.get(key);
  const { previous: stored, revision } = event;
  const isKnown = before !== undefined && before.revision === stored?.revision;
  const previous = isKnown || stored === undefined ? before : encoder.decode(stored.value, stored.revision);
  const item = event.type === "put" ? encoder.decode(event.value, revision) : undefined;
  if (item === undefined) newest.delete(key);
  else newest.set(key, item);
  return new CacheEvent({ key, revision, item, previous: stored === undefined ? undefined : previous }, encoder, nowMs);
}

/**
 * Reads history into a window, once for all who ask at about the same time: hundreds of informers that resume after a
 * restart share one reading.
 */
export class SharedReadBack<T extends Encoded> {
  readonly #read: (after: Revision, to: Revision) => Promise<readonly CacheEvent<T>[] | undefined>;
  #wanted: Revision = Number.POSITIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(read: (after: Revision, to: Revision) => Promise<readonly CacheEvent<T>[] | undefined>) {
    this.#read = read;
  }

  /** Resolves when the window holds what comes after `after`, or cannot be made to: it is to be asked. */
  async extend(window: EventWindow<T>, after: Revision): Promise<void> {
    // The reading that is under way may begin too late for this one; the next does not.
    for (let attempt = 0; attempt < 2 && after < window.floor; attempt++) {
      this.#wanted = Math.min(this.#wanted, after);
      this.#reading ??= this.#readInto(window).finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  async #readInto(window: EventWindow<T>): Promise<void> {
    // Whoever asks in the same turn is taken along.
    await new Promise((resolve) => setImmediate(resolve));
    const after = this.#wanted;
    const to = window.floor;
    this.#wanted = Number.POSITIVE_INFINITY;
    // A history that cannot be read is told to each by its own attempt: it may be there for some.
    const events = await this.#read(after, to).catch(() => undefined);
    if (events !== undefined && window.floor === to) window.prepend(events, after);
  }
}
