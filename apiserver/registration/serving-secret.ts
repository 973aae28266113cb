/** The Secret in which replicas share the serving certificate that they make for themselves. */

import type { KubeObject } from "../apis/meta/v1.ts";
import type { KeyPair } from "../authentication/issue-certificate.ts";
import type { ResourceClient } from "../client/client.ts";
import { secretType } from "../client/resource-types.ts";
import { StartError } from "../errors/start-error.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../errors/status-error.ts";
import { isObject } from "../machinery/json.ts";
import {
  caBundleOf,
  fromSecretData,
  type Lifetimes,
  nextServingState,
  type ServingState,
  type ServingStep,
  toSecretData,
} from "./serving-certificate.ts";

export type ServingSecretOptions = {
  readonly client: ResourceClient;
  readonly namespace: string;
  readonly name: string;
  /** DNS names the certificate must have. */
  readonly names: readonly string[];
  readonly now: () => number;
  readonly lifetimes?: Lifetimes;
  /** Told of every step that was taken, ours or another replica's excepted. */
  readonly onStep: (why: string) => void;
};

export type Shared = { readonly serving: KeyPair; readonly caBundle: string };

type Stored = { readonly state: ServingState; readonly resourceVersion: string };

/** Several replicas may step at once: writes hold for the version that was read, and whoever loses reads again. */
export class ServingSecret {
  readonly #options: ServingSecretOptions;

  constructor(options: ServingSecretOptions) {
    this.#options = options;
  }

  /**
   * Reads the Secret, takes every step that is due, and says what to serve and what clients must trust.
   *
   * @param trusted PEM of the CAs that clients were last seen to trust
   * @throws StartError when the Secret is there and damaged: it is never replaced in silence
   * @throws StatusError when the host cluster refuses or cannot be reached
   */
  async refresh(trusted: string, signal?: AbortSignal): Promise<Shared> {
    const { names, now, lifetimes } = this.#options;
    let stored = await this.#read(signal);
    for (;;) {
      signal?.throwIfAborted();
      const request = { names, nowMs: now(), trusted, ...(lifetimes === undefined ? {} : { lifetimes }) };
      const step = nextServingState(stored?.state, request);
      if (step === undefined && stored !== undefined)
        return { serving: stored.state.serving, caBundle: caBundleOf(stored.state) };
      if (step !== undefined) stored = (await this.#take(step, stored, signal)) ?? (await this.#read(signal));
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<Stored | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      const secret = await client.get({ type: secretType, namespace, name }, signal === undefined ? {} : { signal });
      return { state: this.#decode(secret), resourceVersion: secret.metadata.resourceVersion ?? "" };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #decode(secret: KubeObject): ServingState {
    const { namespace, name } = this.#options;
    const data = isObject(secret.data) ? Object.entries(secret.data) : [];
    try {
      return fromSecretData(
        Object.fromEntries(
          data.map(([key, value]) => [key, Buffer.from(typeof value === "string" ? value : "", "base64").toString()]),
        ),
      );
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StartError(
        `Secret ${namespace}/${name} with the serving certificate is damaged: ${why}; restore it, or delete it and a new one is made`,
        { cause },
      );
    }
  }

  /** @returns what is stored now, `undefined` when another replica was faster */
  async #take(
    { state, why }: ServingStep,
    stored: Stored | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Stored | undefined> {
    const { client, namespace, name, onStep } = this.#options;
    const entries = Object.entries(toSecretData(state));
    const secret: KubeObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name, ...(stored === undefined ? {} : { resourceVersion: stored.resourceVersion }) },
      type: "kubernetes.io/tls",
      data: Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
    };
    const options = signal === undefined ? {} : { signal };
    try {
      const written = await (stored === undefined
        ? client.create(secretType, secret, options)
        : client.update(secretType, secret, options));
      onStep(why);
      return { state, resourceVersion: written.metadata.resourceVersion ?? "" };
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return undefined;
      throw error;
    }
  }
}
