/**
 * Controller: informers → keys → work queue → reconciler.
 *
 * Invariant: whatever one run throws concerns its own key only.
 * Invariant: nothing is reconciled before every cache that the reconciler reads is complete.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { isConflict, isNamespaceTerminating } from "../../apiserver/errors/status-error.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import type { ControllerOptions, Informer, InformerHandler, Trigger } from "./interface.ts";
import type { Logger } from "./logger.ts";
import { formatKey, type ObjectKey, parseKey } from "./object-key.ts";
import { TerminalError } from "./reconciler.ts";
import { noMetrics, WorkQueue, type WorkQueueMetrics } from "./work-queue.ts";

const defaultWorkers = 4;

/** Far above any healthy run, far below what a user would wait for: one that hangs on a peer gives its key back. */
const defaultDeadlineMs = 60_000;

/** What became of one run; the `result` label of `controller_runtime_reconcile_total`. */
export type ReconcileOutcome = "success" | "requeue_after" | "error" | "terminal_error";

export type ControllerMetrics = {
  readonly queue: WorkQueueMetrics;
  readonly reconciled: (outcome: ReconcileOutcome, durationMs: number) => void;
};

export type ControllerDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Made once per controller, whose name it may use as a label. */
  readonly metrics?: (controller: string) => ControllerMetrics;
};

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics: ControllerMetrics;
  #runs = 0;
  #queue: WorkQueue | undefined;

  constructor(options: ControllerOptions, { clock, log, metrics }: ControllerDeps) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
    this.#log = log.child({ controller: options.name });
    this.#metrics = metrics?.(options.name) ?? { queue: noMetrics, reconciled: () => {} };
  }

  /** Nothing is queued or running: everything the caches have told of has been dealt with. */
  get idle(): boolean {
    return this.#queue?.idle ?? true;
  }

  /**
   * Reconciles every present object once, then whatever changes, until `signal` aborts. Resolves when the last worker
   * has stopped; may be run again afterwards, as after a lost leadership.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all(this.#caches().map((informer) => informer.whenSynced(signal)));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const queue = new WorkQueue(this.#clock, this.#metrics.queue);
    this.#queue = queue;
    const stop = () => queue.shutDown({ discard: true });
    signal.addEventListener("abort", stop, { once: true });
    const removals = this.#options.triggers.map((trigger) => trigger.informer.addHandler(feed(trigger, queue)));
    this.#log.debug({ workers: this.#options.workers ?? defaultWorkers }, "controller started");
    const workers = Array.from({ length: this.#options.workers ?? defaultWorkers }, () => this.#work(queue, signal));
    try {
      await Promise.all(workers);
    } finally {
      // Where one of them failed, nothing of this run may go on beside the next.
      stop();
      await Promise.allSettled(workers);
      for (const remove of removals) remove();
      signal.removeEventListener("abort", stop);
    }
  }

  #caches(): readonly Informer[] {
    return [...this.#options.triggers.map(({ informer }) => informer), ...(this.#options.reads ?? [])];
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      await this.#reconcile(key, queue, signal);
      queue.done(key);
      // Runs that find nothing to do never leave the microtask queue; requests must get their turn between them.
      await nextTurn();
    }
  }

  async #reconcile(text: string, queue: WorkQueue, signal: AbortSignal): Promise<void> {
    const key = parseKey(text);
    this.#runs += 1;
    const reconcileId = `${this.name}-${this.#runs}`;
    const log = this.#log.child({ object: text, reconcileId });
    const startedAt = this.#clock.elapsedMs();
    const outcome = await this.#attempt(key, text, { reconcileId, log }, queue, signal);
    this.#metrics.reconciled(outcome, this.#clock.elapsedMs() - startedAt);
  }

  async #attempt(
    key: ObjectKey,
    text: string,
    context: { readonly reconcileId: string; readonly log: Logger },
    queue: WorkQueue,
    signal: AbortSignal,
  ): Promise<ReconcileOutcome> {
    const deadlineMs = this.#options.deadlineMs ?? defaultDeadlineMs;
    const deadline = new AbortController();
    const abort = () => deadline.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const cancel = this.#clock.after(deadlineMs, () => {
      context.log.warn({ deadlineMs }, "reconcile exceeded its deadline");
      deadline.abort(new Error(`reconcile took longer than ${deadlineMs} ms`));
    });
    try {
      const result = await this.#options.reconciler.reconcile(key, { ...context, signal: deadline.signal });
      queue.forget(text);
      if (result.requeueAfterMs === undefined) return "success";
      queue.addAfter(text, result.requeueAfterMs);
      return "requeue_after";
    } catch (error) {
      return this.#failed(error, text, context.log, queue, signal);
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  #failed(error: unknown, text: string, log: Logger, queue: WorkQueue, signal: AbortSignal): ReconcileOutcome {
    if (error instanceof TerminalError) {
      queue.forget(text);
      log.error({ err: error }, "reconcile failed for good, waiting for a change");
      return "terminal_error";
    }
    if (isNamespaceTerminating(error)) {
      queue.forget(text);
      log.debug({ err: error }, "the namespace is going away, and the object with it");
      return "success";
    }
    queue.addRateLimited(text);
    const fields = { err: error, failures: queue.failures(text) };
    if (isConflict(error) || signal.aborted) log.debug(fields, "reconcile lost a race, trying again");
    else log.error(fields, "reconcile failed, trying again");
    return "error";
  }
}

function feed({ keysOf, concerns }: Trigger, queue: WorkQueue): InformerHandler {
  const add = (keys: readonly ObjectKey[]) => {
    for (const key of keys) queue.add(formatKey(key));
  };
  return {
    added: (object) => add(keysOf(object)),
    updated(object, old) {
      if (concerns !== undefined && !concerns(object, old)) return;
      add(keysOf(old));
      add(keysOf(object));
    },
    deleted: (object) => add(keysOf(object)),
  };
}
