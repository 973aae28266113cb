/**
 * Places for work, shared fairly: whoever asks for more than their share waits, each in a queue of their own, and places
 * that become free go to the queues in turn (the idea of API Priority and Fairness, in the simplest form that has it).
 *
 * Invariant: nobody who comes waits while there is a place and their share is not used up.
 * Invariant: those who waited begin few at a time, and whatever else is due on the event loop comes between: a request that
 * is all computation would otherwise make the next one begin before another client's is even read.
 */
export type Release = () => void;

export type FairQueueOptions = {
  /** Places in all. */
  readonly places: number;
  /** Most of them one user may have. */
  readonly share: number;
  /** Longest time to wait for one, in ms. */
  readonly maxWaitMs: number;
};

/** No place became free in time. */
export class WaitedTooLong extends Error {}

/** How many of those who waited begin before the event loop comes round. */
const atATime = 4;

type Waiter = { readonly grant: () => void };
type Account = { held: number; readonly waiting: Set<Waiter> };

export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #accounts = new Map<string, Account>();
  /** Users who wait and have not used up their share, in the order of their turns. */
  readonly #turns = new Set<string>();
  #held = 0;
  #isDue = false;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get held(): number {
    return this.#held;
  }

  /** A place at once, if there is one for this user. */
  tryEnter(user: string): Release | undefined {
    const account = this.#accounts.get(user);
    const hasShare = account === undefined || (account.held < this.#options.share && account.waiting.size === 0);
    return hasShare && this.#held < this.#options.places ? this.#take(user) : undefined;
  }

  /**
   * A place when it is this user's turn.
   * @throws WaitedTooLong after `maxWaitMs`
   * @throws unknown  the signal's reason when it aborts
   */
  enter(user: string, signal: AbortSignal): Promise<Release> {
    const release = this.tryEnter(user);
    if (release !== undefined) return Promise.resolve(release);
    return new Promise((resolve, reject) => {
      const account = this.#accountOf(user);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        account.waiting.delete(waiter);
        this.#settle(user, account);
      };
      const waiter: Waiter = {
        grant: () => {
          const place = this.#take(user);
          end();
          resolve(place);
        },
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        end();
        reject(new WaitedTooLong());
      }, this.#options.maxWaitMs);
      account.waiting.add(waiter);
      this.#settle(user, account);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #take(user: string): Release {
    this.#accountOf(user).held++;
    this.#held++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      const account = this.#accountOf(user);
      account.held--;
      this.#held--;
      this.#settle(user, account);
      this.#nextDue();
    };
  }

  #nextDue(): void {
    if (this.#isDue || this.#turns.size === 0 || this.#held >= this.#options.places) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#next();
      this.#nextDue();
    });
  }

  #next(): void {
    for (let i = 0; i < atATime && this.#held < this.#options.places; i++) {
      const [user] = this.#turns;
      if (user === undefined) return;
      // Behind the others, if there is more to wait for.
      this.#turns.delete(user);
      const [waiter] = this.#accountOf(user).waiting;
      waiter?.grant();
    }
  }

  #accountOf(user: string): Account {
    let account = this.#accounts.get(user);
    if (account === undefined) {
      account = { held: 0, waiting: new Set() };
      this.#accounts.set(user, account);
    }
    return account;
  }

  #settle(user: string, { held, waiting }: Account): void {
    if (waiting.size > 0 && held < this.#options.share) this.#turns.add(user);
    else this.#turns.delete(user);
    if (held === 0 && waiting.size === 0) this.#accounts.delete(user);
  }
}
