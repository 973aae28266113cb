import assert from "node:assert/strict";
import { test } from "node:test";
import { late } from "./late.ts";

test("calls wait until there is something to call, and then go straight through", async () => {
  const double = late<[number], number>();
  const early = double.call(2);
  double.set(async (n) => n * 2);
  assert.deepEqual([await early, await double.call(3)], [4, 6]);
});

test("what fails, fails for those who waited too", async () => {
  const failing = late<[], void>();
  const early = failing.call();
  failing.set(async () => Promise.reject(new Error("no")));
  await assert.rejects(early, { message: "no" });
});
