/**
 * A watch on etcd that outlives its streams.
 *
 * Invariant: a stream begins where the last item ended; an item ends with a whole revision.
 * Invariant: a deletion that this process did not ask for is told only after the store was found to be the one it was.
 * Invariant: a change whose previous value was asked for and is gone is not told without it: the watch fails with
 *            `Compacted`.
 */
import type { IEvent, IKeyValue, IResponseHeader } from "etcd3";
import { delay, systemClock, wakefulClock } from "../../machinery/clock.ts";
import { isStorageError, StorageError } from "../errors.ts";
import type {
  Revision,
  StorageEvent,
  StorageWatch,
  StorageWatchItem,
  StorageWatchOptions,
  StoredValue,
} from "../interface.ts";
import { WatchQueue } from "../watch-queue.ts";
import type { WatchRequest, WatchResponse, WatchStream } from "./client.ts";
import { interpretEtcdError } from "./errors.ts";
import type { Keyspace } from "./keyspace.ts";

/** What a watch needs of its store. */
export type WatchSource = {
  readonly openStream: () => Promise<{ readonly stream: WatchStream; readonly distrust: () => void }>;
  /** @throws StorageError `Compacted`, `FutureRevision`, when history after `revision` cannot be had */
  readonly checkHistory: (revision: Revision) => Promise<void>;
  /** @throws StorageError `Unusable`, when the store is no longer the one it was */
  readonly checkStore: () => Promise<void>;
  /** @throws StorageError `Unusable`, when another cluster answered */
  readonly checkHeader: (header: IResponseHeader) => void;
  /** Whether this process deleted the key. */
  readonly isOwnDelete: (key: string) => boolean;
  /** Newest revision any answer of the store had. */
  readonly newestSeen: () => Revision;
  readonly keyspace: Keyspace;
};

export type EtcdWatchOptions = Omit<StorageWatchOptions, "signal"> & {
  readonly source: WatchSource;
  readonly onEnd: (watch: EtcdWatch) => void;
};

/** How long to wait before the n-th attempt to get a stream again, in ms. */
const firstRetryMs = 50;
const maxRetryMs = 2_000;

/** Without a stream for so long the store counts as lost. Shorter than what clients wait for a leader election: 60 s. */
const lostAfterMs = 60_000;

/** A member that has not confirmed a watch in so long, or is silent for so long when it is asked how far it is, is left. */
const silentMs = 5_000;
/** etcd leaves a progress request unanswered while a watch is catching up, so it is repeated: kube-apiserver's period. */
const progressRetryMs = 100;

export class EtcdWatch implements StorageWatch {
  readonly #options: EtcdWatchOptions;
  readonly #queue: WatchQueue;
  /** Everything up to here was told. */
  #told: Revision;
  #fragments: StorageEvent[] = [];
  /** Items behind a deletion that is being looked into. */
  #held: StorageWatchItem[] | undefined;
  #stream: WatchStream | undefined;
  #distrust: () => void = () => {};
  #heardAtMs = 0;
  /** etcd has confirmed the watch on the stream there is now. */
  #accepted = false;
  #wake: (() => void) | undefined;
  #progress:
    | { floor: Revision; askedFloor: Revision; readonly timer: NodeJS.Timeout; readonly askedAtMs: number }
    | undefined;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
    this.#queue = new WatchQueue({ onHungry: () => this.#stream?.resume(), onEnd: () => this.#stop() });
    this.#told = options.after;
    void this.#follow();
  }

  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /**
   * The answer is at least as new as any answer this process had from the store. A newer revision of another process
   * cannot be known to whoever asks, unless they asked the store for it, which counts.
   */
  requestProgress(): void {
    if (this.#queue.ended) return;
    const floor = this.#options.source.newestSeen();
    if (this.#progress !== undefined) {
      this.#progress.floor = floor;
      return;
    }
    const timer = setInterval(() => this.#askAgain(), progressRetryMs).unref();
    this.#progress = { floor, askedFloor: 0, timer, askedAtMs: systemClock.elapsedMs() };
    this.#askProgress();
  }

  end(error: StorageError | undefined): void {
    this.#queue.end(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<StorageWatchItem, undefined> {
    return this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(undefined);
  }

  #stop(): void {
    clearInterval(this.#progress?.timer);
    this.#progress = undefined;
    this.#dropStream();
    this.#wake?.();
    this.#options.onEnd(this);
  }

  /** Keeps a stream going until the watch ends; what cannot be bridged ends it. */
  async #follow(): Promise<void> {
    let failures = 0;
    let wellAt = systemClock.elapsedMs();
    while (!this.#queue.ended) {
      try {
        // Each time: an etcd put back to an older state would keep a watch from the future waiting for ever (API T-18).
        await this.#options.source.checkHistory(this.#told);
        if (await this.#runStream()) {
          failures = 0;
          wellAt = systemClock.elapsedMs();
        }
      } catch (cause) {
        const error = interpretEtcdError(cause);
        if (!isStorageError(error, "Unreachable") || systemClock.elapsedMs() - wellAt > lostAfterMs) this.end(error);
      }
      if (this.#queue.ended) return;
      await this.#pause(Math.min(maxRetryMs, firstRetryMs * 2 ** failures));
      failures++;
    }
  }

  /** Resolves at the end of the stream with whether etcd had accepted the watch. */
  async #runStream(): Promise<boolean> {
    const { stream, distrust } = await this.#options.source.openStream();
    this.#stream = stream;
    this.#distrust = distrust;
    this.#heardAtMs = systemClock.elapsedMs();
    this.#accepted = false;
    this.#fragments = [];
    this.#held = undefined;
    if (this.#queue.ended) this.#dropStream();
    return new Promise((resolve, reject) => {
      let accepted = false;
      const silent = setTimeout(() => this.#leave(stream), silentMs).unref();
      stream.on("data", (response) => {
        clearTimeout(silent);
        this.#heardAtMs = systemClock.elapsedMs();
        accepted ||= response.created && !response.canceled;
        if (this.#stream !== stream) return;
        try {
          this.#receive(response);
        } catch (error) {
          this.end(interpretEtcdError(error));
        }
      });
      stream.on("end", () => resolve(accepted));
      stream.on("error", (error) => {
        clearTimeout(silent);
        // What this member lost another may have; without another it is asked again.
        if (this.#stream === stream) distrust();
        if (accepted || this.#queue.ended) resolve(accepted);
        else reject(error);
      });
      this.#send(createRequest(this.#options, this.#told));
    });
  }

  #receive(response: WatchResponse): void {
    this.#options.source.checkHeader(response.header);
    if (response.canceled) {
      const compacted = Number(response.compact_revision);
      if (compacted > 0) throw new StorageError("Compacted", { revision: compacted });
      // Anything else may pass: a member without leader, a token that ran out. The next stream will tell.
      this.#distrust();
      this.#dropStream();
      return;
    }
    if (response.created) {
      this.#accepted = true;
      this.#askProgress();
      return;
    }
    for (const event of response.events) this.#fragments.push(storageEvent(event, this.#options));
    const last = this.#fragments.at(-1)?.revision ?? 0;
    // The rest of its last revision may be in the next fragment; what is before it is whole.
    const whole = response.fragment ? this.#fragments.findIndex(({ revision }) => revision === last) : Infinity;
    const events = this.#fragments.splice(0, whole);
    if (response.fragment && events.length === 0) return;
    // The header may be ahead of events that are still to come, except where it says that there are none.
    this.#take({ revision: events.at(-1)?.revision ?? Number(response.header.revision), events });
  }

  #take(item: StorageWatchItem): void {
    if (this.#held !== undefined) {
      this.#held.push(item);
      return;
    }
    const deleted = item.events.filter(({ type, key }) => type === "delete" && !this.#options.source.isOwnDelete(key));
    if (deleted.length === 0) {
      this.#tell(item.revision, item.events);
      return;
    }
    // Each delete of ours, in whichever process, has a revision of its own.
    if (new Set(deleted.map(({ revision }) => revision)).size < deleted.length) {
      throw new StorageError("Unusable", {
        message: "keys of the store were deleted together, by something else than us",
      });
    }
    void this.#lookInto(item);
  }

  /** An etcd that was emptied tells of deletions too; but then it has lost its identity. */
  async #lookInto(item: StorageWatchItem): Promise<void> {
    const stream = this.#stream;
    const held: StorageWatchItem[] = [];
    this.#held = held;
    try {
      await this.#options.source.checkStore();
      if (this.#stream !== stream || this.#held !== held) return;
      this.#held = undefined;
      this.#tell(item.revision, item.events);
      for (const next of held) this.#take(next);
    } catch (error) {
      // What was held is told by the next stream.
      if (isStorageError(error, "Unreachable")) this.#dropStream();
      else this.end(interpretEtcdError(error));
    }
  }

  #tell(revision: Revision, events: readonly StorageEvent[]): void {
    if (revision < this.#told) return;
    this.#told = revision;
    this.#queue.push({ revision, events });
    // etcd keeps what is not read, and reads it again when that is too much.
    if (this.#queue.isFull) this.#stream?.pause();
    this.#settleProgress(revision);
  }

  #settleProgress(revision: Revision): void {
    const progress = this.#progress;
    if (progress === undefined) return;
    if (revision >= progress.floor) {
      clearInterval(progress.timer);
      this.#progress = undefined;
    } else if (progress.floor > progress.askedFloor) {
      this.#askProgress();
    }
  }

  #askAgain(): void {
    const stream = this.#stream;
    const silentSinceMs = Math.max(this.#heardAtMs, this.#progress?.askedAtMs ?? 0);
    const isSilent = this.#accepted && !this.#queue.isFull && systemClock.elapsedMs() - silentSinceMs > silentMs;
    if (stream !== undefined && isSilent) this.#leave(stream);
    else this.#askProgress();
  }

  /** A member that says nothing may be cut off, in one direction even, and not know it. */
  #leave(stream: WatchStream): void {
    if (this.#stream !== stream) return;
    this.#distrust();
    this.#dropStream();
  }

  #askProgress(): void {
    const progress = this.#progress;
    if (progress === undefined || !this.#accepted) return;
    // etcd does not answer before there is a revision the watch was begun for; but then there is nothing to ask.
    if (this.#told >= progress.floor) {
      this.#tell(this.#told, []);
      return;
    }
    progress.askedFloor = progress.floor;
    this.#send({ progress_request: {} });
  }

  #send(request: WatchRequest): void {
    this.#stream?.write(request);
  }

  #dropStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#accepted = false;
    stream?.end();
    stream?.cancel();
  }

  #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    return delay(wakefulClock, ms, woken.signal);
  }
}

function createRequest({ prefix, previous, source }: EtcdWatchOptions, told: Revision): WatchRequest {
  return {
    create_request: {
      ...source.keyspace.range(prefix),
      start_revision: told + 1,
      prev_kv: previous === true,
      fragment: true,
      progress_notify: true,
    },
  };
}

function storageEvent(
  event: IEvent,
  { previous: wantsPrevious, source: { keyspace } }: EtcdWatchOptions,
): StorageEvent {
  const { type, kv, prev_kv: before } = event;
  const key = keyspace.name(kv.key);
  const revision = Number(kv.mod_revision);
  const previous = hasValue(before) ? storedValue(before, keyspace) : undefined;
  // The first version of a key is the only one that follows nothing.
  const isFirst = type === "Put" && kv.version === "1";
  if (wantsPrevious === true && previous === undefined && !isFirst) {
    throw new StorageError("Compacted", { key, revision });
  }
  const write = { key, revision, ...(previous === undefined ? {} : { previous }) };
  return type === "Put" ? { type: "put", value: kv.value, ...write } : { type: "delete", ...write };
}

/** The message is null where etcd sent none, whatever its type says. */
function hasValue(kv: IKeyValue | null): kv is IKeyValue {
  return kv !== null;
}

export function storedValue(kv: IKeyValue, keyspace: Keyspace): StoredValue {
  return { key: keyspace.name(kv.key), value: kv.value, revision: Number(kv.mod_revision) };
}
