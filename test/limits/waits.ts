/** How long clients wait for a server, on a machine that does other work besides. */
import { loopTimes } from "./loop-cpu.ts";

/** By the clock, and without the time for which the machine had no CPU for those who had something to do; in ms. */
export type Wait = { readonly wallMs: number; readonly ms: number };

/**
 * Starts to measure.
 * @param pids  of those who take turns to work on it: the server, and whoever measures where much else is going on
 * @returns what tells how long it took
 */
export function stopwatch(...pids: readonly number[]): () => Wait {
  const starved = (): number => pids.reduce((sum, pid) => sum + loopTimes(pid).starvedMs, 0);
  const [startedMs, starvedMs] = [performance.now(), starved()];
  return () => {
    const wallMs = performance.now() - startedMs;
    return { wallMs, ms: Math.max(0, wallMs - (starved() - starvedMs)) };
  };
}

/** The wait that one in a hundred exceeds. */
export function p99(waits: readonly Wait[], of: keyof Wait): number {
  const sorted = waits.map((wait) => wait[of]).sort((a, b) => a - b);
  return sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY;
}
