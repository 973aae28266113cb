/**
 * Whether the store may be believed (design D9): Kubernetes' garbage collector deletes the children of owners that are
 * not found, so a store that is empty, foreign or older than it was must answer nothing at all.
 *
 * Invariant: nothing is served before the store was compared with what is remembered of it.
 * Invariant: the first operation that finds another store closes the guard for all; only a comparison opens it again.
 */
import type { Clock } from "../../machinery/clock.ts";
import { isStorageError, type StorageError } from "../errors.ts";
import type { Revision, StorageBackend, StorePosition } from "../interface.ts";
import { contradiction } from "../position.ts";
import { nameOfStore, type Remembered, type StoreMemory } from "./store-memory.ts";

/** How often a store that is well is compared, and remembered if it went on, in ms. */
const checkEveryMs = 10_000;
/** And one that is not. */
const checkAgainMs = 1_000;

export type StoreGuardOptions = {
  readonly backend: StorageBackend;
  readonly memory: StoreMemory;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The store must not be used, with the sentence that its users are told. */
  readonly onRefused: (why: string) => void;
  /** It may be used again, or for the first time. */
  readonly onUsable: (position: StorePosition) => void;
  /** It could not be compared or remembered; that is tried again. */
  readonly onFailure: (error: unknown) => void;
};

export class StoreGuard {
  readonly #options: StoreGuardOptions;
  readonly #onClosed = new Set<() => void>();
  #refusal: string | undefined = "the store was not compared yet with what is remembered of it";
  #known: Remembered | undefined;
  /** Newest revision that any operation had, which is more than what was compared last. */
  #reached: Revision = 0;
  #checking: Promise<void> | undefined;
  #cancelNext: () => void = () => {};
  #opened = Promise.withResolvers<void>();

  constructor(options: StoreGuardOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#cancelNext());
  }

  /** Why the store must not be used now; `undefined` when it may. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Resolves once the store may be used. */
  async whenUsable(): Promise<void> {
    while (this.#refusal !== undefined) await this.#opened.promise;
  }

  /** Calls `action` whenever the store must no longer be used; the result ends that. */
  onClosed(action: () => void): () => void {
    this.#onClosed.add(action);
    return () => this.#onClosed.delete(action);
  }

  /** An operation had an answer at this revision. */
  reached(revision: Revision): void {
    if (revision > this.#reached) this.#reached = revision;
  }

  /** An operation found that the store is not the one it was. */
  doubt(error: StorageError): void {
    if (this.#refusal === undefined) this.#close(error.message);
    void this.check();
  }

  /** Compares now, and from now on regularly. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#checking = undefined;
        this.#scheduleNext();
      });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const { backend, memory, signal } = this.#options;
    const wasUsable = this.#refusal === undefined;
    const { remembered, accepted } = wasUsable && this.#known !== undefined ? {} : await memory.read(signal);
    if (remembered !== undefined && remembered.acceptances > (this.#known?.acceptances ?? -1)) this.#learn(remembered);
    // What others reach while the store is asked, its answer need not have.
    const reached = this.#reached;
    const found = await backend.position(signal);
    const why = this.#contradiction(found, reached);
    const isAccepted = why !== undefined && accepted === nameOfStore(found);
    if (why !== undefined && !isAccepted) {
      this.#close(`the store ${why}; to go on with what is there: ${memory.howToAccept(found)}`);
      return;
    }
    if (!wasUsable) await backend.adopt(found);
    const position = found.identity === undefined ? await backend.position(signal) : found;
    const acceptances = (this.#known?.acceptances ?? 0) + (isAccepted ? 1 : 0);
    if (isAccepted) this.#reached = 0;
    await this.#remember({ position, acceptances });
    this.#open(position);
  }

  #learn(remembered: Remembered): void {
    // Where another process accepted a store, what this one had seen before counts no more.
    if (this.#known !== undefined) this.#reached = 0;
    this.#known = remembered;
  }

  #contradiction(found: StorePosition, reached: Revision): string | undefined {
    if (this.#known === undefined) return undefined;
    const { position } = this.#known;
    const newest = { ...position, revision: Math.max(reached, position.revision), objects: 0 };
    return contradiction(position, found) ?? contradiction(newest, found);
  }

  /** What is remembered may be behind, so a memory that fails is no reason to refuse. */
  async #remember(next: Remembered): Promise<void> {
    const { backend, memory, signal } = this.#options;
    const known = this.#known;
    this.#known = next;
    if (known !== undefined && known.acceptances === next.acceptances && !hasGoneOn(known.position, next.position))
      return;
    try {
      // Marks of other processes serve as well.
      const isMarked = known !== undefined && next.position.marks > known.position.marks;
      const position = isMarked ? next.position : await backend.mark(signal);
      this.#known = { ...next, position };
      await memory.write(this.#known, signal);
    } catch (error) {
      if (isStorageError(error, "Unusable")) throw error;
      this.#failed(error);
    }
  }

  #open(position: StorePosition): void {
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    this.#options.onUsable(position);
  }

  #close(why: string): void {
    const isNews = this.#refusal !== why;
    this.#refusal = why;
    if (isNews) this.#options.onRefused(why);
    for (const action of [...this.#onClosed]) action();
  }

  #failed(error: unknown): void {
    if (this.#options.signal.aborted) return;
    if (isStorageError(error, "Unusable")) this.#close(error.message);
    else this.#options.onFailure(error);
  }

  #scheduleNext(): void {
    const { clock, signal } = this.#options;
    this.#cancelNext();
    if (signal.aborted) return;
    const delayMs = this.#refusal === undefined ? checkEveryMs : checkAgainMs;
    this.#cancelNext = clock.after(delayMs, () => void this.check());
  }
}

/** Other than by the mark that was left last. */
function hasGoneOn(known: StorePosition, found: StorePosition): boolean {
  return found.identity !== known.identity || found.revision > known.revision;
}
