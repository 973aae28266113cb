/**
 * What happened before the recent events, read from storage for all who ask: hundreds of informers that resume after a
 * restart read it once.
 *
 * Invariant: memory is bounded by the pages kept and the ones being read, not by how much history there is, nor by how
 *            many read it, nor by how slowly they do.
 */
import { limits } from "../limits.ts";
import type { Clock } from "../machinery/clock.ts";
import type { Revision, StorageBackend, StorageEvent, StorageWatch, StorageWatchItem } from "../storage/interface.ts";
import { CacheEvent } from "./cache-event.ts";
import type { Encoded, Encoder } from "./encoder.ts";

/** A page holds so much of history, about: what one reading has at least. */
const pageEvents = 256;
const pageBytes = 1024 * 1024;
/** Readings at once, and those that wait for who goes on with them. More readers than that, at different places, begin anew. */
const maxTapes = 4;
/** Revisions that are read for nobody rather than to begin anew behind them. */
const nearRevisions = 1000;
/** Pages nobody has asked for in so long are dropped: clients that lost their connection come back within it (API W-12). */
const keepMs = 75_000;
/** Events decoded without giving other work a turn. */
const decodedAtOnce = 64;

/** What was written is no object: those who would have to show it fail. */
export class UnreadableEvent {
  readonly key: string;
  readonly revision: Revision;
  readonly error: unknown;

  constructor(key: string, revision: Revision, error: unknown) {
    this.key = key;
    this.revision = revision;
    this.error = error;
  }
}

export type PastEvent<T extends Encoded> = CacheEvent<T> | UnreadableEvent;

/** Every event with `after` < revision <= `to`, in order. */
export type HistoryPage<T extends Encoded> = {
  readonly after: Revision;
  readonly to: Revision;
  readonly events: readonly PastEvent<T>[];
  readonly bytes: number;
};

/** Storage's history, read on from where the last page ended. */
type Tape<T extends Encoded> = {
  position: Revision;
  readonly watch: StorageWatch;
  readonly items: AsyncIterator<StorageWatchItem>;
  /** The page that is being read. */
  reading: Promise<HistoryPage<T>> | undefined;
};

type Asked<T extends Encoded> = {
  readonly after: Revision;
  readonly upTo: Revision;
  readonly resolve: (page: HistoryPage<T>) => void;
  readonly reject: (error: unknown) => void;
};

export type SharedHistoryOptions<T extends Encoded> = {
  readonly backend: StorageBackend;
  readonly prefix: string;
  readonly encoder: Encoder<T>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

export class SharedHistory<T extends Encoded> {
  readonly #options: SharedHistoryOptions<T>;
  /** The one last used is the last. */
  #pages: HistoryPage<T>[] = [];
  #tapes: Tape<T>[] = [];
  #asked: Asked<T>[] = [];
  #cancelDrop: (() => void) | undefined;

  constructor(options: SharedHistoryOptions<T>) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.drop(), { once: true });
  }

  /** Bytes of the pages kept. */
  get bytes(): number {
    return this.#pages.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * A page with what comes after `after`; it may begin before. Its end is a while ahead, or reaches `upTo`.
   * @param upTo after `after`: the revision of an event, or one that storage has answered with. Storage may tell of nothing
   *             behind it, so nothing behind it is waited for.
   * @throws StorageError `Compacted`, and whatever a watch may end with
   */
  page(after: Revision, upTo: Revision): Promise<HistoryPage<T>> {
    const known = this.#find(after);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      this.#asked.push({ after, upTo, resolve, reject });
      if (this.#asked.length === 1) setImmediate(() => this.#begin());
    });
  }

  /** Forgets what was read. */
  drop(): void {
    this.#cancelDrop?.();
    this.#cancelDrop = undefined;
    this.#pages = [];
    for (const tape of this.#tapes.splice(0)) void tape.watch[Symbol.asyncDispose]();
  }

  /** Whoever asks in the same turn is taken along, and whoever begins first reads for those after. */
  #begin(): void {
    const asked = this.#asked.splice(0).sort((a, b) => a.after - b.after);
    for (const { after, upTo, resolve, reject } of asked) this.#answer(after, upTo).then(resolve, reject);
  }

  /** Each tape is read for one at a time, and others meanwhile: nobody waits for what is read at another place. */
  async #answer(after: Revision, upTo: Revision): Promise<HistoryPage<T>> {
    for (;;) {
      const known = this.#find(after);
      if (known !== undefined) return known;
      const tape = this.#tapeFor(after);
      const others = tape === undefined ? Promise.race(this.#tapes.map(({ reading }) => reading)) : tape.reading;
      if (tape === undefined || others !== undefined) {
        // What it failed at is its own reader's: the next look finds another tape.
        await others?.catch(() => {});
        continue;
      }
      tape.reading = this.#read(tape, upTo);
      const page = await tape.reading;
      if (page.after <= after && after < page.to) return page;
    }
  }

  #find(after: Revision): HistoryPage<T> | undefined {
    const found = this.#pages.find((page) => page.after <= after && after < page.to);
    if (found !== undefined) this.#keep(found);
    return found;
  }

  #keep(page: HistoryPage<T>): void {
    this.#pages = [...this.#pages.filter((other) => other !== page), page];
    for (let bytes = this.bytes; bytes > limits.maxHistoryBytes.value && this.#pages.length > 1; bytes = this.bytes) {
      this.#pages.shift();
    }
    this.#dropLater();
  }

  /** Not while somebody is read for: a store that is away keeps a reading waiting for longer than that. */
  #dropLater(): void {
    const { clock, signal } = this.#options;
    this.#cancelDrop?.();
    if (signal.aborted) return;
    this.#cancelDrop = clock.after(keepMs, () =>
      this.#tapes.some(({ reading }) => reading !== undefined) ? this.#dropLater() : this.drop(),
    );
  }

  async #read(tape: Tape<T>, upTo: Revision): Promise<HistoryPage<T>> {
    try {
      const page = await this.#readPage(tape, upTo);
      tape.position = page.to;
      this.#keep(page);
      return page;
    } catch (error) {
      this.#tapes = this.#tapes.filter((other) => other !== tape);
      await tape.watch[Symbol.asyncDispose]();
      throw error;
    } finally {
      tape.reading = undefined;
    }
  }

  /** The one that reaches the place soonest, or a new one; `undefined` while all are read for others. */
  #tapeFor(position: Revision): Tape<T> | undefined {
    const { backend, prefix, signal } = this.#options;
    const near = this.#tapes.filter((tape) => tape.position <= position && position - tape.position <= nearRevisions);
    const [nearest] = near.sort((a, b) => b.position - a.position);
    if (nearest !== undefined) return nearest;
    if (this.#tapes.length >= maxTapes) {
      const idle = this.#tapes.findIndex(({ reading }) => reading === undefined);
      if (idle === -1) return undefined;
      for (const { watch } of this.#tapes.splice(idle, 1)) void watch[Symbol.asyncDispose]();
    }
    const watch = backend.watch({ prefix, after: position, previous: true, signal });
    const tape = { position, watch, items: watch[Symbol.asyncIterator](), reading: undefined };
    this.#tapes.push(tape);
    return tape;
  }

  async #readPage({ position, watch, items }: Tape<T>, upTo: Revision): Promise<HistoryPage<T>> {
    const events: PastEvent<T>[] = [];
    const newest = new Map<string, T>();
    let bytes = 0;
    let to = position;
    watch.requestProgress();
    while (to < upTo && events.length < pageEvents && bytes < pageBytes) {
      const next = await items.next();
      if (next.done === true) throw new Error("the reading of history was ended");
      const item = next.value;
      for (const event of item.events) {
        const past = this.#pastEvent(event, newest);
        events.push(past);
        if (past instanceof CacheEvent) bytes += past.bytes;
        if (events.length % decodedAtOnce === 0) await nextTurn();
      }
      to = Math.max(to, item.revision);
    }
    return { after: position, to, events, bytes };
  }

  /** What was there before is what the event before left, where that is known: `newest` keeps it. */
  #pastEvent(event: StorageEvent, newest: Map<string, T>): PastEvent<T> {
    const { prefix, encoder } = this.#options;
    const key = event.key.slice(prefix.length);
    const { previous: stored, revision } = event;
    try {
      const known = newest.get(key);
      const isKnown = known !== undefined && known.revision === stored?.revision;
      const previous = isKnown || stored === undefined ? known : encoder.decode(stored.value, stored.revision);
      const item = event.type === "put" ? encoder.decode(event.value, revision) : undefined;
      if (item === undefined) newest.delete(key);
      else newest.set(key, item);
      return new CacheEvent({ key, revision, item, previous: stored === undefined ? undefined : previous }, encoder, 0);
    } catch (error) {
      newest.delete(key);
      return new UnreadableEvent(key, revision, error);
    }
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
