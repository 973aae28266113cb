/** Writers and watchers of a store itself, which go on whatever becomes of it. */
import { isStorageError } from "../../apiserver/storage/errors.ts";
import type { StorageBackend, StorageEvent } from "../../apiserver/storage/interface.ts";
import { decode, encode } from "../conformance/storage-case.ts";
import type { Follower, Ledger } from "./chain.ts";

export const prefix = "/registry/faults/";

/** A value that says what it replaced, and how long it is. */
const linked = (before: number, bytes: number): Uint8Array => encode(`${before} ${"x".repeat(bytes)}`);
const beforeIn = (value: Uint8Array): number => Number(decode(value)?.split(" ", 1)[0]);

const isExpected = (error: unknown): boolean =>
  ["Unreachable", "Full", "Conflict", "KeyExists", "KeyNotFound"].some(
    (code) => isStorageError(error) && error.code === code,
  );

export type WriteOptions = {
  readonly chance: () => number;
  readonly signal: AbortSignal;
  readonly bytes?: number;
  readonly deletes?: number;
};

/** Creates, replaces and deletes keys of its own until the signal aborts; after a silence it reads what became of it. */
export async function writeToStore(store: StorageBackend, writer: string, ledger: Ledger, options: WriteOptions) {
  const { chance, signal, bytes = 100, deletes = 0.1 } = options;
  while (!signal.aborted) {
    const key = `${prefix}${writer}-${Math.floor(chance() * 5)}`;
    const before = ledger.current.get(key) ?? 0;
    try {
      if (before > 0 && chance() < deletes) {
        await store.delete(key, before);
        ledger.deleted(key);
      } else if (before > 0) ledger.wrote(key, await store.update(key, linked(before, bytes), before));
      else ledger.wrote(key, await store.create(key, linked(before, bytes)));
    } catch (error) {
      if (!isExpected(error)) throw error;
      ledger.unknown++;
      await settle(store, key, ledger);
    }
  }
}

/** What was not answered may have been done, and later than one thinks. */
async function settle(store: StorageBackend, key: string, ledger: Ledger): Promise<void> {
  for (;;) {
    try {
      const { value } = await store.get(key);
      const before = ledger.current.get(key) ?? 0;
      if (value === undefined) ledger.deleted(key);
      else if (value.revision !== before) {
        if (beforeIn(value.value) !== before && before !== 0) throw new TypeError(`${key} does not follow ${before}`);
        ledger.wrote(key, value.revision);
      }
      return;
    } catch (error) {
      if (!isStorageError(error, "Unreachable")) throw error;
    }
  }
}

/** Follows a store until the signal aborts; one that fails for good is opened again where it was. */
export async function followStore(store: StorageBackend, follower: Follower, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using watch = store.watch({ prefix, after: follower.last, signal });
      watch.requestProgress();
      for await (const { events, revision } of watch) {
        for (const event of events) follower.take(told(event));
        follower.last = Math.max(follower.last, revision);
      }
    } catch (error) {
      if (isStorageError(error, "Compacted")) follower.relists++;
      else if (!isStorageError(error, "Unreachable")) throw error;
      follower.resumed++;
    }
  }
}

const told = (event: StorageEvent) => ({
  key: event.key,
  revision: event.revision,
  before: event.type === "put" ? beforeIn(event.value) : undefined,
});

/** What is there of the writers' keys. */
export async function stateOf(store: StorageBackend): Promise<Map<string, number>> {
  const { items } = await store.range({ prefix });
  return new Map(items.map(({ key, revision }) => [key, revision]));
}
