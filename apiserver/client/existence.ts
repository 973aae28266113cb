/** Whether objects exist that others name: asked of the API once, then remembered for a while. */
import { isNotFound } from "../errors/status-error.ts";
import type { Clock } from "../machinery/clock.ts";
import type { ObjectRef, ResourceClient } from "./client.ts";

/** How long an answer counts, in ms: what is missing is soon made, what is there rarely goes. */
export type AnswerLifetimes = { readonly presentMs: number; readonly missingMs: number };

/** Far more than the namespaces of an installation use; forgetting costs a request. */
const maxRemembered = 10_000;

export class Existence {
  readonly #client: ResourceClient;
  readonly #clock: Clock;
  readonly #lifetimes: AnswerLifetimes;
  readonly #answers = new Map<string, { readonly missing: boolean; readonly until: number }>();

  /** `undefined` comes of one whose asker was gone. */
  readonly #asked = new Map<string, Promise<boolean | undefined>>();

  constructor(client: ResourceClient, clock: Clock, lifetimes: AnswerLifetimes) {
    this.#client = client;
    this.#clock = clock;
    this.#lifetimes = lifetimes;
  }

  /**
   * One that we may not read, or that can't be asked for now, is not known to be missing.
   * @throws the signal's reason
   */
  async isMissing(ref: ObjectRef, signal: AbortSignal): Promise<boolean> {
    const key = `${ref.type.kind}/${ref.namespace}/${ref.name}`;
    const known = this.#answers.get(key);
    if (known !== undefined && known.until > this.#clock.now()) return known.missing;
    const missing = await this.#ask(key, ref, signal);
    signal.throwIfAborted();
    this.#answers.delete(key);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size >= maxRemembered && oldest !== undefined) this.#answers.delete(oldest);
    const { presentMs, missingMs } = this.#lifetimes;
    this.#answers.set(key, { missing, until: this.#clock.now() + (missing ? missingMs : presentMs) });
    return missing;
  }

  /** Who asks while the same is being asked waits for that answer; one that was broken off is asked for again. */
  async #ask(key: string, ref: ObjectRef, signal: AbortSignal): Promise<boolean> {
    const asked = this.#asked.get(key);
    const shared = await asked;
    if (shared !== undefined) return shared;
    const answer = this.#client.get(ref, { signal }).then(
      () => false,
      (error: unknown) => (signal.aborted ? undefined : isNotFound(error)),
    );
    this.#asked.set(key, answer);
    const missing = await answer;
    if (this.#asked.get(key) === answer) this.#asked.delete(key);
    return missing ?? false;
  }
}
