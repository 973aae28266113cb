import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { limits } from "../../limits.ts";
import { Disk, type DiskThread } from "./disk.ts";
import type { ToDisk } from "./messages.ts";

/** Notes what it is sent and never answers. */
class SilentThread extends EventEmitter implements DiskThread {
  readonly sent: ToDisk[] = [];

  postMessage(message: ToDisk): void {
    this.sent.push(message);
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("writes of one turn of the event loop are one message, whichever request they are of", async () => {
  const thread = new SilentThread();
  const disk = new Disk(
    thread,
    () => undefined,
    () => undefined,
  );
  const write = (key: string): void =>
    disk.write({ write: { type: "create", key }, value: Buffer.from("{}"), settle: () => undefined });
  write("a");
  await Promise.resolve();
  process.nextTick(() => write("b"));
  await nextTurn();
  await nextTurn();
  write("c");
  await nextTurn();
  await nextTurn();
  const keys = thread.sent.map((message) => (message.type === "write" ? message.writes.map(({ key }) => key) : []));
  assert.deepEqual(keys, [["a", "b"], ["c"]]);
});

test("more than one transaction may have is not gathered", async () => {
  const thread = new SilentThread();
  const disk = new Disk(
    thread,
    () => undefined,
    () => undefined,
  );
  const value = new Uint8Array(limits.maxTransactionBytes.value / 2);
  for (const key of ["a", "b", "c", "d"])
    disk.write({ write: { type: "create", key }, value, settle: () => undefined });
  await nextTurn();
  await nextTurn();
  const keys = thread.sent.map((message) => (message.type === "write" ? message.writes.map((write) => write.key) : []));
  assert.deepEqual(keys, [["a", "b", "c"], ["d"]]);
});
