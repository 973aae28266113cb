import { StatusError } from "../errors/status-error.ts";
import type { Sleep } from "../machinery/clock.ts";

export type Backoff = { readonly attempts: number; readonly firstDelayMs: number; readonly factor: number };

/** What the generic server library uses for delegated reviews (API A-11, Z-10): 500 ms, growing by half, five tries. */
export const reviewBackoff: Backoff = { attempts: 5, firstDelayMs: 500, factor: 1.5 };

const transientCodes: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
/** Whether asking again may help: overload, timeouts and network failures, never a refusal. */
export const isTransient = (error: unknown): boolean =>
  error instanceof StatusError && transientCodes.has(error.status.code);

/**
 * Runs `attempt` until it succeeds, fails for good, or was tried `backoff.attempts` times; then the last error is thrown.
 * Only for work that may run twice.
 */
export async function retry<Value>(
  attempt: () => Promise<Value>,
  backoff: Backoff,
  options: { sleep: Sleep; signal?: AbortSignal },
): Promise<Value> {
  let delayMs = backoff.firstDelayMs;
  for (let left = backoff.attempts - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !isTransient(error)) throw error;
      await options.sleep(delayMs, options.signal);
      delayMs *= backoff.factor;
    }
  }
}
