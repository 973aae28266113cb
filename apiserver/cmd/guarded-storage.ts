import { systemClock } from "../machinery/clock.ts";
import type { Logger } from "../observability/log.ts";
import type { StorageError } from "../storage/errors.ts";
import { GuardedBackend, type WriteOutcomes } from "../storage/guard/guarded-backend.ts";
import { StoreGuard } from "../storage/guard/store-guard.ts";
import type { StoreMemory } from "../storage/guard/store-memory.ts";
import type { StorageBackend } from "../storage/interface.ts";

export type GuardedStorage = { readonly backend: StorageBackend; readonly guard: StoreGuard };

/** The store behind a guard that was asked once, and that logs what it finds. */
export async function guardStorage(
  opened: StorageBackend,
  memory: StoreMemory,
  parent: Logger,
  signal: AbortSignal,
): Promise<GuardedStorage> {
  const log = parent.child({ component: "storage" });
  let wasRefused = false;
  const guard = new StoreGuard({
    backend: opened,
    memory,
    clock: systemClock,
    signal,
    onRefused: (why) => {
      wasRefused = true;
      log.error({ why }, "the store must not be used");
    },
    onUsable: (position) => {
      if (wasRefused) log.info(position, "the store is used again");
    },
    onFailure: (err) => log.warn({ err }, "the store could not be compared or remembered"),
  });
  await guard.check();
  return { backend: new GuardedBackend(opened, guard, loggedOutcomes(log)), guard };
}

/** How often a trouble that lasts is logged, in ms. */
const logEveryMs = 30_000;

/** Trouble with the disk or with etcd is logged with its cause, once and then now and again, and so is its end. */
export function loggedOutcomes(log: Logger, now: () => number = systemClock.elapsedMs): WriteOutcomes {
  let trouble: { readonly code: StorageError["code"]; readonly loggedAtMs: number; failures: number } | undefined;
  return {
    onFailure: (err) => {
      const failures = (trouble?.failures ?? 0) + 1;
      if (trouble?.code === err.code && now() - trouble.loggedAtMs < logEveryMs) {
        trouble.failures = failures;
        return;
      }
      trouble = { code: err.code, loggedAtMs: now(), failures };
      log.error({ err, failures }, "the store does not take writes");
    },
    onSuccess: () => {
      if (trouble === undefined) return;
      log.info({ failures: trouble.failures }, "the store takes writes again");
      trouble = undefined;
    },
  };
}
