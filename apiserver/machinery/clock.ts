/** Time as everything sees it that waits or stamps, so that tests can turn the hands themselves. */
export interface Clock {
  /** Milliseconds since the epoch: for what is told to others. It jumps when somebody sets the machine's clock. */
  now(): number;
  /** Milliseconds since some moment, which pass evenly whatever is done to the machine's clock: for how long things take. */
  elapsedMs(): number;
  /** Calls `callback` once, `delayMs` from now; the function returned cancels that. Never keeps the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Longest delay a Node timer takes, in ms; a longer one would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

function startTimer(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(Math.max(delayMs, 0), maxTimerMs));
}

export const systemClock: Clock = {
  now: Date.now,
  elapsedMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = startTimer(delayMs, callback).unref();
    return () => clearTimeout(timer);
  },
};

/** As `systemClock`, for what is waited for while nothing else is under way: its timers keep the process alive. */
export const wakefulClock: Clock = {
  ...systemClock,
  after(delayMs, callback) {
    const timer = startTimer(delayMs, callback);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or as soon as `signal` aborts: the caller looks at the signal anyway. */
export function delay(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}

/** Waits; replaced in tests. Rejects with the signal's reason when aborted. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const sleep: Sleep = async (ms, signal = neverAborted) => {
  await delay(wakefulClock, ms, signal);
  signal.throwIfAborted();
};
const neverAborted = new AbortController().signal;

/** How long to wait after the n-th failure in a row, in ms. */
export type BackOff = { readonly baseMs: number; readonly maxMs: number };

/** `baseMs`, doubled per earlier failure, at most `maxMs`. */
export const backOffMs = ({ baseMs, maxMs }: BackOff, earlierFailures: number): number =>
  // Beyond 2^40 every base is over every maximum.
  Math.min(baseMs * 2 ** Math.min(earlierFailures, 40), maxMs);

/** Up to twice as long, so that those who failed together don't come back together. `random` is in [0, 1). */
export const withJitter = (delayMs: number, random: () => number): number => delayMs * (1 + random());
