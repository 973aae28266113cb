/**
 * Whether somebody who followed writes saw all of them, each once, in order. Every value says which revision it replaced,
 * so a gap is seen without knowing the others' writes.
 */

/** Something that was told: a value of a key, or its end. */
export type Told = {
  readonly key: string;
  readonly revision: number;
  /** Which revision of the key it replaced, 0 for none; `undefined` for a deletion, which does not say. */
  readonly before: number | undefined;
};

/** What one follower was told. Keeps the newest of each key, not all of it. */
export class Follower {
  readonly name: string;
  /** Revisions told, in bounded memory: those of acknowledged writes that are still to be told are kept by `Ledger`. */
  readonly seen = new Set<number>();
  readonly problems: string[] = [];
  last: number;
  events = 0;
  relists = 0;
  resumed = 0;
  readonly #newest = new Map<string, number>();

  /** @param after  everything that is told is newer */
  constructor(name: string, after: number) {
    this.name = name;
    this.last = after;
  }

  take({ key, revision, before }: Told): void {
    this.events++;
    if (revision <= this.last) this.#problem(`${key} at ${revision} was told after ${this.last}`);
    const newest = this.#newest.get(key) ?? 0;
    if (before !== undefined && before !== newest) {
      this.#problem(`${key} at ${revision} replaced ${before}, and the last that was told of it is ${newest}`);
    }
    this.#newest.set(key, before === undefined ? 0 : revision);
    this.seen.add(revision);
    this.last = Math.max(this.last, revision);
  }

  #problem(text: string): void {
    if (this.problems.length < 10) this.problems.push(`${this.name}: ${text}`);
  }
}

/** What was acknowledged, key by key; each key has one writer. */
export class Ledger {
  /** Revisions that were acknowledged, or found by reading after there was no answer. */
  readonly acknowledged: number[] = [];
  /** What is there of each key, 0 for nothing. */
  readonly current = new Map<string, number>();
  unknown = 0;

  wrote(key: string, revision: number): void {
    this.acknowledged.push(revision);
    this.current.set(key, revision);
  }

  deleted(key: string): void {
    this.current.set(key, 0);
  }

  /** Acknowledged writes that are not there. */
  lost(found: ReadonlyMap<string, number>): string[] {
    const lost: string[] = [];
    for (const [key, revision] of this.current) {
      if ((found.get(key) ?? 0) !== revision)
        lost.push(`${key}: ${revision} was acknowledged, ${found.get(key)} is there`);
    }
    for (const key of found.keys()) if (!this.current.has(key)) lost.push(`${key} is there, and nobody wrote it`);
    return lost;
  }

  /** Acknowledged writes that a follower from the beginning was not told. */
  untold(follower: Follower): string[] {
    const missing = this.acknowledged.filter((revision) => !follower.seen.has(revision));
    return missing.length === 0 ? [] : [`${follower.name} was not told of ${missing.length}: ${missing.slice(0, 5)}`];
  }
}
