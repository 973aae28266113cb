/** How long to wait after the n-th failure in a row, in ms. */
export type BackOff = { readonly baseMs: number; readonly maxMs: number };

/** `baseMs`, doubled per earlier failure, at most `maxMs`. */
export const backOffMs = ({ baseMs, maxMs }: BackOff, earlierFailures: number): number =>
  // Beyond 2^40 every base is over every maximum.
  Math.min(baseMs * 2 ** Math.min(earlierFailures, 40), maxMs);

/** Up to twice as long, so that those who failed together don't come back together. `random` is in [0, 1). */
export const withJitter = (delayMs: number, random: () => number): number => delayMs * (1 + random());
