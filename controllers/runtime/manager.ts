import type { Controller } from "./controller.ts";
import type { SharedInformers } from "./informers.ts";
import type { LeaderElector } from "./lease.ts";
import type { Logger } from "./logger.ts";

export type ManagerOptions = {
  /** One set per server the controllers see. */
  readonly informers: readonly SharedInformers[];
  readonly controllers: readonly Controller[];
  /** Absent where there can be only one process, as in standalone mode. */
  readonly elector?: LeaderElector;
  readonly log: Logger;
};

/**
 * Runs controllers and their informers as one. Caches fill before leadership is sought, so that a successor starts
 * with complete ones; each controller waits for the caches it reads and for no others.
 */
export class Manager {
  readonly #options: ManagerOptions;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** Every change the caches have told of has been dealt with; keys that wait for their time don't count. */
  get idle(): boolean {
    return this.#options.controllers.every(({ idle }) => idle);
  }

  /** Runs until `signal` aborts. Stops in order: running reconciles end, the lease is released, informers stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, elector } = this.#options;
    const caches = new AbortController();
    const following = informers.map((set) => set.run(caches.signal));
    try {
      if (elector === undefined) await this.#lead(signal);
      else await elector.run(signal, (term) => this.#lead(term));
    } finally {
      caches.abort(signal.reason);
      await Promise.all(following);
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#options.controllers.map((controller) => this.#runController(controller, signal)));
  }

  async #runController(controller: Controller, signal: AbortSignal): Promise<void> {
    try {
      await controller.run(signal);
    } catch (error) {
      this.#options.log.error({ err: error, controller: controller.name }, "controller stopped");
    }
  }
}
