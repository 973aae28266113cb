import type { StorageError } from "../errors.ts";
import type { Revision, StorageEvent, StorageWatch, StorageWatchItem } from "../interface.ts";
import { WatchQueue } from "../watch-queue.ts";

/** Revisions looked through per piece of history: bounds what is in memory and how long the disk thread is busy. */
const historyPage = 1000;

/** Events under the watch's prefix with `after` < revision <= `to`, or up to an earlier `to` that comes with them. */
export type ReadHistory = (
  after: Revision,
  to: Revision,
) => Promise<{ readonly events: readonly StorageEvent[]; readonly to: Revision }>;

export type EmbeddedWatchOptions = {
  readonly prefix: string;
  readonly after: Revision;
  /** The store's revision when the watch began: later writes are pushed, earlier ones are read from history. */
  readonly startedAt: Revision;
  readonly readHistory: ReadHistory;
  readonly currentRevision: () => Revision;
  readonly onEnd: (watch: EmbeddedWatch) => void;
};

/** One reader of the log: first the history up to where it began, as fast as it is taken; then what is pushed. */
export class EmbeddedWatch implements StorageWatch {
  readonly #options: EmbeddedWatchOptions;
  readonly #queue: WatchQueue;
  /** Pushed while there is history to read before it. */
  #held: StorageWatchItem[] | undefined;
  #historyRead: Revision;
  #reading = false;

  constructor(options: EmbeddedWatchOptions) {
    this.#options = options;
    this.#historyRead = options.after;
    this.#held = options.after < options.startedAt ? [] : undefined;
    this.#queue = new WatchQueue({ onHungry: () => this.#readOn(), onEnd: () => options.onEnd(this) });
  }

  /** Takes the events of one commit that are under the prefix; `revision` is the last of the commit. */
  push(events: readonly StorageEvent[], revision: Revision): void {
    const mine = events.filter((event) => event.key.startsWith(this.#options.prefix));
    if (mine.length > 0) this.#deliver({ revision, events: mine });
  }

  requestProgress(): void {
    const revision = this.#options.currentRevision();
    const waiting = this.#held?.at(-1) ?? this.#queue.last;
    // What is still to be taken says as much.
    if (waiting?.revision !== revision) this.#deliver({ revision, events: [] });
  }

  end(error: StorageError | undefined): void {
    this.#queue.end(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<StorageWatchItem, undefined> {
    return this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(undefined);
  }

  #deliver(item: StorageWatchItem): void {
    if (this.#held === undefined) this.#queue.push(item);
    else this.#held.push(item);
  }

  #readOn(): void {
    if (this.#held === undefined || this.#reading || this.#queue.ended) return;
    this.#reading = true;
    const to = Math.min(this.#options.startedAt, this.#historyRead + historyPage);
    this.#options.readHistory(this.#historyRead, to).then(
      (read) => this.#takeHistory(read.to, read.events),
      (error: StorageError) => this.end(error),
    );
  }

  #takeHistory(to: Revision, events: readonly StorageEvent[]): void {
    this.#reading = false;
    this.#historyRead = to;
    if (events.length > 0) this.#queue.push({ revision: to, events });
    if (to === this.#options.startedAt) {
      const held = this.#held ?? [];
      this.#held = undefined;
      this.#queue.push(...held);
    } else if (events.length === 0) {
      this.#readOn();
    }
  }
}
