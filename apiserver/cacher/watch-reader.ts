import type { Status } from "../apis/meta/v1.ts";
import type { Revision } from "../storage/interface.ts";
import type { CacheEvent } from "./cache-event.ts";
import type { CachedObject, RestWatchEvent } from "./object-codec.ts";

type Batch = readonly RestWatchEvent[];
type Waiting = (result: IteratorResult<Batch, undefined>) => void;

export type ReaderOptions = {
  /** Keys that start with this are wanted. */
  readonly scope: string;
  readonly matches: (item: CachedObject) => boolean;
  /** Events up to this revision are not wanted. */
  readonly after: Revision;
  readonly wantsBookmarks: boolean;
  /** Most events that may wait for the reader, and most bytes of them. */
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  /** Called once, when the reader will get nothing more. */
  readonly onClose: (reader: WatchReader, why: "done" | "slow") => void;
};

const ended = { done: true, value: undefined } as const;

/**
 * One open watch: a bounded queue that the cache fills and one consumer empties.
 *
 * Invariant: `offer` never waits. When the queue is full the reader is closed: its client lists and watches again.
 */
export class WatchReader implements AsyncIterableIterator<Batch, undefined> {
  readonly wantsBookmarks: boolean;
  readonly #options: ReaderOptions;
  #pending: RestWatchEvent[] = [];
  /** Events pushed since the consumer last took the queue. */
  #backlog = 0;
  #backlogBytes = 0;
  #waiting: Waiting | undefined;
  #closed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.wantsBookmarks = options.wantsBookmarks;
  }

  /** Queues the event if it concerns this reader; `flush` hands it over. */
  offer(event: CacheEvent): void {
    if (event.revision <= this.#options.after || !event.key.startsWith(this.#options.scope)) return;
    const seen = event.seenBy(this.#options.matches);
    if (seen !== undefined) this.#push(seen);
  }

  /** Queues what was prepared for this reader alone, its initial objects for example; not counted as a backlog. */
  prime(events: readonly RestWatchEvent[]): void {
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
  failOn(key: string, status: Status): void {
    if (!key.startsWith(this.#options.scope)) return;
    this.prime([{ type: "ERROR", status }]);
    this.end();
  }

  /** What is queued is still delivered; nothing is added. */
  end(): void {
    this.#close("done");
  }

  next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#pending.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#closed) return Promise.resolve(ended);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<Batch, undefined>> {
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

  #push(event: RestWatchEvent): void {
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

  #take(): Batch {
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
