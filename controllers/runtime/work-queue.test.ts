import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { WorkQueue } from "./work-queue.ts";

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await settle();
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

test("a key added again before it is taken is one key, and keys keep their order", async () => {
  const queue = new WorkQueue(new FakeClock());
  for (const key of ["b", "a", "b", "c", "a"]) queue.add(key);
  assert.equal(queue.length, 3);
  assert.deepEqual([await queue.next(), await queue.next(), await queue.next()], ["b", "a", "c"]);
});

test("a key added while it is held waits for its holder", async () => {
  const queue = new WorkQueue(new FakeClock());
  queue.add("a");
  assert.equal(await queue.next(), "a");
  queue.add("a");
  const second = queue.next();
  assert.ok(await isPending(second));
  queue.done("a");
  assert.equal(await second, "a");
  assert.equal(queue.idle, false);
  queue.done("a");
  assert.equal(queue.idle, true);
});

test("of several delays the earliest counts", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue(clock);
  queue.addAfter("a", 500);
  queue.addAfter("a", 100);
  queue.addAfter("a", 300);
  await clock.advance(99);
  assert.equal(queue.length, 0);
  await clock.advance(1);
  assert.equal(queue.length, 1);
  assert.equal(await queue.next(), "a");
  queue.done("a");
  await clock.advance(1000);
  assert.equal(queue.length, 0, "the other delays are forgotten");
});

test("failures double the delay from 5 ms, and forgetting starts over", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue(clock);
  for (const [delayMs, forget] of [[5], [10], [20], [40], [80, true], [5], [10]] as const) {
    queue.addRateLimited("a");
    await clock.advance(delayMs - 1);
    assert.equal(queue.length, 0);
    await clock.advance(1);
    assert.equal(queue.length, 1);
    queue.done((await queue.next()) ?? "");
    if (forget === true) queue.forget("a");
  }
  assert.equal(queue.failures("a"), 2);
});

test("the delay is at most 1000 s", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue(clock);
  for (let failure = 0; failure < 60; failure++) {
    queue.addRateLimited("a");
    await clock.advance(1_000_000);
    assert.equal(queue.length, 1);
    queue.done((await queue.next()) ?? "");
  }
});

test("shutting down drains what is ready, or discards it", async () => {
  for (const discard of [false, true]) {
    const clock = new FakeClock();
    const queue = new WorkQueue(clock);
    queue.add("a");
    queue.addAfter("later", 10);
    queue.shutDown({ discard });
    queue.add("b");
    assert.equal(await queue.next(), discard ? undefined : "a");
    assert.equal(await queue.next(), undefined);
    assert.equal(clock.pending, 0, "no timer is left behind");
  }
});

test("takers that wait are told of the end", async () => {
  const queue = new WorkQueue(new FakeClock());
  const waiting = [queue.next(), queue.next()];
  queue.shutDown({ discard: false });
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined]);
});

test("metrics tell of waiting and working", async () => {
  const clock = new FakeClock();
  const told: Record<string, number[]> = { depth: [], queue: [], work: [] };
  let [adds, retries] = [0, 0];
  const queue = new WorkQueue(clock, {
    depth: (keys) => told.depth?.push(keys),
    add: () => (adds += 1),
    queueDurationMs: (ms) => told.queue?.push(ms),
    workDurationMs: (ms) => told.work?.push(ms),
    retry: () => (retries += 1),
  });
  queue.add("a");
  await clock.advance(3);
  await queue.next();
  await clock.advance(4);
  queue.done("a");
  queue.addRateLimited("a");
  assert.deepEqual({ ...told, adds, retries }, { depth: [1, 0], queue: [3], work: [4], adds: 1, retries: 1 });
});

test("a hundred thousand keys are taken in linear time", async () => {
  const queue = new WorkQueue(new FakeClock());
  for (let key = 0; key < 100_000; key++) queue.add(String(key));
  for (let key = 0; key < 100_000; key++) assert.equal(await queue.next(), String(key));
});
