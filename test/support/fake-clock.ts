import type { Clock } from "../../apiserver/machinery/clock.ts";

type Timer = { readonly dueMs: number; readonly callback: () => void };

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  /** Of the epoch, when nothing had elapsed. */
  #startMs: number;
  #elapsedMs = 0;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#startMs = nowMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Somebody sets the machine's clock: no time passes. */
  set(nowMs: number): void {
    this.#startMs = nowMs - this.#elapsedMs;
  }

  /** Timers not yet due or cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets everything settle, then fires what becomes due, in order, with everything that follows from it. */
  async advance(ms: number): Promise<void> {
    await settle();
    const until = this.#elapsedMs + ms;
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.callback();
      await settle();
    }
    this.#elapsedMs = until;
    await settle();
  }

  #next(until: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= until && (earliest === undefined || timer.dueMs < earliest.dueMs)) earliest = timer;
    }
    return earliest;
  }
}

/** Turns of the event loop that no chain of promises in these tests outlives. */
const turns = 30;

/** Lets everything that needs no time happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
