import type { Logger } from "./logger.ts";
import type { ObjectKey } from "./object-key.ts";

/**
 * Makes the world as one object wants it.
 *
 * Level-triggered: it is told which object, never what changed. Throwing means "again, later": after 5 ms, doubling
 * with each failure up to 1000 s. Throwing a `TerminalError` means "not until something changes".
 */
export interface Reconciler {
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result>;
}

export type ReconcileContext = {
  /** Identifies this run in the logs. */
  readonly reconcileId: string;
  /** Already carries controller, object and reconcileId. */
  readonly log: Logger;
  /** Aborts at the run's deadline and at shutdown; hand it to every client call. */
  readonly signal: AbortSignal;
};

/** What remains to be done: nothing, or another look later even if nothing changes. */
export type Result = { readonly requeueAfterMs?: number };

export const done: Result = {};

export const requeueAfter = (ms: number): Result => ({ requeueAfterMs: ms });

/** A failure that trying again cannot cure: logged and counted, and not retried until a watched object changes. */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TerminalError";
  }
}
