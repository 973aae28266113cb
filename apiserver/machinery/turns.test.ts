import assert from "node:assert/strict";
import { test } from "node:test";
import { inTurn } from "./turns.ts";

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("however many work in pieces, whatever else is due comes between them", async () => {
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
      await inTurn(() => {
        work(4);
        made++;
      });
    }
  };
  await Promise.all(Array.from({ length: 20 }, pieces));
  isDone = true;
  assert.ok(most > 0 && most <= 4, `${most} of 100 pieces were made without a break`);
});

test("those who wait have their turns in the order they came, and get what was made or why it failed", async () => {
  work(1);
  const order: number[] = [];
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, async (_, i) =>
      inTurn(() => {
        work(1);
        order.push(i);
        if (i === 20) throw new Error("a bug");
        return i;
      }),
    ),
  );
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(results.filter(({ status }) => status === "rejected").length, 1);
});
