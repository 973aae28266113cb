import type { Clock } from "../../apiserver/machinery/clock.ts";

/** Told by controllers and informers of what they did not get over by themselves. */
export interface HealthObserver {
  /** `component` does not do its work; until `recovered`. */
  failed(component: string, error: unknown): void;
  /** One piece of its work failed for a reason that nobody foresaw. */
  faltered(component: string, error: unknown): void;
  recovered(component: string): void;
}

/** Told of exceptions that requests meet. Nobody stays away from the server for them: a tenant would decide that. */
export interface RequestHealthObserver {
  erred(component: string, error: unknown): void;
}

export type ComponentFailure = { readonly component: string; readonly message: string };
export type ComponentState = { readonly component: string; readonly failures: number; readonly failing: boolean };

type Entry = {
  failures: number;
  message: string;
  failingSinceMs: number | undefined;
  falteredAtMs: number | undefined;
  erredAtMs: number | undefined;
};

/** An informer reconnects, a controller is started again: what lasts no longer than this is nobody's business, in ms. */
const graceMs = 60_000;
/** How long something that went wrong once is told of, in ms. */
const memoryMs = 300_000;

/** What fails in controllers, informers and admission plugins, for health, metrics and whoever asks. Components are named by the code alone. */
export class ComponentHealth implements HealthObserver, RequestHealthObserver {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(component: string, error: unknown): void {
    const entry = this.#note(component, error);
    entry.failingSinceMs ??= this.#clock.elapsedMs();
  }

  faltered(component: string, error: unknown): void {
    this.#note(component, error).falteredAtMs = this.#clock.elapsedMs();
  }

  erred(component: string, error: unknown): void {
    this.#note(component, error).erredAtMs = this.#clock.elapsedMs();
  }

  recovered(component: string): void {
    const entry = this.#entries.get(component);
    if (entry !== undefined) entry.failingSinceMs = undefined;
  }

  /** What has failed for longer than a moment, or went wrong lately. */
  failures(): readonly ComponentFailure[] {
    return [...this.#entries]
      .filter(([, entry]) => this.#isFailing(entry))
      .map(([component, { message }]) => ({ component, message }));
  }

  /** In what requests met exceptions lately. */
  errors(): readonly ComponentFailure[] {
    const now = this.#clock.elapsedMs();
    return [...this.#entries]
      .filter(([, { erredAtMs }]) => erredAtMs !== undefined && now - erredAtMs < memoryMs)
      .map(([component, { message }]) => ({ component, message }));
  }

  states(): readonly ComponentState[] {
    return [...this.#entries].map(([component, entry]) => ({
      component,
      failures: entry.failures,
      failing: this.#isFailing(entry),
    }));
  }

  #note(component: string, error: unknown): Entry {
    const known = this.#entries.get(component);
    const message = error instanceof Error ? error.message : String(error);
    const entry = known ?? {
      failures: 0,
      message,
      failingSinceMs: undefined,
      falteredAtMs: undefined,
      erredAtMs: undefined,
    };
    entry.failures++;
    entry.message = message;
    this.#entries.set(component, entry);
    return entry;
  }

  #isFailing({ failingSinceMs, falteredAtMs }: Entry): boolean {
    const now = this.#clock.elapsedMs();
    if (failingSinceMs !== undefined && now - failingSinceMs >= graceMs) return true;
    return falteredAtMs !== undefined && now - falteredAtMs < memoryMs;
  }
}
