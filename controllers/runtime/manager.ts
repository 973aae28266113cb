import { type BackOff, backOffMs, type Clock, delay } from "../../apiserver/machinery/clock.ts";
import type { HealthObserver } from "./component-health.ts";
import type { Controller } from "./controller.ts";
import type { SharedInformers } from "./informers.ts";
import type { LeaderElector } from "./lease.ts";
import type { Logger } from "./logger.ts";

export type ManagerOptions = {
  /** One set per server the controllers see. */
  readonly informers: readonly SharedInformers[];
  readonly controllers: readonly Pick<Controller, "name" | "idle" | "run">[];
  /** Absent where there can be only one process, as in standalone mode. */
  readonly elector?: LeaderElector;
  readonly health: HealthObserver;
  readonly clock: Clock;
  readonly log: Logger;
};

/** How soon a controller that failed is started again. */
const restart: BackOff = { baseMs: 1000, maxMs: 60_000 };
/** A controller that ran so long does its work, in ms. */
const settledMs = 10_000;

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

  /** An exception ends one run of one controller: it is told, and begins again from its caches. */
  async #runController(controller: Pick<Controller, "name" | "run">, signal: AbortSignal): Promise<void> {
    const { health, clock, log } = this.#options;
    const component = `controller ${controller.name}`;
    for (let failures = 0; !signal.aborted; failures++) {
      const cancel = clock.after(settledMs, () => {
        failures = 0;
        health.recovered(component);
      });
      try {
        await controller.run(signal);
        return;
      } catch (error) {
        health.failed(component, error);
        log.error({ err: error, controller: controller.name }, "controller stopped, starting it again");
      } finally {
        cancel();
      }
      await delay(clock, backOffMs(restart, failures), signal);
    }
  }
}
