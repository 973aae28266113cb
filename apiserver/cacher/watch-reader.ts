import type { Revision } from "../storage/interface.ts";
import type { CacheEvent, SeenChange } from "./cache-event.ts";
import type { CacheWatchEvent, Encoded } from "./encoder.ts";
import type { Lookup } from "./item-indexes.ts";
import { type HistoryPage, type PastEvent, UnreadableEvent } from "./shared-history.ts";
import { batchBytes, batchEvents } from "./views.ts";

type Batch<T, F> = readonly CacheWatchEvent<T, F>[];
type Waiting<T, F> = (result: IteratorResult<Batch<T, F>, undefined>) => void;

/** Where a reader that is behind finds what it has yet to see. */
export interface ReaderSource<T extends Encoded> {
  /** Everything up to here was told. */
  readonly revision: Revision;
  /** Recent events after `revision`; `undefined` when they don't go back so far. */
  recent(revision: Revision): readonly CacheEvent<T>[] | undefined;
  history(after: Revision): Promise<HistoryPage<T>>;
}

export type ReaderOptions<T extends Encoded, F> = {
  /** As `Wanted` has them. */
  readonly scope: string;
  readonly lookups?: readonly Lookup[] | undefined;
  readonly matches: (item: T, key: string) => boolean;
  /** Shown first: the state at `after`. */
  readonly initial: Iterator<Batch<T, F>, undefined>;
  /** Events up to this revision are not wanted. */
  readonly after: Revision;
  readonly wantsBookmarks: boolean;
  /** Most events that may wait for the reader while it keeps up, and most bytes of them. */
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly source: ReaderSource<T>;
  readonly describeFailure: (error: unknown) => F;
  /** The reader has seen all there is: from now on it is offered what happens; or not any more. */
  readonly onKeepsUp: (reader: WatchReader<T, F>, keepsUp: boolean) => void;
  /** Called once, when the reader will get nothing more; `slow`: it was parked. */
  readonly onClose: (reader: WatchReader<T, F>, why: "done" | "slow") => void;
};

const ended = { done: true, value: undefined } as const;

/**
 * One open watch. A reader that keeps up is offered what happens. One that is behind, at its beginning or because it is
 * slow, is only a place in history: it is *parked*, costs nothing, and is shown the next piece when it asks for it.
 *
 * Invariant: `offer` never waits, and what waits for a reader is bounded.
 * Invariant: a reader sees each event once, in order, whether it was offered, recent, or in history.
 */
export class WatchReader<T extends Encoded, F> implements AsyncIterableIterator<Batch<T, F>, undefined> {
  readonly wantsBookmarks: boolean;
  readonly scope: string;
  /** By which it is found, beside its scope. */
  readonly lookup: Lookup | undefined;
  readonly #options: ReaderOptions<T, F>;
  #initial: Iterator<Batch<T, F>, undefined> | undefined;
  /** Everything up to here was taken, or is not wanted: where the reader goes on when it was parked. */
  #position: Revision;
  /** Everything up to here was taken, is pending, or is not wanted. */
  #pendingTo: Revision;
  #keepsUp = false;
  #isReading = false;
  /** It was too slow, and has not come up since. */
  #isParked = false;
  #owesBookmark = false;
  #pending: CacheWatchEvent<T, F>[] = [];
  #pendingBytes = 0;
  #waiting: Waiting<T, F> | undefined;
  #closed = false;

  constructor(options: ReaderOptions<T, F>) {
    this.#options = options;
    this.#initial = options.initial;
    this.#position = options.after;
    this.#pendingTo = options.after;
    this.wantsBookmarks = options.wantsBookmarks;
    this.scope = options.scope;
    this.lookup = options.lookups?.[0];
  }

  /** Bytes of frames that wait for the reader alone. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Queues the event if it concerns this reader, and returns whether it does; `flush` hands it over. */
  offer(event: CacheEvent<T>): boolean {
    const { matches, maxPending, maxPendingBytes } = this.#options;
    if (!this.#keepsUp || event.revision <= this.#pendingTo || !event.key.startsWith(this.scope)) return false;
    const seen = event.seenBy(matches);
    if (seen === undefined) return false;
    if (this.#pending.length >= maxPending || this.#pendingBytes >= maxPendingBytes) {
      this.#park();
      return false;
    }
    // What came before it was taken, or did not concern this reader.
    if (this.#pending.length === 0) this.#position = event.revision - 1;
    this.#add(event, seen);
    return true;
  }

  /** Tells that every event up to `revision` was delivered, as soon as it was. */
  bookmark(revision: Revision): void {
    if (this.#closed || revision < this.#pendingTo) return;
    if (!this.#keepsUp) {
      this.#owesBookmark = true;
      return;
    }
    if (this.#pending.at(-1)?.type === "BOOKMARK") this.#pending.pop();
    this.#pending.push({ type: "BOOKMARK", resourceVersion: String(revision), initialEventsEnd: false });
    this.flush();
  }

  flush(): void {
    // More may have happened at once than may wait.
    if (this.#waiting !== undefined && !this.#keepsUp && !this.#closed) this.#catchUp();
    const waiting = this.#waiting;
    if (waiting === undefined || this.#pending.length === 0) return;
    this.#waiting = undefined;
    waiting({ done: false, value: this.#take() });
  }

  /** Ends the watch with an ERROR event if it would have to show `key`, which cannot be. */
  failOn(key: string, status: F): void {
    if (this.#keepsUp && key.startsWith(this.scope)) this.#fail(status);
  }

  /** What is queued is still delivered; nothing is added. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose(this, this.#isParked ? "slow" : "done");
    this.flush();
    this.#waiting?.(ended);
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<Batch<T, F>, undefined>> {
    if (!this.#closed && !this.#keepsUp) this.#catchUp();
    if (this.#pending.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#closed) return Promise.resolve(ended);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<Batch<T, F>, undefined>> {
    this.#pending = [];
    this.end();
    return Promise.resolve(ended);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Goes on until there is something to show, all was shown, or history has to be read. */
  #catchUp(): void {
    const { source } = this.#options;
    while (!this.#closed && !this.#keepsUp && !this.#isReading && this.#pending.length === 0) {
      if (this.#initial !== undefined) {
        this.#showInitial(this.#initial);
        continue;
      }
      const recent = source.recent(this.#position);
      if (recent === undefined) {
        this.#readHistory();
        return;
      }
      if (this.#show(recent, source.revision)) this.#keepUp();
    }
  }

  #showInitial(initial: Iterator<Batch<T, F>, undefined>): void {
    const { value, done } = initial.next();
    if (done === true) this.#initial = undefined;
    else this.#pending = [...value];
  }

  #readHistory(): void {
    const { source, describeFailure } = this.#options;
    this.#isReading = true;
    source.history(this.#position).then(
      ({ events, to }) => {
        this.#isReading = false;
        if (this.#closed) return;
        this.#show(eventsAfter(events, this.#position), to);
        this.flush();
      },
      (error: unknown) => {
        // Who was too slow is closed without a word (API W-42), and told when it comes back.
        if (this.#isParked) this.end();
        else if (!this.#closed) this.#fail(describeFailure(error));
      },
    );
  }

  /** Shows a batch of the events, behind which there is nothing up to `to`; returns whether that was all. */
  #show(events: readonly PastEvent<T>[], to: Revision): boolean {
    const { matches, describeFailure } = this.#options;
    for (const event of events) {
      if (this.#pending.length >= batchEvents || this.#pendingBytes >= batchBytes) return false;
      if (!event.key.startsWith(this.scope)) continue;
      if (event instanceof UnreadableEvent) {
        this.#fail(describeFailure(event.error));
        return false;
      }
      const seen = event.seenBy(matches);
      if (seen !== undefined) this.#add(event, seen);
    }
    this.#pendingTo = Math.max(this.#pendingTo, to);
    if (this.#pending.length === 0) this.#position = this.#pendingTo;
    return true;
  }

  #add({ revision }: CacheEvent<T>, seen: SeenChange<T>): void {
    this.#pending.push(seen);
    this.#pendingBytes += seen.frame.length;
    this.#pendingTo = revision;
  }

  #keepUp(): void {
    this.#keepsUp = true;
    this.#isParked = false;
    this.#options.onKeepsUp(this, true);
    if (!this.#owesBookmark) return;
    this.#owesBookmark = false;
    this.bookmark(this.#pendingTo);
  }

  /** What waits is left to the recent events, and to history. */
  #park(): void {
    this.#owesBookmark ||= this.#pending.some(({ type }) => type === "BOOKMARK");
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#pendingTo = this.#position;
    this.#keepsUp = false;
    this.#isParked = true;
    this.#options.onKeepsUp(this, false);
  }

  #fail(status: F): void {
    this.#pending.push({ type: "ERROR", status });
    this.end();
  }

  #take(): Batch<T, F> {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#position = this.#pendingTo;
    return batch;
  }
}

function eventsAfter<T extends Encoded>(events: readonly PastEvent<T>[], revision: Revision): readonly PastEvent<T>[] {
  const first = events.findIndex((event) => event.revision > revision);
  return first === -1 ? [] : events.slice(first);
}
