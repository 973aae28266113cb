import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { newForbidden, statusError } from "../../apiserver/errors/status-error.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { stamped } from "./drift.ts";
import { Refusals } from "./refusals.ts";

const wanted = (replicas: number, name = "a"): KubeObject =>
  stamped({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name, namespace: "demo" }, spec: { replicas } });
const live = (uid: string): KubeObject => ({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { uid } });
const invalid = statusError(422, "Invalid", "no good");
const denied = newForbidden({ group: "apps", resource: "statefulsets" }, "a", "exceeded quota");

class Asked {
  readonly clock = new FakeClock();
  readonly refusals = new Refusals(this.clock);
  times = 0;

  /** Whether the cluster was asked, and how it ended. */
  async ask(object: KubeObject, answer: unknown, there?: KubeObject): Promise<string> {
    const before = this.times;
    const write = async (): Promise<void> => {
      this.times += 1;
      if (answer !== undefined) throw answer;
    };
    const how = await this.refusals.unlessRefused(object, there, write).then(
      () => "written",
      () => "refused",
    );
    return `${this.times > before ? "asked" : "not asked"}, ${how}`;
  }
}

test("the same is asked for again after a minute, then after twice as long each time, ten minutes at most", async () => {
  const asked = new Asked();
  for (const minutes of [1, 2, 4, 8, 10, 10]) {
    assert.equal(await asked.ask(wanted(1), invalid), "asked, refused");
    assert.equal(asked.refusals.retryInMs(wanted(1)), minutes * 60_000);
    await asked.clock.advance(minutes * 60_000 - 1);
    assert.equal(await asked.ask(wanted(1), undefined), "not asked, refused");
    await asked.clock.advance(1);
  }
});

test("another object, or another one in its place, is another question", async () => {
  const asked = new Asked();
  assert.equal(await asked.ask(wanted(1), invalid, live("u1")), "asked, refused");
  assert.equal(await asked.ask(wanted(1), undefined, live("u1")), "not asked, refused");
  assert.equal(await asked.ask(wanted(1), invalid), "asked, refused", "what was there is gone");
  assert.equal(await asked.ask(wanted(2), undefined), "asked, written");
  assert.equal(asked.refusals.retryInMs(wanted(2)), undefined);
  assert.equal(await asked.ask(wanted(1), undefined), "asked, written", "what was refused is forgotten");
});

test("a quota or a right may be another a moment later", async () => {
  const asked = new Asked();
  assert.equal(await asked.ask(wanted(1), denied), "asked, refused");
  assert.equal(asked.refusals.retryInMs(wanted(1)), 250);
  await asked.clock.advance(250);
  assert.equal(await asked.ask(wanted(1), denied), "asked, refused");
  assert.equal(asked.refusals.retryInMs(wanted(1)), 500);
});

test("an outage, a lost race and a namespace that goes are no refusals", async () => {
  const going = { reason: "NamespaceTerminating", message: "going", field: "metadata.namespace" };
  const errors = [
    statusError(503, "ServiceUnavailable", "down"),
    statusError(409, "Conflict", "lost"),
    newForbidden({ group: "apps", resource: "statefulsets" }, "a", "being terminated", [going]),
    new Error("socket hang up"),
  ];
  for (const error of errors) {
    const asked = new Asked();
    assert.equal(await asked.ask(wanted(1), error), "asked, refused");
    assert.equal(asked.refusals.retryInMs(wanted(1)), undefined);
    assert.equal(await asked.ask(wanted(1), undefined), "asked, written");
  }
});
