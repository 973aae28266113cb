import { randomUUID } from "node:crypto";
import { StorageError } from "../../apiserver/storage/errors.ts";
import type {
  RangeOptions,
  RangeResult,
  Revision,
  StorageBackend,
  StorageEvent,
  StorageWatch,
  StorageWatchItem,
  StoredValue,
  StorePosition,
} from "../../apiserver/storage/interface.ts";
import { compareKeys } from "../../apiserver/storage/keys.ts";

type Follower = { readonly prefix: string; push(item: StorageWatchItem): void; fail(error: unknown): void };

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
  #history: StorageEvent[] = [];
  #current = new Map<string, StoredValue>();
  readonly #followers = new Set<Follower>();
  #revision: Revision;
  #compacted: Revision = 1;
  #held: StorageEvent[] | undefined;

  constructor(firstRevision: Revision = 1) {
    this.#revision = firstRevision;
    this.#reached = firstRevision;
  }

  async get(key: string): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    this.reads++;
    this.#insist();
    return { value: this.#current.get(key), revision: this.#revision };
  }

  async range({ prefix, startKey = prefix, limit, revision }: RangeOptions): Promise<RangeResult> {
    this.reads++;
    this.#insist();
    const state = revision === undefined ? this.#current : this.#stateAt(revision);
    const matching = [...state.values()]
      .filter(({ key }) => key.startsWith(prefix) && compareKeys(key, startKey) >= 0)
      .sort((a, b) => compareKeys(a.key, b.key));
    return { items: matching.slice(0, limit), count: matching.length, revision: revision ?? this.#revision };
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

  watch({ prefix, after, signal }: { prefix: string; after: Revision; signal?: AbortSignal }): StorageWatch {
    const queue = new Queue<StorageWatchItem>();
    const follower: Follower = { prefix, push: (item) => queue.push(item), fail: (error) => queue.fail(error) };
    const stop = (): void => {
      this.#followers.delete(follower);
      signal?.removeEventListener("abort", stop);
      queue.end();
    };
    signal?.addEventListener("abort", stop);
    const isGone = after < this.#compacted;
    if (this.#isAnother) queue.fail(unusable());
    else if (after > this.#revision) queue.fail(new StorageError("FutureRevision", { revision: this.#revision }));
    else if (isGone) queue.fail(new StorageError("Compacted", { revision: this.#compacted }));
    else this.#followers.add(follower);
    const past = this.#history.filter(
      (event) => event.revision > after && event.key.startsWith(prefix) && !this.#held?.includes(event),
    );
    if (past.length > 0 && !isGone) queue.push({ revision: past.at(-1)?.revision ?? after, events: past });
    return {
      [Symbol.asyncIterator]: () => queue,
      [Symbol.asyncDispose]: async () => stop(),
      requestProgress: () => {
        if (this.#held === undefined) queue.push({ revision: this.#revision, events: [] });
      },
    };
  }

  async compact(revision: Revision): Promise<void> {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async compactedRevision(): Promise<Revision> {
    return this.#compacted;
  }

  async ping(): Promise<void> {}

  async pingWrite(): Promise<void> {}

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

  #insist(): void {
    if (this.#isAnother) throw unusable();
    this.#reached = this.#revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakWatches(new StorageError("Closed", {}));
  }

  /** Ends every watch with an error, as a lost connection does. */
  breakWatches(error: unknown = new StorageError("Unreachable", {})): void {
    for (const follower of [...this.#followers]) follower.fail(error);
    this.#followers.clear();
  }

  /** Watches hear nothing until the returned function is called. */
  hold(): () => void {
    const held: StorageEvent[] = [];
    this.#held = held;
    return () => {
      this.#held = undefined;
      for (const event of held) this.#publish(event);
    };
  }

  #put(key: string, value: Uint8Array): Revision {
    const previous = this.#current.get(key);
    this.#revision++;
    const revision = this.#revision;
    this.#current.set(key, { key, value, revision });
    this.#commit({ type: "put", key, value, revision, ...(previous === undefined ? {} : { previous }) });
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
    if (this.#held === undefined) this.#publish(event);
    else this.#held.push(event);
  }

  #publish(event: StorageEvent): void {
    for (const follower of this.#followers) {
      if (event.key.startsWith(follower.prefix)) follower.push({ revision: event.revision, events: [event] });
    }
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

class Queue<T> implements AsyncIterator<T, undefined> {
  readonly #items: T[] = [];
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  push(item: T): void {
    if (this.#failure !== undefined || this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return { done: false, value: item };
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }
}
