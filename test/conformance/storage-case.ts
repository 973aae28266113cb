import assert from "node:assert/strict";
import { isStorageError, type StorageErrorCode } from "../../apiserver/storage/errors.ts";
import type {
  StorageBackend,
  StorageEvent,
  StorageWatch,
  StorageWatchItem,
} from "../../apiserver/storage/interface.ts";

/** A promise to a user, and the check of it. `reopen` closes the store and opens the same one again. */
export type StorageCase = {
  readonly promise: string;
  readonly check: (store: StorageBackend, reopen: () => Promise<StorageBackend>) => Promise<void>;
};

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decode(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

export async function rejectsWith(operation: Promise<unknown>, code: StorageErrorCode): Promise<void> {
  await assert.rejects(operation, (error) => {
    assert.ok(isStorageError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}

/** Items until `enough` says so. */
export async function collect(
  watch: StorageWatch,
  enough: (events: readonly StorageEvent[], last: StorageWatchItem) => boolean,
): Promise<StorageEvent[]> {
  const events: StorageEvent[] = [];
  for await (const item of watch) {
    events.push(...item.events);
    if (enough(events, item)) break;
  }
  return events;
}

export function summary(event: StorageEvent): string {
  const before = event.previous === undefined ? "" : ` was ${decode(event.previous.value)}`;
  return event.type === "put" ? `put ${event.key}=${decode(event.value)}${before}` : `delete ${event.key}${before}`;
}
