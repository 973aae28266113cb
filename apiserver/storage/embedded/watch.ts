import type { StorageError } from "../errors.ts";
import type { Revision, StorageEvent, StorageWatch, StorageWatchItem } from "../interface.ts";

/** Revisions looked through per piece of history: bounds what is in memory and how long the disk thread is busy. */
const historyPage = 1000;

/** Events under the watch's prefix with `after` < revision <= `to`. */
export type ReadHistory = (after: Revision, to: Revision) => Promise<readonly StorageEvent[]>;

type Waiter = {
  readonly resolve: (result: IteratorResult<StorageWatchItem, undefined>) => void;
  readonly reject: (error: StorageError) => void;
};

export type EmbeddedWatchOptions = {
  readonly prefix: string;
  readonly after: Revision;
  /** The store's revision when the watch began: later writes are pushed, earlier ones are read from history. */
  readonly startedAt: Revision;
  readonly readHistory: ReadHistory;
  readonly currentRevision: () => Revision;
  readonly onClose: (watch: EmbeddedWatch) => void;
};

/**
 * One reader of the log: first the history up to where it began, then what is pushed.
 *
 * Invariant: a pushed item resolves a waiting `next()` at once, with no promise in between.
 */
export class EmbeddedWatch implements StorageWatch, AsyncIterator<StorageWatchItem, undefined> {
  readonly #prefix: string;
  readonly #startedAt: Revision;
  readonly #readHistory: ReadHistory;
  readonly #currentRevision: () => Revision;
  readonly #onClose: (watch: EmbeddedWatch) => void;
  #historyRead: Revision;
  #history: StorageWatchItem | undefined;
  #pushed: StorageWatchItem[] = [];
  #waiters: Waiter[] = [];
  #reading = false;
  #end: { readonly error: StorageError | undefined } | undefined;

  constructor(options: EmbeddedWatchOptions) {
    this.#prefix = options.prefix;
    this.#startedAt = options.startedAt;
    this.#readHistory = options.readHistory;
    this.#currentRevision = options.currentRevision;
    this.#onClose = options.onClose;
    this.#historyRead = options.after;
  }

  /** Takes the events of one commit that are under the prefix; `revision` is the last of the commit. */
  push(events: readonly StorageEvent[], revision: Revision): void {
    const mine = events.filter((event) => event.key.startsWith(this.#prefix));
    if (mine.length > 0) this.#deliver({ revision, events: mine });
  }

  requestProgress(): void {
    const revision = this.#currentRevision();
    // What is still to be read says as much.
    if (this.#pushed.at(-1)?.revision !== revision) this.#deliver({ revision, events: [] });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<StorageWatchItem, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<StorageWatchItem, undefined>> {
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(undefined);
  }

  /** Ends the iteration: after what was pushed when there is an error, at once when the reader wants no more. */
  end(error: StorageError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    // Without the history before it, what was pushed would have a gap in front.
    if (error === undefined || this.#historyRead < this.#startedAt) this.#pushed = [];
    this.#onClose(this);
    this.#serve();
  }

  #deliver(item: StorageWatchItem): void {
    if (this.#end !== undefined) return;
    this.#pushed.push(item);
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const item = this.#nextItem();
      if (item === undefined && this.#end === undefined) return;
      const waiter = this.#waiters.shift();
      if (item !== undefined) waiter?.resolve({ done: false, value: item });
      else if (this.#end?.error !== undefined) waiter?.reject(this.#end.error);
      else waiter?.resolve({ done: true, value: undefined });
    }
  }

  #nextItem(): StorageWatchItem | undefined {
    const history = this.#history;
    this.#history = undefined;
    if (history !== undefined || this.#end !== undefined) return history ?? this.#pushed.shift();
    if (this.#historyRead >= this.#startedAt) return this.#pushed.shift();
    if (!this.#reading) this.#readNextPage();
    return undefined;
  }

  #readNextPage(): void {
    this.#reading = true;
    const to = Math.min(this.#startedAt, this.#historyRead + historyPage);
    this.#readHistory(this.#historyRead, to).then(
      (events) => {
        this.#reading = false;
        if (this.#end !== undefined) return;
        this.#historyRead = to;
        if (events.length > 0) this.#history = { revision: to, events };
        this.#serve();
      },
      (error: StorageError) => this.end(error),
    );
  }
}
