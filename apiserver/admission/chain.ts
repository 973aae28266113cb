import type { KubeObject } from "../apis/meta/v1.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./interface.ts";

/**
 * Many plugins as one, in the order given. Every plugin may change the object before any may judge it (API AD-02); each
 * sees what those before it made. The first refusal ends the chain.
 */
export class AdmissionChain implements Required<Omit<AdmissionPlugin, "name">> {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** The object as the last plugin left it; `undefined` when none changed it. */
  async admit(attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
    let changed: KubeObject | undefined;
    for (const plugin of this.#plugins) {
      const seen = changed === undefined ? attributes : { ...attributes, object: changed };
      changed = (await plugin.admit?.(seen)) ?? changed;
    }
    return changed;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#plugins) await plugin.validate?.(attributes);
  }
}
