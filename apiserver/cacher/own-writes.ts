import { Buffer } from "node:buffer";
import type { Revision } from "../storage/interface.ts";
import type { Encoded } from "./encoder.ts";

/** A write of this process, from before it is sent until its answer. */
class OwnWrite<T extends Encoded> {
  readonly #value: Uint8Array;
  readonly #make: (revision: Revision) => T;
  #made: T | undefined;

  constructor(value: Uint8Array, make: (revision: Revision) => T) {
    this.#value = value;
    this.#make = make;
  }

  wrote(value: Uint8Array): boolean {
    return value === this.#value || (value.length === this.#value.length && Buffer.compare(value, this.#value) === 0);
  }

  at(revision: Revision): T {
    if (this.#made?.revision !== revision) this.#made = this.#make(revision);
    return this.#made;
  }
}

/**
 * What this process writes, decoded as it is: whichever comes first, the event or the answer, finds it here, and nothing
 * is parsed that was just encoded.
 */
export class OwnWrites<T extends Encoded> {
  readonly #underway = new Map<string, Set<OwnWrite<T>>>();
  /** Answered, and not told by an event yet; of one key in the order of their revisions. */
  readonly #committed = new Map<string, T[]>();
  #told: Revision = Number.POSITIVE_INFINITY;

  /**
   * @param make   what `value` decodes to at a revision
   * @param commit writes `value`; its failure is the caller's
   */
  async carryOut(
    key: string,
    write: { readonly value: Uint8Array; readonly make: (revision: Revision) => T },
    commit: () => Promise<Revision>,
  ): Promise<T> {
    const own = new OwnWrite(write.value, write.make);
    const others = this.#underway.get(key) ?? new Set();
    this.#underway.set(key, others.add(own));
    try {
      const item = own.at(await commit());
      if (item.revision > this.#told) this.#keep(key, item);
      return item;
    } finally {
      others.delete(own);
      if (others.size === 0 && this.#underway.get(key) === others) this.#underway.delete(key);
    }
  }

  /** The newest that was answered and not told. */
  latest(key: string): T | undefined {
    return this.#committed.get(key)?.at(-1);
  }

  /** What an event tells of, if it is of this process. */
  find(key: string, value: Uint8Array, revision: Revision): T | undefined {
    const committed = this.#committed.get(key)?.find((item) => item.revision === revision);
    if (committed !== undefined) return committed;
    for (const own of this.#underway.get(key) ?? []) if (own.wrote(value)) return own.at(revision);
    return undefined;
  }

  /** Events up to here were told. */
  told(revision: Revision): void {
    this.#told = revision;
    for (const [key, items] of this.#committed) {
      const rest = items.filter((item) => item.revision > revision);
      if (rest.length === 0) this.#committed.delete(key);
      else if (rest.length < items.length) this.#committed.set(key, rest);
    }
  }

  /** No events are told for now: nothing is kept for them. */
  lost(): void {
    this.#told = Number.POSITIVE_INFINITY;
    this.#committed.clear();
  }

  #keep(key: string, item: T): void {
    const items = this.#committed.get(key) ?? [];
    this.#committed.set(
      key,
      [...items, item].sort((a, b) => a.revision - b.revision),
    );
  }
}
