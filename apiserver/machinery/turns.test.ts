import assert from "node:assert/strict";
import { test } from "node:test";
import { turn } from "./turns.ts";

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("however many work in pieces, whatever else is due comes between two of them", async () => {
  let most = 0;
  let made = 0;
  let isDone = false;
  const other = (): void => {
    most = Math.max(most, made);
    made = 0;
    if (!isDone) setImmediate(other);
  };
  other();
  const pieces = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await turn();
      work(4);
      made++;
    }
  };
  await Promise.all(Array.from({ length: 20 }, pieces));
  isDone = true;
  assert.ok(most > 0 && most <= 4, `${most} of 100 pieces were made without a break`);
});

test("who is alone hardly ever waits", async () => {
  let waits = 0;
  for (let i = 0; i < 1000; i++) {
    const wait = turn();
    if (wait !== undefined) waits++;
    await wait;
  }
  assert.ok(waits < 50, `${waits} times`);
});
