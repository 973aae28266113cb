import type { Revision } from "../storage/interface.ts";

/**
 * Asks storage for its revision on behalf of many requests at once.
 *
 * An answer proves freshness only to those who asked before the question was put: whoever arrives while one is under
 * way shares the next.
 */
export class ProgressGate {
  readonly #ask: () => Promise<Revision>;
  #running: Promise<Revision> | undefined;
  #next: Promise<Revision> | undefined;

  constructor(ask: () => Promise<Revision>) {
    this.#ask = ask;
  }

  /** The store's revision at some moment after this call. */
  current(): Promise<Revision> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<Revision> {
    this.#next = undefined;
    const asked = this.#ask();
    this.#running = asked;
    const finish = (): void => {
      if (this.#running === asked) this.#running = undefined;
    };
    asked.then(finish, finish);
    return asked;
  }
}
