/** What each user has open, held against what one user may have (design D10: limits belong to users). */
import { type Limit, limits } from "../limits.ts";

export type Counted = "requests" | "watches" | "bodyBytes";
type Account = Record<Counted, number>;

/** Somebody wants more than there is for them, or for all together. Of a flood each refusal would cost a stack that nobody reads. */
export class LimitExceeded extends Error {
  readonly limit: Limit;

  constructor(limit: Limit) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(limit.of);
    Error.stackTraceLimit = stackTraceLimit;
    this.limit = limit;
  }
}

const ofOneUser: Readonly<Record<Counted, Limit>> = {
  requests: limits.maxUserRequests,
  watches: limits.maxUserWatches,
  bodyBytes: limits.maxUserBodyBytes,
};
const ofAll: Readonly<Partial<Record<Counted, Limit>>> = {
  watches: limits.maxWatches,
  bodyBytes: limits.maxBodiesBytes,
};

export class UserAccounts {
  readonly #accounts = new Map<string, Account>();
  readonly #total: Account = { requests: 0, watches: 0, bodyBytes: 0 };

  /**
   * Enters `amount` until the result is called.
   * @param isExempt  of the user's own limit
   * @throws LimitExceeded
   */
  open(user: string, what: Counted, amount: number, isExempt = false): () => void {
    const account = this.#accounts.get(user) ?? { requests: 0, watches: 0, bodyBytes: 0 };
    if (!isExempt) {
      assertWithin(ofOneUser[what], account[what] + amount);
      assertWithin(ofAll[what], this.#total[what] + amount);
    }
    this.#accounts.set(user, account);
    account[what] += amount;
    this.#total[what] += amount;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      account[what] -= amount;
      this.#total[what] -= amount;
      if (account.requests === 0 && account.watches === 0 && account.bodyBytes === 0) this.#accounts.delete(user);
    };
  }
}

function assertWithin(limit: Limit | undefined, wanted: number): void {
  if (limit !== undefined && wanted > limit.value) throw new LimitExceeded(limit);
}
