import type { Revision } from "../interface.ts";
import type { KeyRange } from "./messages.ts";

/** Readers that page through ranges at the same time. */
const maxKept = 64;

/** How many keys a reader of pages has still before it: after the first page nobody needs to count. */
export class RangeCounts {
  readonly #kept = new Map<string, number>();

  put(range: KeyRange, revision: Revision, count: number): void {
    this.#kept.set(nameOf(range, revision), count);
    if (this.#kept.size <= maxKept) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  take(range: KeyRange, revision: Revision): number | undefined {
    const name = nameOf(range, revision);
    const count = this.#kept.get(name);
    this.#kept.delete(name);
    return count;
  }
}

const nameOf = ({ start, end }: KeyRange, revision: Revision): string => JSON.stringify([revision, start, end]);
