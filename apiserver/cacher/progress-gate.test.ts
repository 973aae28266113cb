import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressGate } from "./progress-gate.ts";

test("who comes while a question is under way shares the next answer, never the current one", async () => {
  const answers: ((revision: number) => void)[] = [];
  const gate = new ProgressGate(() => new Promise((resolve) => answers.push(resolve)));
  const first = gate.current();
  const later = [gate.current(), gate.current()];
  assert.equal(answers.length, 1);
  answers[0]?.(5);
  assert.equal(await first, 5);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answers.length, 2);
  answers[1]?.(8);
  assert.deepEqual(await Promise.all(later), [8, 8]);
});

test("a failure concerns only those who asked", async () => {
  let attempts = 0;
  const gate = new ProgressGate(async () => {
    attempts++;
    if (attempts === 1) throw new Error("down");
    return attempts;
  });
  const failing = gate.current();
  const next = gate.current();
  await assert.rejects(failing, { message: "down" });
  assert.equal(await next, 2);
  assert.equal(await gate.current(), 3);
});
