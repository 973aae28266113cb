import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { ComponentHealth } from "./component-health.ts";

test("what fails is told of when it has for a minute, and no more when it has recovered", async () => {
  const clock = new FakeClock();
  const health = new ComponentHealth(clock);
  health.failed("controller function", new Error("a bug"));
  await clock.advance(59_000);
  health.failed("controller function", new Error("the same bug"));
  assert.deepEqual(health.failures(), []);
  await clock.advance(1_000);
  assert.deepEqual(health.failures(), [{ component: "controller function", message: "the same bug" }]);
  health.recovered("controller function");
  assert.deepEqual(health.failures(), []);
  assert.deepEqual(health.states(), [{ component: "controller function", failures: 2, failing: false }]);
});

test("what went wrong once is told of at once, for five minutes", async () => {
  const clock = new FakeClock();
  const health = new ComponentHealth(clock);
  health.faltered("informer functions", new Error("a bug"));
  await clock.advance(299_000);
  assert.equal(health.failures().length, 1);
  await clock.advance(1_000);
  assert.deepEqual(health.failures(), []);
});

test("a clock that is set back or forward hides no failure", async () => {
  for (const days of [-400, 400]) {
    const clock = new FakeClock();
    const health = new ComponentHealth(clock);
    health.failed("controller function", new Error("a bug"));
    clock.set(clock.now() + days * 86_400_000);
    assert.deepEqual(health.failures(), []);
    await clock.advance(60_000);
    assert.equal(health.failures().length, 1);
  }
});

test("exceptions that requests meet are counted and told of, and make nothing fail", async () => {
  const clock = new FakeClock();
  const health = new ComponentHealth(clock);
  health.erred("admission MaxReplicas", new Error("a bug"));
  assert.deepEqual(health.failures(), []);
  assert.deepEqual(health.errors(), [{ component: "admission MaxReplicas", message: "a bug" }]);
  assert.deepEqual(health.states(), [{ component: "admission MaxReplicas", failures: 1, failing: false }]);
  await clock.advance(300_000);
  assert.deepEqual(health.errors(), []);
});
