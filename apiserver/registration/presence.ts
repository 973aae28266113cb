/** What a server keeps true about itself in the host cluster: the certificate it serves with, and its registration. */
import type { KeyPair } from "../authentication/issue-certificate.ts";
import type { Logger } from "../observability/log.ts";
import type { ApiServiceRegistration, Registration } from "./api-service.ts";
import type { ServingSecret } from "./serving-secret.ts";

export type PresenceOptions = {
  readonly secret: ServingSecret;
  readonly registration: ApiServiceRegistration;
  /** Write the CA into the registration; otherwise it is only read. */
  readonly register: boolean;
  readonly log: Logger;
};

export class ClusterPresence {
  readonly #options: PresenceOptions;
  #problem: string | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** What is wrong with the registration as last seen, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Takes every step that is due, then says what to serve.
   * @throws StartError for a Secret that is damaged; StatusError when the host refuses or cannot be reached
   */
  async refresh(signal?: AbortSignal): Promise<KeyPair> {
    const { secret, registration, register } = this.#options;
    const registered = await this.#observe(signal);
    const { serving, caBundle } = await secret.refresh(registered?.caBundle ?? "", signal);
    if (register) await registration.ensure(caBundle, signal);
    return serving;
  }

  async #observe(signal: AbortSignal | undefined): Promise<Registration | undefined> {
    const { registration, log } = this.#options;
    const registered = await registration.read(signal);
    const problem = registration.problemOf(registered);
    if (problem !== this.#problem) {
      if (problem === undefined) log.info({}, "kube-apiserver reaches this server");
      else log.warn({ problem }, "kube-apiserver does not reach this server");
    }
    this.#problem = problem;
    return registered;
  }
}
