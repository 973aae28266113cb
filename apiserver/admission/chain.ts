import type { KubeObject } from "../apis/meta/v1.ts";
import { StatusError } from "../errors/status-error.ts";
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

  constructor(plugins: readonly AdmissionPlugin[], observer: AdmissionObserver = {}) {
    this.#plugins = plugins;
    this.#observer = observer;
  }

  /** The object as the last plugin left it; `undefined` when none changed it. */
  admit(attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
    return timed("admit", attributes, this.#observer.onPassed, async () => {
      let changed: KubeObject | undefined;
      for (const plugin of this.#plugins) {
        if (plugin.admit === undefined) continue;
        const seen = changed === undefined ? attributes : { ...attributes, object: changed };
        changed = (await this.#ask(plugin, "admit", seen, async () => plugin.admit?.(seen))) ?? changed;
      }
      return changed;
    });
  }

  validate(attributes: AdmissionAttributes): Promise<void> {
    return timed("validate", attributes, this.#observer.onPassed, async () => {
      for (const plugin of this.#plugins) {
        if (plugin.validate === undefined) continue;
        await this.#ask(plugin, "validate", attributes, async () => plugin.validate?.(attributes));
      }
    });
  }

  async #ask<T>(
    { name }: AdmissionPlugin,
    type: AdmissionStep["type"],
    attributes: AdmissionAttributes,
    ask: () => Promise<T>,
  ): Promise<T> {
    const { onAsked, onFailure } = this.#observer;
    try {
      return await timed(type, attributes, (step) => onAsked?.(name, step), ask);
    } catch (error) {
      if (!(error instanceof StatusError || attributes.signal.aborted)) onFailure?.(name, error);
      throw error;
    }
  }
}

async function timed<T>(
  type: AdmissionStep["type"],
  { operation }: AdmissionAttributes,
  onDone: ((step: AdmissionStep) => void) | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const startedMs = performance.now();
  let rejected = true;
  try {
    const result = await work();
    rejected = false;
    return result;
  } finally {
    onDone?.({ type, operation, rejected, ms: performance.now() - startedMs });
  }
}
