import { limits } from "../limits.ts";

/**
 * What a page of metrics may spend on sets of labels that clients choose, in bytes; for all metrics of the page together, as
 * they are seldom many of each.
 */
export class PageBudget {
  #leftBytes = limits.maxMetricsBytes.value;

  take(bytes: number): boolean {
    if (bytes > this.#leftBytes) return false;
    this.#leftBytes -= bytes;
    return true;
  }
}

/** Which sets of labels a metric tells apart: the first that come, while the page has room. The rest count together (API MT-23). */
export class BoundedSeries {
  readonly #budget: PageBudget;
  readonly #bytes: number;
  readonly #known = new Set<string>();

  /** @param bytes  of one set on the page, about */
  constructor(budget: PageBudget, bytes: number) {
    this.#budget = budget;
    this.#bytes = bytes;
  }

  /** @param parts  what makes the set, no part with a line feed */
  admits(...parts: readonly (string | number)[]): boolean {
    const key = parts.join("\n");
    if (this.#known.has(key)) return true;
    if (!this.#budget.take(this.#bytes)) return false;
    this.#known.add(key);
    return true;
  }
}
