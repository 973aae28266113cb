import { limits } from "../limits.ts";
import type { StorageError } from "./errors.ts";
import type { StorageWatchItem } from "./interface.ts";

type Waiter = {
  readonly resolve: (result: IteratorResult<StorageWatchItem, undefined>) => void;
  readonly reject: (error: StorageError) => void;
};

/** What an event without a value takes, in bytes, about. */
const eventBytes = 200;

/**
 * What a watch's reader has yet to see.
 *
 * Invariant: a pushed item resolves a waiting `next()` at once, with no promise in between.
 * Invariant: whoever pushes stops when the queue is full, until `onHungry`.
 */
export class WatchQueue implements AsyncIterator<StorageWatchItem, undefined> {
  readonly #items: StorageWatchItem[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #onHungry: () => void;
  readonly #onEnd: () => void;
  #bytes = 0;
  #end: { readonly error: StorageError | undefined } | undefined;

  /**
   * @param hooks `onHungry` is called when the reader waits for more than there is, `onEnd` once
   */
  constructor(hooks: { readonly onHungry?: () => void; readonly onEnd: () => void }) {
    this.#onHungry = hooks.onHungry ?? (() => {});
    this.#onEnd = hooks.onEnd;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** The newest item the reader has not taken. */
  get last(): StorageWatchItem | undefined {
    return this.#items.at(-1);
  }

  /** The reader waits for what comes. */
  get isHungry(): boolean {
    return this.#waiters.length > 0;
  }

  /** Of all that waits for the reader. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= limits.maxWatchAheadBytes.value;
  }

  push(item: StorageWatchItem): void {
    if (this.#end !== undefined) return;
    // What only said how far the store is, the next says too.
    if (this.last?.events.length === 0) this.#bytes -= itemBytes(this.#items.pop());
    this.#items.push(item);
    this.#bytes += itemBytes(item);
    this.#serve();
  }

  next(): Promise<IteratorResult<StorageWatchItem, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
      if (this.#waiters.length > 0) this.#onHungry();
    });
  }

  return(): Promise<IteratorResult<StorageWatchItem, undefined>> {
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the iteration: after what was pushed when there is an error, at once when the reader wants no more. */
  end(error: StorageError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (error === undefined) this.#items.length = 0;
    this.#onEnd();
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const item = this.#items.shift();
      if (item === undefined && this.#end === undefined) return;
      const waiter = this.#waiters.shift();
      this.#bytes -= itemBytes(item);
      if (item !== undefined) waiter?.resolve({ done: false, value: item });
      else if (this.#end?.error !== undefined) waiter?.reject(this.#end.error);
      else waiter?.resolve({ done: true, value: undefined });
    }
  }
}

export function itemBytes(item: StorageWatchItem | undefined): number {
  let bytes = item === undefined ? 0 : eventBytes;
  for (const event of item?.events ?? []) {
    bytes += eventBytes + (event.type === "put" ? event.value.length : 0) + (event.previous?.value.length ?? 0);
  }
  return bytes;
}
