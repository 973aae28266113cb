import type { Revision } from "../storage/interface.ts";
import type { CacheEvent } from "./cache-event.ts";
import type { CacheWatchEvent, Encoded } from "./encoder.ts";

type Batch<T, F> = readonly CacheWatchEvent<T, F>[];
type Waiting<T, F> = (result: IteratorResult<Batch<T, F>, undefined>) => void;

export type ReaderOptions<T extends Encoded, F> = {
  /** As `Wanted` has it. */
  readonly scope: string;
  readonly matches: (item: T) => boolean;
  /** Events up to this revision are not wanted. */
  readonly after: Revision;
  readonly wantsBookmarks: boolean;
  /** Most events that may wait for the reader, and most bytes of them. */
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  /** Called once, when the reader will get nothing more. */
  readonly onClose: (reader: WatchReader<T, F>, why: "done" | "slow") => void;
};

const ended = { done: true, value: undefined } as const;

/**
 * One open watch: a bounded queue that the cache fills and one consumer empties.
 *
 * Invariant: `offer` never waits. When the queue is full the reader is closed: its client lists and watches again.
 */
export class WatchReader<T extends Encoded, F> implements AsyncIterableIterator<Batch<T, F>, undefined> {
  readonly wantsBookmarks: boolean;
  readonly scope: string;
  readonly #options: ReaderOptions<T, F>;
  #pending: CacheWatchEvent<T, F>[] = [];
  /** Events pushed since the consumer last took the queue. */
  #backlog = 0;
  #backlogBytes = 0;
  #waiting: Waiting<T, F> | undefined;
  #closed = false;

  constructor(options: ReaderOptions<T, F>) {
    this.#options = options;
    this.wantsBookmarks = options.wantsBookmarks;
    this.scope = options.scope;
  }

  /** Queues the event if it concerns this reader, and returns whether it does; `flush` hands it over. */
  offer(event: CacheEvent<T>): boolean {
    if (event.revision <= this.#options.after || !event.key.startsWith(this.scope)) return false;
    const seen = event.seenBy(this.#options.matches);
    if (seen !== undefined) this.#push(seen);
    return seen !== undefined;
  }

  /** Queues what was prepared for this reader alone, its initial objects for example; not counted as a backlog. */
  prime(events: readonly CacheWatchEvent<T, F>[]): void {
    this.#pending = this.#pending.length === 0 ? [...events] : this.#pending.concat(events);
  }

  /** Tells that every event up to `revision` was delivered. */
  bookmark(revision: Revision): void {
    if (revision < this.#options.after) return;
    this.#push({
      type: "BOOKMARK",
      resourceVersion: String(revision),
      initialEventsEnd: false,
    });
    this.flush();
  }

  flush(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#pending.length === 0) return;
    this.#waiting = undefined;
    waiting({ done: false, value: this.#take() });
  }

  /** Ends the watch with an ERROR event if it would have to show `key`. */
  failOn(key: string, status: F): void {
    if (!key.startsWith(this.#options.scope)) return;
    this.prime([{ type: "ERROR", status }]);
    this.end();
  }

  /** What is queued is still delivered; nothing is added. */
  end(): void {
    this.#close("done");
  }

  next(): Promise<IteratorResult<Batch<T, F>, undefined>> {
    if (this.#pending.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#closed) return Promise.resolve(ended);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<Batch<T, F>, undefined>> {
    this.#pending = [];
    this.#close("done");
    return Promise.resolve(ended);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #push(event: CacheWatchEvent<T, F>): void {
    if (this.#closed) return;
    const { maxPending, maxPendingBytes } = this.#options;
    if (this.#backlog >= maxPending || this.#backlogBytes >= maxPendingBytes) {
      this.#pending = [];
      this.#close("slow");
      return;
    }
    this.#backlog++;
    if ("frame" in event) this.#backlogBytes += event.frame.length;
    this.#pending.push(event);
  }

  #take(): Batch<T, F> {
    const batch = this.#pending;
    this.#pending = [];
    this.#backlog = 0;
    this.#backlogBytes = 0;
    return batch;
  }

  #close(why: "done" | "slow"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose(this, why);
    this.flush();
    this.#waiting?.(ended);
    this.#waiting = undefined;
  }
}
