import { randomUUID } from "node:crypto";
import { abortable } from "../../apiserver/storage/abortable.ts";
import { closedError, StorageError } from "../../apiserver/storage/errors.ts";
import {
  maxValueBytes,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type StorageBackend,
  type StorageEvent,
  type StorageWatch,
  type StorageWatchOptions,
  type StoredValue,
  type StorePosition,
} from "../../apiserver/storage/interface.ts";
import { compareKeys } from "../../apiserver/storage/keys.ts";
import { WatchQueue } from "../../apiserver/storage/watch-queue.ts";

type Follower = { tell(): void; fail(error: StorageError): void };

/** Events of history told at once: real stores have such bounds too. */
const historyItem = 100;

/**
 * A store in memory that keeps all its history: for tests that need no disk. `breakWatches` and `hold` are what a test
 * cannot do to a real one at will.
 */
export class MemoryBackend implements StorageBackend {
  /** Reads of the newest state, to see what a cache saves. */
  reads = 0;
  /** The store that is insisted on, and how far it had come. */
  identity: string = randomUUID();
  #reached: Revision;
  /** What is really there: tests replace it. */
  #found: string | undefined = this.identity;
  /** With what was there before. */
  #history: StorageEvent[] = [];
  #closed = false;
  #current = new Map<string, StoredValue>();
  readonly #followers = new Set<Follower>();
  #revision: Revision;
  #compacted: Revision = 1;
  /** Watches hear of nothing after it. */
  #toldTo: Revision | undefined;

  constructor(firstRevision: Revision = 1) {
    this.#revision = firstRevision;
    this.#reached = firstRevision;
  }

  async get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    return abortable(async () => {
      this.reads++;
      this.#insist();
      return { value: this.#current.get(key), revision: this.#revision };
    }, signal);
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    return abortable(async () => this.#range(options), signal);
  }

  #range({ prefix, startKey = prefix, limit, revision }: RangeOptions): RangeResult {
    this.reads++;
    this.#insist();
    const state = revision === undefined ? this.#current : this.#stateAt(revision);
    const matching = [...state.values()]
      .filter(({ key }) => key.startsWith(prefix) && compareKeys(key, startKey) >= 0)
      .sort((a, b) => compareKeys(a.key, b.key));
    return { items: matching.slice(0, limit), count: matching.length, revision: revision ?? this.#revision };
  }

  /** Opened again, as by a program that was started again. */
  reopen(): this {
    this.#closed = false;
    return this;
  }

  async create(key: string, value: Uint8Array): Promise<Revision> {
    this.#insist();
    if (this.#current.has(key)) throw new StorageError("KeyExists", { key });
    return this.#put(key, value);
  }

  async update(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    this.#expect(key, expected);
    return this.#put(key, value);
  }

  async delete(key: string, expected: Revision): Promise<Revision> {
    const previous = this.#expect(key, expected);
    this.#current.delete(key);
    this.#revision++;
    this.#commit({ type: "delete", key, revision: this.#revision, previous });
    return this.#revision;
  }

  async currentRevision(): Promise<Revision> {
    this.#insist();
    return this.#revision;
  }

  watch({ prefix, after, previous, signal }: StorageWatchOptions): StorageWatch {
    let position = after;
    let owesProgress = false;
    const tell = (): void => {
      while (!queue.isFull && !queue.ended) {
        const events = this.#eventsAfter(position, prefix);
        const revision = events.at(-1)?.revision;
        if (revision === undefined) break;
        position = revision;
        queue.push({ revision, events: previous === true ? events : events.map(withoutPrevious) });
      }
      if (!owesProgress || queue.isFull || this.#toldTo !== undefined) return;
      owesProgress = false;
      queue.push({ revision: this.#revision, events: [] });
    };
    const stop = (): void => queue.end(undefined);
    const queue = new WatchQueue({
      onHungry: tell,
      onEnd: () => {
        this.#followers.delete(follower);
        signal?.removeEventListener("abort", stop);
      },
    });
    const follower: Follower = { tell, fail: (error) => queue.end(error) };
    this.#followers.add(follower);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted === true) stop();
    const why = this.#whyNot(after);
    if (why === undefined) tell();
    else follower.fail(why);
    return {
      get waitingBytes() {
        return queue.bytes;
      },
      [Symbol.asyncIterator]: () => queue,
      [Symbol.asyncDispose]: async () => stop(),
      requestProgress: () => {
        owesProgress = true;
        tell();
      },
    };
  }

  /** The next events that watches may hear of. */
  #eventsAfter(position: Revision, prefix: string): readonly StorageEvent[] {
    const events: StorageEvent[] = [];
    // Revisions of this store's history have no gaps.
    const first = Math.max(0, position + 1 - (this.#history[0]?.revision ?? 0));
    for (let index = first; index < this.#history.length && events.length < historyItem; index++) {
      const event = this.#history[index];
      if (event === undefined || event.revision > (this.#toldTo ?? event.revision)) break;
      if (event.key.startsWith(prefix)) events.push(event);
    }
    return events;
  }

  /** Why history after a revision cannot be had. */
  #whyNot(after: Revision): StorageError | undefined {
    if (this.#closed) return closedError();
    if (this.#isAnother) return unusable();
    if (after > this.#revision) return new StorageError("FutureRevision", { revision: this.#revision });
    if (after < this.#compacted) return new StorageError("Compacted", { revision: this.#compacted });
    return undefined;
  }

  async compact(revision: Revision): Promise<void> {
    if (revision <= this.#compacted) throw new StorageError("Compacted", { revision: this.#compacted });
    if (revision > this.#revision) throw new StorageError("FutureRevision", { revision: this.#revision });
    this.#compacted = revision;
  }

  async compactedRevision(): Promise<Revision> {
    return this.#compacted;
  }

  async ping(): Promise<void> {
    this.#checkOpen();
  }

  /** Of keys and values. */
  async sizeBytes(): Promise<number> {
    return [...this.#current.values()].reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  }

  async pingWrite(): Promise<void> {
    this.#checkOpen();
  }

  async position(): Promise<StorePosition> {
    return { identity: this.#found, revision: this.#revision, objects: this.#current.size, marks: 0 };
  }

  mark(): Promise<StorePosition> {
    return this.position();
  }

  async adopt({ identity = randomUUID(), revision }: StorePosition): Promise<void> {
    this.identity = identity;
    this.#found = identity;
    this.#reached = revision;
  }

  /** What is there now, to be put back later. */
  backup(): () => void {
    const [found, history, current, revision] = [
      this.#found,
      [...this.#history],
      new Map(this.#current),
      this.#revision,
    ];
    return () => this.#replace(found, history, current, revision);
  }

  /** Another store in the place of this one: an empty one, unless it is somebody's. */
  wipe(identity?: string): void {
    this.#replace(identity, [], new Map(), 1);
  }

  #replace(found: string | undefined, history: StorageEvent[], current: Map<string, StoredValue>, revision: Revision) {
    this.#found = found;
    this.#history = history;
    this.#current = current;
    this.#revision = revision;
    this.breakWatches();
  }

  get #isAnother(): boolean {
    return this.#found !== this.identity || this.#revision < this.#reached;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #insist(): void {
    this.#checkOpen();
    if (this.#isAnother) throw unusable();
    this.#reached = this.#revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakWatches(closedError());
    this.#closed = true;
  }

  /** Ends every watch with an error, as a lost connection does. */
  breakWatches(error = new StorageError("Unreachable", {})): void {
    for (const follower of [...this.#followers]) follower.fail(error);
    this.#followers.clear();
  }

  /** Watches hear nothing until the returned function is called. */
  hold(): () => void {
    this.#toldTo = this.#revision;
    return () => {
      this.#toldTo = undefined;
      this.#publish();
    };
  }

  #put(key: string, value: Uint8Array): Revision {
    if (value.byteLength > maxValueBytes) throw new StorageError("TooLarge", { key });
    const previous = this.#current.get(key);
    this.#revision++;
    const revision = this.#revision;
    this.#current.set(key, { key, value, revision });
    this.#commit({ type: "put", key, value, revision, previous });
    return revision;
  }

  #expect(key: string, expected: Revision): StoredValue {
    this.#insist();
    const current = this.#current.get(key);
    if (current === undefined) throw new StorageError("KeyNotFound", { key });
    if (current.revision !== expected) throw new StorageError("Conflict", { key, revision: current.revision });
    return current;
  }

  #commit(event: StorageEvent): void {
    this.#reached = event.revision;
    this.#history.push(event);
    this.#publish();
  }

  #publish(): void {
    for (const follower of this.#followers) follower.tell();
  }

  #stateAt(revision: Revision): ReadonlyMap<string, StoredValue> {
    if (revision > this.#revision) throw new StorageError("FutureRevision", { revision: this.#revision });
    if (revision < this.#compacted) throw new StorageError("Compacted", { revision: this.#compacted });
    const state = new Map<string, StoredValue>();
    for (const event of this.#history) {
      if (event.revision > revision) break;
      if (event.type === "delete") state.delete(event.key);
      else state.set(event.key, { key: event.key, value: event.value, revision: event.revision });
    }
    return state;
  }
}

const unusable = (): StorageError => new StorageError("Unusable", { message: "the store is not the one it was" });

function withoutPrevious({ previous: _, ...write }: StorageEvent): StorageEvent {
  return write;
}
