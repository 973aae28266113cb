/** How long clients wait for a server, on a machine that does other work besides. */
import { loopCpuMs, starvedMs } from "./loop-cpu.ts";

/**
 * By the clock, and without the time for which the machine had no CPU for those who had something to do; in ms. What the
 * server's event loop computed meanwhile is never left out.
 */
export type Wait = { readonly wallMs: number; readonly ms: number };

/**
 * Starts to measure.
 * @param server  its process
 * @param others  processes that take turns with it to work on the answer: whoever measures, where much else is going on
 * @returns what tells how long it took
 */
export function stopwatch(server: number, ...others: readonly number[]): () => Wait {
  const starved = (): number => [server, ...others].reduce((sum, pid) => sum + starvedMs(pid), 0);
  const [startedMs, starvedBefore, cpuBefore] = [performance.now(), starved(), loopCpuMs(server)];
  return () => {
    const wallMs = performance.now() - startedMs;
    const waitedMs = wallMs - (starved() - starvedBefore);
    return { wallMs, ms: Math.max(waitedMs, loopCpuMs(server) - cpuBefore) };
  };
}

/** The wait that one in a hundred exceeds. */
export function p99(waits: readonly Wait[], of: keyof Wait): number {
  const sorted = waits.map((wait) => wait[of]).sort((a, b) => a - b);
  return sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY;
}
