import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import type { HealthObserver } from "./component-health.ts";
import { ResourceInformer } from "./informer.ts";
import type { Informer, InformerFactory } from "./interface.ts";
import type { Logger } from "./logger.ts";

export type InformersOptions = {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health?: HealthObserver;
};

/** The informers of one client; where controllers see two servers, each server has its own set. */
export class SharedInformers implements InformerFactory {
  readonly #deps: InformersOptions;
  readonly #informers = new Map<string, ResourceInformer>();
  readonly #runs: Promise<void>[] = [];
  #signal: AbortSignal | undefined;

  constructor(deps: InformersOptions) {
    this.#deps = deps;
  }

  /** An informer asked for after `run` began starts at once. */
  informer(type: ResourceType, namespace?: string, labelSelector?: string): Informer {
    const id = [type.group, type.version, type.resource, namespace ?? "", labelSelector ?? ""].join("/");
    const existing = this.#informers.get(id);
    if (existing !== undefined) return existing;
    const informer = new ResourceInformer({
      ...this.#deps,
      type,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    this.#informers.set(id, informer);
    if (this.#signal !== undefined) this.#runs.push(informer.run(this.#signal));
    return informer;
  }

  /** Starts them all; resolves when `signal` has aborted and the last of them has stopped. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#runs.push(informer.run(signal));
    const aborted = Promise.withResolvers<void>();
    if (signal.aborted) aborted.resolve();
    else signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    await aborted.promise;
    await Promise.all(this.#runs);
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.whenSynced(signal)));
  }
}
