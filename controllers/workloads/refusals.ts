/**
 * What the cluster refused: the same is asked for again when its time comes, however often somebody looks in between.
 * A thousand objects that a policy keeps out would otherwise be a thousand writes at every look.
 */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isNamespaceTerminating, StatusError } from "../../apiserver/errors/status-error.ts";
import { type BackOff, backOffMs, type Clock } from "../../apiserver/machinery/clock.ts";
import { digestAnnotation } from "./drift.ts";

const longestMs = 10 * 60_000;
/** What is wrong with the object itself, or what a policy says of it, stays so for a while. */
const invalid: BackOff = { baseMs: 60_000, maxMs: longestMs };
/** A quota or a missing right may be another a moment later. */
const forbidden: BackOff = { baseMs: 250, maxMs: longestMs };
const backOffs: { readonly [code: number]: BackOff } = { 400: invalid, 403: forbidden, 413: invalid, 422: invalid };

const backOffOf = (error: unknown): BackOff | undefined =>
  error instanceof StatusError && !isNamespaceTerminating(error) ? backOffs[error.status.code ?? 0] : undefined;

type Refusal = { readonly what: string; readonly error: unknown; readonly dueMs: number; readonly times: number };

/** So many are kept before those of objects that are gone are looked for. */
const sweepAt = 1000;

export class Refusals {
  readonly #clock: Clock;
  readonly #refusals = new Map<string, Refusal>();
  #sweepAt = sweepAt;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Writes `wanted`, which is `stamped`, unless it was refused not long ago: then that refusal is thrown again.
   *
   * @param live  what is there already; when that changes hands it is another question
   * @throws whatever `write` does
   */
  async unlessRefused<T>(wanted: KubeObject, live: KubeObject | undefined, write: () => Promise<T>): Promise<T> {
    const key = keyOf(wanted);
    const what = `${wanted.metadata.annotations?.[digestAnnotation]} ${live?.metadata.uid ?? ""}`;
    const earlier = this.#refusals.get(key);
    if (earlier?.what === what && earlier.dueMs > this.#clock.elapsedMs()) throw earlier.error;
    try {
      const written = await write();
      this.#refusals.delete(key);
      return written;
    } catch (error) {
      const backOff = backOffOf(error);
      if (backOff === undefined) this.#refusals.delete(key);
      else {
        const times = earlier?.what === what ? earlier.times + 1 : 0;
        this.#refusals.set(key, { what, error, times, dueMs: this.#clock.elapsedMs() + backOffMs(backOff, times) });
        if (this.#refusals.size >= this.#sweepAt) this.#sweep();
      }
      throw error;
    }
  }

  /** In how many ms `wanted` may be asked for again; absent when it wasn't refused. */
  retryInMs(wanted: KubeObject): number | undefined {
    const refusal = this.#refusals.get(keyOf(wanted));
    return refusal && Math.max(0, refusal.dueMs - this.#clock.elapsedMs());
  }

  /** Whoever is still there has asked again when it was due. */
  #sweep(): void {
    const long = this.#clock.elapsedMs() - longestMs;
    for (const [key, { dueMs }] of this.#refusals) if (dueMs < long) this.#refusals.delete(key);
    this.#sweepAt = Math.max(sweepAt, 2 * this.#refusals.size);
  }
}

const keyOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace}/${metadata.name}`;
