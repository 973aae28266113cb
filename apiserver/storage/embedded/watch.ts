import { limits } from "../../limits.ts";
import type { StorageError } from "../errors.ts";
import type { Revision, StorageEvent, StorageWatch, StorageWatchItem } from "../interface.ts";
import { itemBytes, WatchQueue } from "../watch-queue.ts";

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
  /** Events are told with what was before, which only history knows. */
  readonly previous: boolean;
  readonly readHistory: ReadHistory;
  readonly currentRevision: () => Revision;
  readonly onEnd: (watch: EmbeddedWatch) => void;
};

/** Everything that was written after `from`. */
type Following = { readonly from: Revision; readonly items: StorageWatchItem[]; bytes: number };

/**
 * One reader of the log. One that keeps up is pushed what is written; one that is behind, at its beginning or because it
 * is slow, reads history, a piece whenever it has taken the one before.
 *
 * Invariant: what waits for the reader is bounded, whatever is written meanwhile.
 */
export class EmbeddedWatch implements StorageWatch {
  readonly #options: EmbeddedWatchOptions;
  readonly #queue: WatchQueue;
  /** The reader has taken, or will find in the queue, everything up to here. */
  #queued: Revision;
  #keepsUp: boolean;
  #reading = false;
  /** Written while the last piece of history is read, as far as there is room for it. */
  #following: Following | undefined;
  #progressAsked: Revision = 0;

  constructor(options: EmbeddedWatchOptions) {
    this.#options = options;
    this.#queued = options.after;
    this.#keepsUp = !options.previous && options.after >= options.currentRevision();
    this.#queue = new WatchQueue({ onHungry: () => this.#readOn(), onEnd: () => options.onEnd(this) });
  }

  get waitingBytes(): number {
    return this.#queue.bytes + (this.#following?.bytes ?? 0);
  }

  /** Takes the events of one commit that are under the prefix; `revision` is the last of the commit. */
  push(events: readonly StorageEvent[], revision: Revision): void {
    if (!this.#keepsUp && this.#following === undefined) {
      if (this.#queue.isHungry) this.#readOn();
      return;
    }
    const mine = events.filter((event) => event.key.startsWith(this.#options.prefix));
    const item = { revision, events: mine };
    if (this.#following !== undefined) this.#hold(this.#following, item);
    else if (this.#queue.isFull) this.#keepsUp = false;
    else {
      this.#queued = revision;
      if (mine.length > 0) this.#queue.push(item);
    }
  }

  requestProgress(): void {
    const revision = this.#options.currentRevision();
    if (!this.#keepsUp) {
      this.#progressAsked = revision;
      if (this.#queue.isHungry) this.#readOn();
    }
    // What is still to be taken says as much.
    else if (this.#queue.last?.revision !== revision) this.#queue.push({ revision, events: [] });
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

  #hold(following: Following, item: StorageWatchItem): void {
    following.items.push(item);
    following.bytes += itemBytes(item);
    if (following.bytes >= limits.maxWatchAheadBytes.value) this.#following = undefined;
  }

  #readOn(): void {
    if (this.#keepsUp || this.#reading || this.#queue.ended) return;
    const newest = this.#options.currentRevision();
    if (this.#queued >= newest) {
      this.#keepsUp = !this.#options.previous;
      this.#tellProgress();
      return;
    }
    this.#reading = true;
    const to = Math.min(newest, this.#queued + historyPage);
    if (to === newest && !this.#options.previous) this.#following = { from: to, items: [], bytes: 0 };
    this.#options.readHistory(this.#queued, to).then(
      (read) => this.#take(read),
      (error: StorageError) => this.end(error),
    );
  }

  #take({ to, events }: { readonly events: readonly StorageEvent[]; readonly to: Revision }): void {
    this.#reading = false;
    this.#queued = to;
    if (events.length > 0) this.#queue.push({ revision: to, events });
    const following = this.#following;
    this.#following = undefined;
    // A piece that ended early has a gap behind it.
    if (following?.from === to) {
      this.#keepsUp = true;
      for (const item of following.items) if (item.events.length > 0) this.#queue.push(item);
      this.#queued = following.items.at(-1)?.revision ?? to;
    }
    this.#tellProgress();
    if (this.#queue.isHungry) this.#readOn();
  }

  #tellProgress(): void {
    if (this.#progressAsked === 0 || this.#queued < this.#progressAsked) return;
    this.#progressAsked = 0;
    if ((this.#queue.last?.revision ?? 0) < this.#queued) this.#queue.push({ revision: this.#queued, events: [] });
  }
}
