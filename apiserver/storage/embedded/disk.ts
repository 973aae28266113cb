import type { EventEmitter } from "node:events";
import { Worker } from "node:worker_threads";
import { limits } from "../../limits.ts";
import { StorageError } from "../errors.ts";
import type { Revision } from "../interface.ts";
import { type DataDirectory, directoryInUse, refusedStore, unusableDirectory } from "./data-directory.ts";
import type { DiskError, DiskFiles, FromDisk, Query, QueryResult, ToDisk, Write, WriteOutcome } from "./messages.ts";

export type OpenedDisk = {
  readonly disk: Disk;
  readonly identity: string;
  readonly revision: Revision;
  readonly compacted: Revision;
};

/** A write on its way. `value` is the caller's own bytes, empty for a delete. */
export type PendingWrite = {
  readonly write: UnplacedWrite;
  readonly value: Uint8Array;
  readonly settle: (outcome: WriteOutcome | StorageError) => void;
};

type UnplacedWrite =
  | { readonly type: "create"; readonly key: string }
  | {
      readonly type: "update";
      readonly key: string;
      readonly expected: Revision;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly expected: Revision;
    };

/** Told of outcomes before any of their writers is: the order in which they were committed. */
export type WriteListener = (
  group: readonly {
    readonly pending: PendingWrite;
    readonly outcome: WriteOutcome;
  }[],
) => void;

type Waiting = {
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: StorageError) => void;
};

/** A `Worker`, as far as it is used here. */
export type DiskThread = Pick<Worker, "postMessage"> & Pick<EventEmitter, "on" | "once">;

/** This side of the disk thread: turns messages into promises. */
export class Disk {
  readonly #worker: DiskThread;
  readonly #onWritten: WriteListener;
  readonly #waiting = new Map<number, Waiting>();
  readonly #writing = new Map<number, readonly PendingWrite[]>();
  readonly #exited: Promise<void>;
  #gathered: PendingWrite[] = [];
  #gatheredBytes = 0;
  #lastId = 0;
  #lost: StorageError | undefined;

  constructor(worker: DiskThread, onWritten: WriteListener, onLost: (error: StorageError) => void) {
    this.#worker = worker;
    this.#onWritten = onWritten;
    worker.on("message", (message: FromDisk) => this.#receive(message));
    worker.on("error", (error) => this.#lose(unreachable(String(error)), onLost));
    this.#exited = new Promise((resolve) => {
      worker.once("exit", () => {
        this.#lose(unreachable("the disk thread has ended"), onLost);
        resolve();
      });
    });
  }

  /** Takes part in the next transaction. Writes of one turn of the event loop travel together, as many as one may have. */
  write(pending: PendingWrite): void {
    if (this.#lost !== undefined) {
      pending.settle(this.#lost);
      return;
    }
    this.#gathered.push(pending);
    this.#gatheredBytes += pending.value.byteLength;
    if (this.#gatheredBytes > limits.maxTransactionBytes.value) this.#sendGathered();
    else if (this.#gathered.length === 1) setImmediate(() => this.#sendGathered());
  }

  #sendGathered(): void {
    const group = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (group.length === 0) return;
    if (this.#lost !== undefined) {
      for (const { settle } of group) settle(this.#lost);
      return;
    }
    const { writes, values } = pack(group);
    const id = ++this.#lastId;
    this.#writing.set(id, group);
    this.#send({ type: "write", id, writes, values }, [values]);
  }

  /** @throws StorageError `Compacted`, `FutureRevision`, `Unreachable` */
  query(query: Query): Promise<QueryResult> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ type: "query", id, query }, []);
    });
  }

  /** Finishes what was asked for, then gives the directory free. */
  async close(): Promise<void> {
    this.#sendGathered();
    if (this.#lost === undefined) this.#send({ type: "close" }, []);
    await this.#exited;
  }

  #send(message: ToDisk, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromDisk): void {
    switch (message.type) {
      case "written":
        this.#settle(message.groups);
        return;
      case "notWritten":
        for (const id of message.ids) this.#fail(this.#writersOf(id), storageError(message.error));
        return;
      case "result":
        this.#reader(message.id)?.resolve(message.result);
        return;
      case "error":
        this.#reader(message.id)?.reject(storageError(message.error));
        return;
      case "opened":
      case "notOpened":
        return;
    }
  }

  #settle(
    groups: readonly {
      readonly id: number;
      readonly outcomes: readonly WriteOutcome[];
    }[],
  ): void {
    const written = groups.flatMap(({ id, outcomes }) =>
      this.#writersOf(id).flatMap((pending, index) => {
        const outcome = outcomes[index];
        return outcome === undefined ? [] : [{ pending, outcome }];
      }),
    );
    this.#onWritten(written);
    // Readers of the events first: a tick queued from a microtask runs when no microtask is left, so a cache that
    // follows the watch without waiting for anything else is up to date when the writer hears of its success.
    queueMicrotask(() =>
      process.nextTick(() => {
        for (const { pending, outcome } of written) pending.settle(outcome);
      }),
    );
  }

  #fail(group: readonly PendingWrite[], error: StorageError): void {
    for (const { settle } of group) settle(error);
  }

  #writersOf(id: number): readonly PendingWrite[] {
    const group = this.#writing.get(id) ?? [];
    this.#writing.delete(id);
    return group;
  }

  #reader(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #lose(error: StorageError, onLost: (error: StorageError) => void): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    for (const id of [...this.#writing.keys()]) this.#fail(this.#writersOf(id), error);
    for (const id of [...this.#waiting.keys()]) this.#reader(id)?.reject(error);
    onLost(error);
  }
}

/** @throws Error that names the directory, when it is in use or cannot be used */
export async function openDisk(
  directory: DataDirectory,
  maxBytes: number | undefined,
  onWritten: WriteListener,
  onLost: (error: StorageError) => void,
): Promise<OpenedDisk> {
  // The file beside this one has the ending this one has, in the source tree and when compiled.
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const worker = new Worker(new URL(`./worker${ending}`, import.meta.url), {
    workerData: {
      database: directory.databaseFile,
      mark: directory.markFile,
      reserve: directory.reserveFile,
      maxBytes,
    } satisfies DiskFiles,
    // What the program was started with (--input-type, --test, ...) is about its own entry, not about this file.
    execArgv: [],
  });
  const opened = await new Promise<FromDisk>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(unusableDirectory(directory.path, "the disk thread ended at once")));
  });
  if (opened.type !== "opened") {
    await worker.terminate();
    if (opened.type === "notOpened" && opened.refused) throw refusedStore(directory, opened.message);
    const reason = opened.type === "notOpened" ? opened.message : "the disk thread does not answer as it should";
    throw isLockError(reason) ? directoryInUse(directory) : unusableDirectory(directory.path, reason);
  }
  const { identity, revision, compacted } = opened;
  return {
    disk: new Disk(worker, onWritten, onLost),
    identity,
    revision,
    compacted,
  };
}

function isLockError(message: string): boolean {
  return message === "database is locked";
}

/** Copies the values into one buffer that can be handed over: the callers keep theirs, and no other copy is made. */
function pack(group: readonly PendingWrite[]): {
  writes: Write[];
  values: ArrayBuffer;
} {
  const size = group.reduce((total, { value }) => total + value.byteLength, 0);
  const values = new ArrayBuffer(size);
  const bytes = new Uint8Array(values);
  let end = 0;
  const writes = group.map(({ write, value }): Write => {
    if (write.type === "delete") return write;
    const start = end;
    end += value.byteLength;
    bytes.set(value, start);
    return { ...write, start, end };
  });
  return { writes, values };
}

function storageError({ code, revision, message }: DiskError): StorageError {
  if (code === undefined) return unreachable(message);
  return new StorageError(code, revision === undefined ? { message } : { revision, message });
}

function unreachable(reason: string): StorageError {
  return new StorageError("Unreachable", {
    message: `the store cannot be reached: ${reason}`,
  });
}
