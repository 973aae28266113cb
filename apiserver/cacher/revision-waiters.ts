import type { Clock } from "../machinery/clock.ts";
import type { Revision } from "../storage/interface.ts";

/** Longest wait for the cache to reach a revision, in ms; then the caller gives up (API G-03, W-22). */
const timeoutMs = 3000;
/** A request for progress may be lost with the connection it was made on: it is repeated while somebody waits. */
const progressRetryMs = 200;

type Waiter = { readonly revision: Revision; readonly settle: (reached: boolean) => void };

/** Requests that wait until the cache is new enough for them. */
export class RevisionWaiters {
  readonly #clock: Clock;
  readonly #askForProgress: () => void;
  readonly #waiters = new Set<Waiter>();
  #cancelRetry: (() => void) | undefined;

  constructor(clock: Clock, askForProgress: () => void) {
    this.#clock = clock;
    this.#askForProgress = askForProgress;
  }

  /** False: `reached` did not come that far in time, or the signal aborted. */
  wait(revision: Revision, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = (): void => waiter.settle(false);
      const cancelTimeout = this.#clock.after(timeoutMs, giveUp);
      const waiter: Waiter = {
        revision,
        settle: (reached) => {
          this.#waiters.delete(waiter);
          cancelTimeout();
          signal?.removeEventListener("abort", giveUp);
          if (this.#waiters.size === 0) this.#stopAsking();
          resolve(reached);
        },
      };
      signal?.addEventListener("abort", giveUp);
      this.#waiters.add(waiter);
      this.#stopAsking();
      this.#ask();
    });
  }

  reached(revision: Revision): void {
    for (const waiter of [...this.#waiters]) if (waiter.revision <= revision) waiter.settle(true);
  }

  #ask(): void {
    this.#askForProgress();
    this.#cancelRetry = this.#clock.after(progressRetryMs, () => this.#ask());
  }

  #stopAsking(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }
}
