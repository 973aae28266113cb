import { systemClock } from "../machinery/clock.ts";
import { isStorageError } from "./errors.ts";
import type {
  RangeOptions,
  RangeResult,
  Revision,
  StorageBackend,
  StorageWatch,
  StorageWatchOptions,
  StoredValue,
  StorePosition,
} from "./interface.ts";
import { type ResourceIdentity, resourceOf } from "./keys.ts";

/** One call of the store, in the words of API MT-13. */
export type StorageCall = ResourceIdentity & {
  readonly operation: "get" | "list" | "create" | "update" | "delete" | "getCurrentResourceVersion";
  readonly ms: number;
  /** For a reason of the store's: a key that is there, gone or changed is an answer. */
  readonly failed: boolean;
};

const answers: ReadonlySet<string> = new Set(["Conflict", "KeyExists", "KeyNotFound"]);
const ofNone: ResourceIdentity = { group: "", resource: "" };

/** A backend that tells how long its calls took and how they went. Watches last as long as they are wanted: not told. */
export class MeteredBackend implements StorageBackend {
  readonly #backend: StorageBackend;
  readonly #onCall: (call: StorageCall) => void;

  constructor(backend: StorageBackend, onCall: (call: StorageCall) => void) {
    this.#backend = backend;
    this.#onCall = onCall;
  }

  get identity(): string {
    return this.#backend.identity;
  }

  get(key: string, signal?: AbortSignal): Promise<{ value: StoredValue | undefined; revision: Revision }> {
    return this.#timed("get", key, this.#backend.get(key, signal));
  }

  range(options: RangeOptions, signal?: AbortSignal): Promise<RangeResult> {
    return this.#timed("list", options.prefix, this.#backend.range(options, signal));
  }

  create(key: string, value: Uint8Array): Promise<Revision> {
    return this.#timed("create", key, this.#backend.create(key, value));
  }

  update(key: string, value: Uint8Array, expected: Revision): Promise<Revision> {
    return this.#timed("update", key, this.#backend.update(key, value, expected));
  }

  delete(key: string, expected: Revision): Promise<Revision> {
    return this.#timed("delete", key, this.#backend.delete(key, expected));
  }

  currentRevision(signal?: AbortSignal): Promise<Revision> {
    return this.#timed("getCurrentResourceVersion", "", this.#backend.currentRevision(signal));
  }

  watch(options: StorageWatchOptions): StorageWatch {
    return this.#backend.watch(options);
  }

  compact(revision: Revision): Promise<void> {
    return this.#backend.compact(revision);
  }

  compactedRevision(): Promise<Revision> {
    return this.#backend.compactedRevision();
  }

  position(signal?: AbortSignal): Promise<StorePosition> {
    return this.#backend.position(signal);
  }

  mark(signal?: AbortSignal): Promise<StorePosition> {
    return this.#backend.mark(signal);
  }

  adopt(position: StorePosition): Promise<void> {
    return this.#backend.adopt(position);
  }

  ping(): Promise<void> {
    return this.#backend.ping();
  }

  pingWrite(): Promise<void> {
    return this.#backend.pingWrite();
  }

  sizeBytes(): Promise<number> {
    return this.#backend.sizeBytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }

  async #timed<T>(operation: StorageCall["operation"], key: string, work: Promise<T>): Promise<T> {
    const startedMs = systemClock.elapsedMs();
    const told = (failed: boolean): void =>
      this.#onCall({ operation, ...(resourceOf(key) ?? ofNone), ms: systemClock.elapsedMs() - startedMs, failed });
    try {
      const result = await work;
      told(false);
      return result;
    } catch (error) {
      told(!(isStorageError(error) && answers.has(error.code)));
      throw error;
    }
  }
}
