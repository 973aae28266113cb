import { limits } from "../limits.ts";
import type { Revision } from "../storage/interface.ts";
import type { CacheEvent } from "./cache-event.ts";
import type { Encoded } from "./encoder.ts";

/** Events younger than this stay, if there is room: clients that lost their connection come back within it (API W-12). */
const keepMs = 75_000;
/** Never fewer are dropped for their age: a quiet resource keeps its past at no cost. kube-apiserver's own minimum. */
const minEvents = 100;
/** What is older is read from storage's history, so these bound memory, not what a client may ask. */
const maxEvents = limits.maxWindowEvents.value;
const maxBytes = limits.maxWindowBytes.value;

/** The most recent events of one resource, in revision order. */
export class EventWindow<T extends Encoded> {
  #events: CacheEvent<T>[] = [];
  #start = 0;
  #bytes = 0;
  #floor: Revision;

  /** @param floor every event with a greater revision will be added */
  constructor(floor: Revision) {
    this.#floor = floor;
  }

  /** All events after this revision are here. */
  get floor(): Revision {
    return this.#floor;
  }

  add(event: CacheEvent<T>): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
    for (let oldest = this.#events[this.#start]; oldest !== undefined; oldest = this.#events[this.#start]) {
      if (!this.#isSuperfluous(oldest, event.receivedAtMs)) break;
      this.#floor = oldest.revision;
      this.#bytes -= oldest.bytes;
      this.#start++;
    }
    // What was dropped is freed with the array that holds it; moving it for each event would cost more than it saves.
    if (this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Events after `revision`, or `undefined` when some of them are gone. */
  since(revision: Revision): readonly CacheEvent<T>[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle];
      if (event !== undefined && event.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  #isSuperfluous(oldest: CacheEvent<T>, nowMs: number): boolean {
    const count = this.#events.length - this.#start;
    if (count > maxEvents || this.#bytes > maxBytes) return true;
    return count > minEvents && oldest.receivedAtMs < nowMs - keepMs;
  }
}
