/**
 * Work queue: which keys need work, each at most once, as client-go's `workqueue` does it.
 *
 * Invariant: no two workers hold the same key. A key added while it is held is handed out again after `done`.
 * Invariant: keys come out in the order they became ready.
 */

import { type BackOff, backOffMs, type Clock } from "../../apiserver/machinery/clock.ts";

/** Delay of a key after its n-th failure in a row. client-go's per-item default: most failures are lost races. */
const retry: BackOff = { baseMs: 5, maxMs: 1_000_000 };

/** Where a queue reports; the names are those of client-go's `workqueue_*` metrics. */
export type WorkQueueMetrics = {
  readonly depth: (keys: number) => void;
  readonly add: () => void;
  readonly queueDurationMs: (ms: number) => void;
  readonly workDurationMs: (ms: number) => void;
  readonly retry: () => void;
};

export const noMetrics: WorkQueueMetrics = {
  depth: () => {},
  add: () => {},
  queueDurationMs: () => {},
  workDurationMs: () => {},
  retry: () => {},
};

type Waiting = { readonly dueMs: number; readonly cancel: () => void };

export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: WorkQueueMetrics;
  /** Taken from `#head` on; what lies before it has been handed out. */
  #ready: string[] = [];
  #head = 0;
  /** Keys that need work, with the time they became ready: those in `#ready`, and held ones added again. */
  readonly #dirty = new Map<string, number>();
  readonly #held = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #shutDown = false;

  constructor(clock: Clock, metrics: WorkQueueMetrics = noMetrics) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Keys ready to be handed out. */
  get length(): number {
    return this.#ready.length - this.#head;
  }

  /** Nothing is ready and nothing is held; keys may still be waiting for their time. */
  get idle(): boolean {
    return this.#dirty.size === 0 && this.#held.size === 0;
  }

  add(key: string): void {
    if (this.#shutDown || this.#dirty.has(key)) return;
    this.#metrics.add();
    this.#dirty.set(key, this.#clock.elapsedMs());
    if (!this.#held.has(key)) this.#offer(key);
  }

  /** Of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#shutDown) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.elapsedMs() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    waiting?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.#waiting.delete(key);
      this.add(key);
    });
    this.#waiting.set(key, { dueMs, cancel });
  }

  /** Adds the key after a delay that doubles until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retry();
    this.addAfter(key, backOffMs(retry, failures));
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, now held by the caller until `done`; `undefined` once the queue is shut down and empty. */
  next(): Promise<string | undefined> {
    const key = this.#ready[this.#head];
    if (key !== undefined) {
      this.#advance();
      return Promise.resolve(this.#hold(key));
    }
    if (this.#shutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    const since = this.#held.get(key);
    if (since === undefined) return;
    this.#held.delete(key);
    this.#metrics.workDurationMs(this.#clock.elapsedMs() - since);
    if (this.#dirty.has(key)) this.#offer(key);
  }

  /** No key is accepted any more; what is ready is still handed out unless `discard` says otherwise. */
  shutDown({ discard }: { discard: boolean }): void {
    this.#shutDown = true;
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
    if (discard) {
      this.#ready = [];
      this.#head = 0;
      this.#dirty.clear();
    }
    for (const take of this.#takers.splice(0)) take(undefined);
  }

  #offer(key: string): void {
    const take = this.#takers.shift();
    if (take !== undefined) {
      take(this.#hold(key));
      return;
    }
    this.#ready.push(key);
    this.#metrics.depth(this.length);
  }

  #hold(key: string): string {
    const now = this.#clock.elapsedMs();
    this.#metrics.queueDurationMs(now - (this.#dirty.get(key) ?? now));
    this.#dirty.delete(key);
    this.#held.set(key, now);
    return key;
  }

  /** Gives back the space of what was taken once it is half of all, so that taking is cheap at any length. */
  #advance(): void {
    this.#head += 1;
    if (this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    this.#metrics.depth(this.length);
  }
}
