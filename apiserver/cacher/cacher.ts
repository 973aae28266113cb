/**
 * Watch cache: one storage watch per resource, any number of readers (design D7).
 *
 * Invariant: events reach every reader in revision order, without gaps or repeats.
 * Invariant: nothing here waits for a reader. One that is slow is parked: a place in history, from where it goes on when
 *            it reads; it ends when that history is compacted.
 * Invariant: the cache never writes to storage. Deleting this folder would change speed, not answers.
 */

import { limits } from "../limits.ts";
import { type Clock, delay } from "../machinery/clock.ts";
import type { Revision, StorageBackend, StorageEvent, StorageWatch, StorageWatchItem } from "../storage/interface.ts";
import { CacheEvent } from "./cache-event.ts";
import type { CacheWatchEvent, Encoded, Encoder } from "./encoder.ts";
import { EventWindow } from "./event-window.ts";
import { ItemIndexes } from "./item-indexes.ts";
import { loadState } from "./load.ts";
import { type Entry, OrderedState, type Sought } from "./ordered-state.ts";
import { OwnWrites } from "./own-writes.ts";
import { ProgressGate } from "./progress-gate.ts";
import { ReaderIndex } from "./reader-index.ts";
import { RevisionWaiters } from "./revision-waiters.ts";
import { SharedHistory } from "./shared-history.ts";
import { endOfInitialEvents, followedBy, initialEvents, type Wanted } from "./views.ts";
import { WatchReader } from "./watch-reader.ts";

/** API W-31: "roughly every minute". */
const bookmarkPeriodMs = 60_000;
/** A bookmark this long before the end of a watch lets the client resume from near the end (API W-31). */
const bookmarkBeforeEndMs = 2000;
const firstRetryMs = 50;
const maxRetryMs = 5000;

export type CacherOptions<T extends Encoded, F> = {
  readonly backend: StorageBackend;
  /** Keys of the resource, e.g. `/registry/apps/statefulsets/`. What follows it is the key in this folder. */
  readonly prefix: string;
  readonly encoder: Encoder<T>;
  readonly clock: Clock;
  /** Ends the cache. */
  readonly signal: AbortSignal;
  /** What a reader is told when its history cannot be read: the object of its ERROR event. */
  readonly describeFailure: (error: unknown) => F;
  /** The storage watch broke, or the state could not be loaded; it is tried again. */
  readonly onFailure?: (error: unknown) => void;
  /** A watch was closed that had not read what happened. */
  readonly onSlowReader?: () => void;
  readonly maxPending?: number;
  readonly maxPendingBytes?: number;
};

/** The state at one revision. Entries are shared and never change. */
export type Snapshot<T> = {
  readonly revision: Revision;
  readonly entries: readonly Entry<T>[];
};

export type CacheWatch<T> = Wanted<T> & {
  readonly wantsBookmarks: boolean;
  /** How long the caller will read; a bookmark comes shortly before. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
} & (
    | { readonly from: "now"; readonly initialEvents: boolean }
    | { readonly from: "revision"; readonly after: Revision }
  );

type Live<T extends Encoded> = {
  readonly state: OrderedState<T>;
  readonly unreadable: Map<string, unknown>;
  window: EventWindow<T>;
  readonly watch: StorageWatch;
  revision: Revision;
  /** The content is the same from here to `revision`. */
  changedAt: Revision;
};

export class Cacher<T extends Encoded, F> {
  readonly #options: CacherOptions<T, F>;
  readonly #gate: ProgressGate;
  readonly #readers = new Set<WatchReader<T, F>>();
  /** Those that are offered what happens. */
  readonly #keepingUp: ReaderIndex<T, WatchReader<T, F>>;
  readonly #waiters: RevisionWaiters;
  readonly #own = new OwnWrites<T>();
  readonly #history: SharedHistory<T>;
  readonly #held = new Map<Revision, Snapshot<T>>();
  #live: Live<T> | undefined;
  #lostAtMs: number;
  #bookmarkDue = false;

  constructor(options: CacherOptions<T, F>) {
    this.#options = options;
    this.#history = new SharedHistory(options);
    this.#keepingUp = new ReaderIndex(options.encoder.indexing);
    this.#gate = new ProgressGate(() => options.backend.currentRevision());
    this.#waiters = new RevisionWaiters(options.clock, () => this.#live?.watch.requestProgress());
    this.#lostAtMs = options.clock.elapsedMs();
  }

  /** Follows storage until the signal aborts; never rejects. */
  async run(): Promise<void> {
    const { signal, onFailure } = this.#options;
    void this.#bookmarkRegularly();
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          retryMs = firstRetryMs;
        });
      } catch (error) {
        if (!signal.aborted) onFailure?.(error);
      }
      this.#lose();
      if (signal.aborted) return;
      await delay(this.#options.clock, retryMs, signal);
      retryMs = Math.min(retryMs * 2, maxRetryMs);
    }
  }

  /** Milliseconds without a usable state; 0 when there is one. */
  get downtimeMs(): number {
    return this.#live === undefined ? Math.max(1, this.#options.clock.elapsedMs() - this.#lostAtMs) : 0;
  }

  get ready(): boolean {
    return this.#live !== undefined;
  }

  /** Of its objects, and of their JSON; `undefined` while it is not ready. */
  get size(): { readonly objects: number; readonly bytes: number } | undefined {
    const state = this.#live?.state;
    return state === undefined ? undefined : { objects: state.size, bytes: state.bytes };
  }

  get readerCount(): number {
    return this.#readers.size;
  }

  /** Bytes of events that wait for readers, and of history that was read for them; many may share the same. */
  get waitingBytes(): number {
    let bytes = this.#history.bytes;
    for (const reader of this.#readers) bytes += reader.pendingBytes;
    return bytes;
  }

  /** Revision up to which the cache knows everything; 0 while it is not ready. */
  get revision(): Revision {
    return this.#live?.revision ?? 0;
  }

  /** Waits until the cache is at least as new as storage was when this was called. False: it took too long. */
  async becomeFresh(signal?: AbortSignal): Promise<boolean> {
    return this.waitFor(await this.#gate.current(), signal);
  }

  /** Waits until the cache has reached `revision`. False: not within 3 s, or aborted. */
  waitFor(revision: Revision, signal?: AbortSignal): Promise<boolean> {
    if (this.#live !== undefined && this.#live.revision >= revision) return Promise.resolve(true);
    return this.#waiters.wait(revision, signal);
  }

  get(key: string): T | undefined {
    return this.#live?.state.get(key);
  }

  /** The newest object known of `key`, own writes included: where an optimistic update starts. */
  latest(key: string): T | undefined {
    return this.#own.latest(key) ?? this.#live?.state.get(key);
  }

  /**
   * Carries out a write of this process, so that neither its answer nor its event needs decoding.
   * @param write  `make`: what `value` decodes to at a revision
   * @param commit writes `value` at the key; its failure is the caller's
   */
  write(
    key: string,
    write: { readonly value: Uint8Array; readonly make: (revision: Revision) => T },
    commit: () => Promise<Revision>,
  ): Promise<T> {
    return this.#own.carryOut(key, write, commit);
  }

  /** The newest state; with `sought` at least all of it that this finds. */
  snapshot(sought: Sought = everything): Snapshot<T> | undefined {
    const live = this.#live;
    return live === undefined ? undefined : { revision: live.revision, entries: live.state.select(sought) };
  }

  /** Why the newest state under `scope` cannot be shown, if so (API L-17). */
  unreadable(scope: string): unknown {
    for (const [key, error] of this.#live?.unreadable ?? []) if (key.startsWith(scope)) return error;
    return undefined;
  }

  /** The state at exactly this revision, if it is still in memory; with `sought` as of `snapshot`. */
  snapshotAt(revision: Revision, sought: Sought = everything): Snapshot<T> | undefined {
    const live = this.#live;
    const isReadable = live !== undefined && live.unreadable.size === 0;
    if (isReadable && revision >= live.changedAt && revision <= live.revision) {
      return { revision, entries: live.state.select(sought) };
    }
    return this.#held.get(revision);
  }

  /** Keeps a snapshot for the pages to come. The oldest held one makes room. */
  hold(snapshot: Snapshot<T>): void {
    this.#held.delete(snapshot.revision);
    this.#held.set(snapshot.revision, snapshot);
    if (this.#held.size > limits.maxHeldSnapshots.value) {
      for (const oldest of this.#held.keys()) {
        this.#held.delete(oldest);
        break;
      }
    }
  }

  /**
   * Opens a watch. It ends without an error when the signal aborts or the cache is lost; a position that history does
   * not reach is an ERROR event. Returns `undefined` while the cache is not ready.
   */
  watch(options: CacheWatch<T>): AsyncIterable<readonly CacheWatchEvent<T, F>[]> | undefined {
    const live = this.#live;
    if (live === undefined) return undefined;
    return this.#open(options, live, options.from === "now" ? live.revision : options.after);
  }

  async #follow(onLoaded: () => void): Promise<void> {
    const { backend, prefix, signal, onFailure } = this.#options;
    const { revision, entries, unreadable } = await loadState(this.#options);
    for (const error of unreadable.values()) onFailure?.(error);
    await using watch = backend.watch({ prefix, after: revision, signal });
    this.#own.told(revision);
    this.#live = {
      state: new OrderedState(entries, this.#newIndexes(), ({ json }) => json.length),
      window: new EventWindow(revision),
      watch,
      revision,
      changedAt: revision,
      unreadable,
    };
    onLoaded();
    this.#waiters.reached(revision);
    for await (const item of watch) this.#ingest(this.#live, item);
  }

  #newIndexes(): ItemIndexes<T> | undefined {
    const { encoder, clock } = this.#options;
    return encoder.indexing === undefined ? undefined : new ItemIndexes(encoder.indexing, () => clock.elapsedMs());
  }

  #ingest(live: Live<T>, { revision, events }: StorageWatchItem): void {
    const news = events.flatMap((event) => this.#apply(live, event) ?? []);
    live.revision = Math.max(live.revision, revision);
    this.#own.told(live.revision);
    this.#publish(news);
    this.#waiters.reached(live.revision);
    if (this.#bookmarkDue) this.#sendBookmarks(live.revision);
  }

  #publish(news: readonly CacheEvent<T>[]): void {
    const told = new Set<WatchReader<T, F>>();
    for (const event of news) {
      for (const reader of this.#keepingUp.concerning(event)) if (reader.offer(event)) told.add(reader);
    }
    for (const reader of told) reader.flush();
  }

  #apply(live: Live<T>, event: StorageEvent): CacheEvent<T> | undefined {
    const key = event.key.slice(this.#options.prefix.length);
    live.changedAt = event.revision;
    live.unreadable.delete(key);
    let item: T | undefined;
    try {
      item = event.type === "put" ? this.#decode(key, event.value, event.revision) : undefined;
    } catch (error) {
      this.#quarantine(live, key, event.revision, error);
      return undefined;
    }
    const previous = item === undefined ? live.state.delete(key) : live.state.put(key, item);
    const change = { key, revision: event.revision, item, previous };
    const cacheEvent = new CacheEvent(change, this.#options.encoder, this.#options.clock.elapsedMs());
    live.window.add(cacheEvent);
    return cacheEvent;
  }

  /**
   * One value that is no object must not cost the others their cache: only what would have to show it fails, now and
   * when it is read from history, for the window begins anew behind it (API W-38).
   */
  #quarantine(live: Live<T>, key: string, revision: Revision, error: unknown): void {
    const { describeFailure, onFailure } = this.#options;
    live.state.delete(key);
    live.unreadable.set(key, error);
    live.window = new EventWindow(revision);
    onFailure?.(error);
    for (const reader of [...this.#readers]) reader.failOn(key, describeFailure(error));
  }

  #decode(key: string, value: Uint8Array, revision: Revision): T {
    return this.#own.find(key, value, revision) ?? this.#options.encoder.decode(value, revision);
  }

  #open(options: CacheWatch<T>, live: Live<T>, after: Revision): WatchReader<T, F> {
    const {
      clock,
      describeFailure,
      maxPending = limits.maxPendingEvents.value,
      maxPendingBytes = limits.maxPendingBytes.value,
      onSlowReader,
    } = this.#options;
    const onAbort = (): void => reader.end();
    const cancelLastBookmark =
      options.wantsBookmarks && options.timeoutMs !== undefined
        ? clock.after(Math.max(0, options.timeoutMs - bookmarkBeforeEndMs), () => this.#bookmarkOne(reader))
        : (): void => {};
    const reader = new WatchReader<T, F>({
      scope: options.scope,
      lookups: options.lookups,
      matches: options.matches,
      initial: this.#initialBatches(options, live),
      after,
      wantsBookmarks: options.wantsBookmarks,
      maxPending,
      maxPendingBytes,
      describeFailure,
      source: {
        get revision() {
          return live.revision;
        },
        recent: (revision) => live.window.since(revision),
        history: (revision) => this.#history.page(revision, live.changedAt),
      },
      onKeepsUp: (one, keepsUp) => {
        if (keepsUp) this.#keepingUp.add(one);
        else this.#keepingUp.delete(one);
      },
      onClose: (closed, why) => {
        this.#readers.delete(closed);
        this.#keepingUp.delete(closed);
        cancelLastBookmark();
        options.signal.removeEventListener("abort", onAbort);
        if (why === "slow") onSlowReader?.();
      },
    });
    this.#readers.add(reader);
    options.signal.addEventListener("abort", onAbort);
    if (options.signal.aborted) reader.end();
    return reader;
  }

  /** The state as it is now, whenever it is read. */
  #initialBatches(
    options: CacheWatch<T>,
    { state, revision }: Live<T>,
  ): Iterator<readonly CacheWatchEvent<T, F>[], undefined> {
    if (options.from !== "now" || !options.initialEvents) return [].values();
    const batches = initialEvents(state.select(options), options, this.#options.encoder);
    return options.wantsBookmarks ? followedBy<CacheWatchEvent<T, F>>(batches, endOfInitialEvents(revision)) : batches;
  }

  #lose(): void {
    if (this.#live !== undefined) this.#lostAtMs = this.#options.clock.elapsedMs();
    this.#live = undefined;
    this.#own.lost();
    this.#held.clear();
    this.#history.drop();
    for (const reader of [...this.#readers]) reader.end();
  }

  async #bookmarkRegularly(): Promise<void> {
    const { clock, signal } = this.#options;
    for (;;) {
      await delay(clock, bookmarkPeriodMs, signal);
      if (signal.aborted) return;
      this.#live?.state.tidy();
      this.#requestBookmarks();
    }
  }

  /** Bookmarks wait for the answer: without a write to this resource only storage knows how far time has moved. */
  #requestBookmarks(): void {
    this.#bookmarkDue = true;
    this.#live?.watch.requestProgress();
  }

  #sendBookmarks(revision: Revision): void {
    this.#bookmarkDue = false;
    for (const reader of this.#readers) if (reader.wantsBookmarks) reader.bookmark(revision);
  }

  #bookmarkOne(reader: WatchReader<T, F>): void {
    this.becomeFresh().then(
      () => this.#live !== undefined && this.#readers.has(reader) && reader.bookmark(this.#live.revision),
      (error: unknown) => this.#options.onFailure?.(error),
    );
  }
}

const everything: Sought = { scope: "" };
