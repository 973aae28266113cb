import type { KubeObject } from "../apis/meta/v1.ts";
import { StatusError } from "../errors/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./interface.ts";

/**
 * Many plugins as one, in the order given. Every plugin may change the object before any may judge it (API AD-02); each
 * sees what those before it made. The first refusal ends the chain.
 */
export class AdmissionChain implements Required<Omit<AdmissionPlugin, "name">> {
  readonly #plugins: readonly AdmissionPlugin[];

  readonly #onFailure: (plugin: string, error: unknown) => void;

  /** @param onFailure  told of what a plugin throws that is no refusal: the request fails, for nobody judged it */
  constructor(
    plugins: readonly AdmissionPlugin[],
    onFailure: (plugin: string, error: unknown) => void = () => undefined,
  ) {
    this.#plugins = plugins;
    this.#onFailure = onFailure;
  }

  /** The object as the last plugin left it; `undefined` when none changed it. */
  async admit(attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
    let changed: KubeObject | undefined;
    for (const plugin of this.#plugins) {
      const seen = changed === undefined ? attributes : { ...attributes, object: changed };
      changed = (await this.#told(plugin, seen, () => plugin.admit?.(seen))) ?? changed;
    }
    return changed;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#plugins) await this.#told(plugin, attributes, () => plugin.validate?.(attributes));
  }

  async #told<T>(
    { name }: AdmissionPlugin,
    { signal }: AdmissionAttributes,
    ask: () => Promise<T> | undefined,
  ): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StatusError || signal.aborted)) this.#onFailure(name, error);
      throw error;
    }
  }
}
