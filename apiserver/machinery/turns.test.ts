import assert from "node:assert/strict";
import { test } from "node:test";
import { attend, giveWay, inTurn } from "./turns.ts";

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
      }, "ann");
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
      }, "ann"),
    ),
  );
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(results.filter(({ status }) => status === "rejected").length, 1);
});

test("who has had more time waits for who has had less, however many pieces each has", async () => {
  const order: string[] = [];
  const pieces = (whose: string, count: number, ms: number): Promise<unknown>[] =>
    Array.from({ length: count }, () =>
      Promise.resolve(
        inTurn(() => {
          work(ms);
          order.push(whose);
        }, whose),
      ),
    );
  await inTurn(() => work(12), "ann"); // from here on pieces wait
  await Promise.all([...pieces("ann", 10, 10), ...pieces("joe", 10, 0)]);
  assert.ok(order.lastIndexOf("joe") < order.length - 2, order.join(" "));
});

test("pieces rest for as long as they worked while a request of somebody else is under way, and only then", async () => {
  const workedMs = 12;
  /** Time between the pieces in which the loop was free, by the number of times a timer of 1 ms came. */
  const freeTimes = async (): Promise<number> => {
    let times = 0;
    const timer = setInterval(() => times++, 1);
    await Promise.all(Array.from({ length: 10 }, async () => inTurn(() => work(workedMs), "ann")));
    clearInterval(timer);
    return times;
  };
  const own = attend("ann");
  const alone = await freeTimes();
  const other = attend("joe");
  const shared = await freeTimes();
  own();
  other();
  assert.ok(alone <= 12, `${alone} timers between ten pieces of nobody's concern`);
  assert.ok(shared >= 3 * 10, `${shared} timers between ten pieces that rest`);
});

test("who had little is not kept waiting by what others do at length, nor do they rest for it", async () => {
  const other = attend("joe");
  const made: string[] = [];
  const long = Promise.all(
    Array.from({ length: 5 }, async (_, i) =>
      inTurn(() => {
        work(10);
        made.push(`ann ${i}`);
      }, "ann"),
    ),
  );
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    await inTurn(() => made.push("joe"), "joe");
  }
  assert.ok(made.length <= 8, `${made.length - 5} long pieces came before five short ones: ${made.join(", ")}`);
  await long;
  other();
});

test("of what one user begins at once no more is begun in a round than a slice has room for", async () => {
  let inRound = 0;
  let most = 0;
  const begin = (): Promise<void> => {
    inRound++;
    most = Math.max(most, inRound);
    work(0.7);
    return Promise.resolve().then(() => work(0.7));
  };
  let isDone = false;
  const rounds = (): void => {
    inRound = 0;
    if (!isDone) setImmediate(rounds);
  };
  rounds();
  await Promise.all(Array.from({ length: 40 }, async () => inTurn(begin, "ann")));
  isDone = true;
  assert.ok(most <= 6, `${most} of 40 were begun in one round`);
});

test("a loop over what is answered from memory gives way", async () => {
  let rounds = 0;
  let isDone = false;
  const other = (): void => {
    rounds++;
    if (!isDone) setImmediate(other);
  };
  other();
  for (let i = 0; i < 50; i++) {
    await giveWay("ann");
    work(1);
  }
  isDone = true;
  assert.ok(rounds > 3, `the loop came round ${rounds} times in 50 ms`);
});
