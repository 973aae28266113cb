/**
 * Makes a server slow that is started with it (`NODE_OPTIONS=--import=…/slowed.ts`): each request costs it as much CPU more
 * as `BENCH_SLOWED_MS` says. By this the gate is shown to fail.
 */
import { subscribe } from "node:diagnostics_channel";

const ms = Number(process.env.BENCH_SLOWED_MS);

/** Work that is not optimized away. */
function work(rounds: number): number {
  let hash = 1;
  for (let round = 0; round < rounds; round++) hash = Math.imul(hash ^ round, 0x0100_0193);
  return hash;
}

/** The fastest of some, as others may have the processor meanwhile; the clock of one's own time is too coarse. */
function roundsPerMs(): number {
  const rounds = 1_000_000;
  const took = Array.from({ length: 10 }, () => {
    const begun = performance.now();
    work(rounds);
    return performance.now() - begun;
  });
  return rounds / Math.min(...took);
}

if (ms > 0) {
  const rounds = Math.ceil(ms * roundsPerMs());
  subscribe("http.server.request.start", () => void work(rounds));
}

/** The environment of such a server. */
export const slowedBy = (more: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${import.meta.url}`,
  BENCH_SLOWED_MS: String(more),
});
