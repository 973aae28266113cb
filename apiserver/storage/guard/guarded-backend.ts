/**
 * A backend whose operations are told and refused as its guard decides: nothing above it sees a store that must not be
 * believed.
 */
import { isStorageError, StorageError } from "../errors.ts";
import type {
  RangeOptions,
  RangeResult,
  Revision,
  StorageBackend,
  StorageWatch,
  StorageWatchItem,
  StorageWatchOptions,
  StoredValue,
  StorePosition,
} from "../interface.ts";
import type { StoreGuard } from "./store-guard.ts";

export type WriteOutcomes = {
  /** A write failed for a reason of the store's, not of the writer's. */
  readonly onFailure: (error: StorageError) => void;
  readonly onSuccess: () => void;
};

const ofTheStore: ReadonlySet<string> = new Set(["Full", "Unwritable", "Unreachable"]);

export class GuardedBackend implements StorageBackend {
  readonly #backend: StorageBackend;
  readonly #guard: StoreGuard;
  readonly #writes: WriteOutcomes;

  constructor(backend: StorageBackend, guard: StoreGuard, writes: WriteOutcomes) {
    this.#backend = backend;
    this.#guard = guard;
    this.#writes = writes;
  }

  get identity(): string {
    return this.#backend.identity;
  }

  async get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    const result = await this.#read(() => this.#backend.get(key, signal));
    this.#guard.reached(result.revision);
    return result;
  }

  async range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    const result = await this.#read(() => this.#backend.range(options, signal));
    this.#guard.reached(result.revision);
    return result;
  }

  create(key: string, value: Uint8Array): Promise<Revision> {
    return this.#write(() => this.#backend.create(key, value));
  }

  update(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    return this.#write(() => this.#backend.update(key, value, expected));
  }

  delete(key: string, expected: Revision): Promise<Revision> {
    return this.#write(() => this.#backend.delete(key, expected));
  }

  async currentRevision(signal?: AbortSignal): Promise<Revision> {
    const revision = await this.#read(() => this.#backend.currentRevision(signal));
    this.#guard.reached(revision);
    return revision;
  }

  watch(options: StorageWatchOptions): StorageWatch {
    return new GuardedWatch(this.#backend.watch(options), this.#guard);
  }

  compact(revision: Revision): Promise<void> {
    return this.#guarded(() => this.#backend.compact(revision));
  }

  compactedRevision(): Promise<Revision> {
    return this.#guarded(() => this.#backend.compactedRevision());
  }

  position(signal?: AbortSignal): Promise<StorePosition> {
    return this.#backend.position(signal);
  }

  mark(signal?: AbortSignal): Promise<StorePosition> {
    return this.#guarded(() => this.#backend.mark(signal));
  }

  adopt(position: StorePosition): Promise<void> {
    return this.#backend.adopt(position);
  }

  ping(): Promise<void> {
    return this.#backend.ping();
  }

  sizeBytes(): Promise<number> {
    return this.#backend.sizeBytes();
  }

  pingWrite(): Promise<void> {
    return this.#guarded(() => this.#backend.pingWrite());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }

  async #write(work: () => Promise<Revision>): Promise<Revision> {
    try {
      const revision = await this.#guarded(work);
      this.#guard.reached(revision);
      this.#writes.onSuccess();
      return revision;
    } catch (error) {
      if (isStorageError(error) && ofTheStore.has(error.code)) this.#writes.onFailure(error);
      throw error;
    }
  }

  async #read<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.#guarded(work);
    // What was read while the guard closed is not to be believed either.
    this.#checkOpen();
    return result;
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    try {
      return await work();
    } catch (error) {
      if (isStorageError(error, "Unusable")) this.#guard.doubt(error);
      throw error;
    }
  }

  #checkOpen(): void {
    const { refusal } = this.#guard;
    if (refusal !== undefined) throw new StorageError("Unusable", { message: refusal });
  }
}

/** Ends, without an event more, as soon as the store must not be used. */
class GuardedWatch implements StorageWatch {
  readonly #watch: StorageWatch;
  readonly #guard: StoreGuard;

  constructor(watch: StorageWatch, guard: StoreGuard) {
    this.#watch = watch;
    this.#guard = guard;
  }

  get waitingBytes(): number {
    return this.#watch.waitingBytes;
  }

  requestProgress(): void {
    this.#watch.requestProgress();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StorageWatchItem, undefined> {
    const stop = this.#guard.onClosed(() => void this.#watch[Symbol.asyncDispose]());
    try {
      for await (const item of this.#watch) {
        if (this.#guard.refusal !== undefined) return;
        this.#guard.reached(item.revision);
        yield item;
      }
    } catch (error) {
      if (isStorageError(error, "Unusable")) this.#guard.doubt(error);
      throw error;
    } finally {
      stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
  }
}
