import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { createLogger } from "../observability/log.ts";
import { StorageError } from "../storage/errors.ts";
import { parseCommandLine } from "./command-line.ts";
import { openBackendWhenReachable } from "./storage.ts";

const log = createLogger({ level: "error", pretty: false });
const { signal } = new AbortController();
const withEtcd = parseCommandLine(["standalone", "--etcd-servers", "http://127.0.0.1:1"], {}).options;
const embedded = parseCommandLine(["standalone"], {}).options;
const unreachable = new StorageError("Unreachable", { message: "etcd: connection refused" });

/** Fails with each error in turn, then opens. */
function opening(...errors: readonly Error[]) {
  const left = [...errors];
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw error;
    return new MemoryBackend();
  };
}

test("a server that starts before its etcd waits for it", async () => {
  const waits: number[] = [];
  const backend = await openBackendWhenReachable(withEtcd, {
    log,
    signal,
    open: opening(unreachable, unreachable, unreachable),
    wait: async (ms) => void waits.push(ms),
  });
  assert.equal(waits.length, 3);
  await backend[Symbol.asyncDispose]();
});

test("a store that answers and cannot be used, and a file that cannot be opened, are not waited for", async () => {
  const wait = async (): Promise<void> => assert.fail("waited");
  const unusable = new StorageError("Unusable", { message: "foreign" });
  await assert.rejects(openBackendWhenReachable(withEtcd, { log, signal, open: opening(unusable), wait }), unusable);
  await assert.rejects(
    openBackendWhenReachable(embedded, { log, signal, open: opening(unreachable), wait }),
    unreachable,
  );
});

test("being told to stop ends the waiting", async () => {
  const reason = new Error("stop");
  const wait = async (): Promise<void> => Promise.reject(reason);
  await assert.rejects(openBackendWhenReachable(withEtcd, { log, signal, open: opening(unreachable), wait }), reason);
});
