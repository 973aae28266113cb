import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { ComponentHealth } from "./component-health.ts";
import { SharedInformers } from "./informers.ts";
import { silentLogger } from "./logger.ts";
import { Manager } from "./manager.ts";

const jobs = { group: "batch", version: "v1", kind: "Job", resource: "jobs", namespaced: true };

test("a controller that throws is told of and started again, ever later; the others run on", async () => {
  const clock = new FakeClock();
  const health = new ComponentHealth(clock);
  const ending = new AbortController();
  const starts: string[] = [];
  let isBroken = true;
  const untilEnd = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  const controller = (name: string, run: (signal: AbortSignal) => Promise<void>) => ({ name, idle: true, run });
  const controllers = [
    controller("sound", (signal) => {
      starts.push("sound");
      return untilEnd(signal);
    }),
    controller("broken", async (signal) => {
      starts.push("broken");
      if (isBroken) throw new TypeError("a bug");
      await untilEnd(signal);
    }),
  ];
  const manager = new Manager({ informers: [], controllers, health, clock, log: silentLogger });
  const running = manager.run(ending.signal);
  await settle();
  for (let second = 0; second < 61; second++) await clock.advance(1_000);
  assert.equal(starts.filter((name) => name === "sound").length, 1);
  assert.equal(starts.filter((name) => name === "broken").length, 6, "after 1, 2, 4, 8, 16 and 32 s");
  assert.deepEqual(health.failures(), [{ component: "controller broken", message: "a bug" }]);
  isBroken = false;
  for (let second = 0; second < 60; second++) await clock.advance(1_000);
  assert.deepEqual(health.failures(), []);
  ending.abort();
  await running;
});

test("an exception in a handler of an informer is told of, and the next handler still hears", async () => {
  const clock = new FakeClock();
  const health = new ComponentHealth(clock);
  const client = new FakeClient(clock);
  const informers = new SharedInformers({ client, clock, log: silentLogger, health });
  const heard: string[] = [];
  const informer = informers.informer(jobs);
  informer.addHandler({
    added: () => {
      throw new Error("a bug");
    },
  });
  informer.addHandler({ added: ({ metadata }) => heard.push(String(metadata.name)) });
  const ending = new AbortController();
  const running = informers.run(ending.signal);
  await client.create(jobs, { apiVersion: "batch/v1", kind: "Job", metadata: { name: "a", namespace: "demo" } });
  await settle();
  assert.deepEqual(heard, ["a"]);
  assert.deepEqual(health.failures(), [{ component: "handler of informer jobs", message: "a bug" }]);
  ending.abort();
  await running;
});
