import type { KubeObject } from "../apis/meta/v1.ts";
import { StatusError } from "../errors/status-error.ts";
import { type Clock, systemClock } from "../machinery/clock.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./interface.ts";

/** How long admission took and whether it refused (API MT-16). */
export type AdmissionStep = {
  readonly type: "admit" | "validate";
  readonly operation: AdmissionAttributes["operation"];
  readonly rejected: boolean;
  readonly ms: number;
};

export type AdmissionObserver = {
  /** Told of what a plugin throws that is no refusal: the request fails, for nobody judged it. */
  readonly onFailure?: (plugin: string, error: unknown) => void;
  /** One plugin was asked. */
  readonly onAsked?: (plugin: string, step: AdmissionStep) => void;
  /** All were, or as many as it took. */
  readonly onPassed?: (step: AdmissionStep) => void;
};

/**
 * Many plugins as one, in the order given. Every plugin may change the object before any may judge it (API AD-02); each
 * sees what those before it made. The first refusal ends the chain.
 */
export class AdmissionChain implements Required<Omit<AdmissionPlugin, "name">> {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #observer: AdmissionObserver;
  readonly #clock: Clock;

  constructor(plugins: readonly AdmissionPlugin[], observer: AdmissionObserver = {}, clock: Clock = systemClock) {
    this.#plugins = plugins;
    this.#observer = observer;
    this.#clock = clock;
  }

  /** The object as the last plugin left it; `undefined` when none changed it. */
  admit(attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
    return this.#timed("admit", attributes, this.#observer.onPassed, async () => {
      let changed: KubeObject | undefined;
      for (const plugin of this.#plugins) {
        if (plugin.admit === undefined) continue;
        const seen = changed === undefined ? attributes : { ...attributes, object: changed };
        changed = (await this.#ask(plugin, "admit", seen, () => plugin.admit?.(seen))) ?? changed;
      }
      return changed;
    });
  }

  validate(attributes: AdmissionAttributes): Promise<void> {
    return this.#timed("validate", attributes, this.#observer.onPassed, async () => {
      for (const plugin of this.#plugins) {
        if (plugin.validate === undefined) continue;
        await this.#ask(plugin, "validate", attributes, () => plugin.validate?.(attributes));
      }
    });
  }

  #ask<T>(
    { name }: AdmissionPlugin,
    type: AdmissionStep["type"],
    attributes: AdmissionAttributes,
    ask: () => T | Promise<T>,
  ): Promise<T> {
    const { onAsked, onFailure } = this.#observer;
    const onError = (error: unknown): void => {
      if (!(error instanceof StatusError || attributes.signal.aborted)) onFailure?.(name, error);
    };
    return this.#timed(type, attributes, (step) => onAsked?.(name, step), ask, onError);
  }

  async #timed<T>(
    type: AdmissionStep["type"],
    { operation }: AdmissionAttributes,
    onDone: ((step: AdmissionStep) => void) | undefined,
    work: () => T | Promise<T>,
    onError?: (error: unknown) => void,
  ): Promise<T> {
    const startedMs = this.#clock.elapsedMs();
    const done = (rejected: boolean): void =>
      onDone?.({ type, operation, rejected, ms: this.#clock.elapsedMs() - startedMs });
    try {
      const result = await work();
      done(false);
      return result;
    } catch (error) {
      done(true);
      onError?.(error);
      throw error;
    }
  }
}
