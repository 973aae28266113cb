import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { newServiceUnavailable } from "../../apiserver/errors/status-error.ts";
import { objectOf } from "../../apiserver/machinery/fields.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { LeaderElector, leaseType } from "./lease.ts";
import { type Logger, silentLogger } from "./logger.ts";

/** A server that one of several candidates may be cut off from. */
class Candidate {
  readonly client: FakeClient;
  readonly elector: LeaderElector;
  readonly abort = new AbortController();
  terms = 0;
  leading = false;
  readonly #running: Promise<void>;

  constructor(identity: string, client: FakeClient, clock: FakeClock) {
    this.client = client;
    this.elector = new LeaderElector({
      client,
      clock,
      log: silentLogger,
      namespace: "demo",
      name: "leader",
      identity,
      random: () => 0,
    });
    this.#running = this.elector.run(this.abort.signal, async (signal) => {
      this.terms += 1;
      this.leading = true;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      this.leading = false;
    });
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.#running;
  }
}

const ref = { type: leaseType, namespace: "demo", name: "leader" };

test("one of two leads and renews; its successor needs no patience when it leaves in good order", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const a = new Candidate("a", client, clock);
  await settle();
  const b = new Candidate("b", client, clock);
  await clock.advance(120_000);
  assert.deepEqual([a.leading, b.leading, a.terms], [true, false, 1]);
  const spec = objectOf(await client.get(ref), "spec");
  assert.equal(spec?.holderIdentity, "a");
  assert.equal(spec?.acquireTime, "2026-01-01T00:00:00.000000Z");
  assert.equal(spec?.renewTime, "2026-01-01T00:02:00.000000Z");
  assert.equal(spec?.leaseDurationSeconds, 15);

  await a.stop();
  assert.equal(objectOf(await client.get(ref), "spec")?.holderIdentity, "");
  await clock.advance(2_000);
  assert.deepEqual([a.leading, b.leading], [false, true]);
  assert.equal(objectOf(await client.get(ref), "spec")?.leaseTransitions, 1);
  await b.stop();
});

test("a holder that can't renew stops leading before anyone else starts", async () => {
  const clock = new FakeClock();
  const server = new FakeClient(clock);
  const a = new Candidate("a", server, clock);
  await settle();
  server.fail(() => a.leading || clock.now() < Date.parse("2026-01-01T00:00:12Z"), newServiceUnavailable("down"), 100);
  await clock.advance(9_000);
  assert.equal(a.leading, true);
  await clock.advance(1_500);
  assert.equal(a.leading, false, "10 s without renewal");
  const b = new Candidate("b", server, clock);
  await a.stop();
  for (let second = 0; second < 40; second++) {
    await clock.advance(1_000);
    assert.ok(!(a.leading && b.leading));
  }
  assert.equal(b.leading, true);
  await b.stop();
});

test("a candidate waits for a silent holder's lease to expire by its own clock", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const metadata = { name: "leader", namespace: "demo" };
  const spec = { holderIdentity: "dead", renewTime: "2020-01-01T00:00:00.000000Z", leaseDurationSeconds: 15 };
  await client.create(leaseType, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec });
  const b = new Candidate("b", client, clock);
  await clock.advance(14_000);
  assert.equal(b.leading, false, "its times are not trusted: the clocks may differ");
  await clock.advance(3_000);
  assert.equal(b.leading, true);
  await b.stop();
});

test("a lease that someone else took is lost at once, and sought again", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const a = new Candidate("a", client, clock);
  await settle();
  const lease = await client.get(ref);
  await client.update(leaseType, { ...lease, spec: { ...objectOf(lease, "spec"), holderIdentity: "thief" } });
  await clock.advance(10_500);
  assert.equal(a.leading, false);
  await clock.advance(20_000);
  assert.equal(a.terms, 2);
  await a.stop();
});

test("times that can't work are refused", () => {
  const clock = new FakeClock();
  const options = { client: new FakeClient(clock), clock, log: silentLogger, namespace: "n", name: "l", identity: "i" };
  const times = { leaseDurationMs: 10_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
  assert.throws(() => new LeaderElector({ ...options, times }), RangeError);
});

for (const [what, days] of [
  ["forward", 400],
  ["back", -400],
] as const) {
  test(`a clock that is set ${what} neither makes a second leader nor keeps a lost lease`, async () => {
    const clock = new FakeClock();
    const server = new FakeClient(clock);
    const a = new Candidate("a", server, clock);
    await settle();
    const b = new Candidate("b", server, clock);
    await clock.advance(20_000);
    clock.set(clock.now() + days * 86_400_000);
    await clock.advance(60_000);
    assert.deepEqual([a.leading, b.leading, a.terms], [true, false, 1]);
    server.fail(() => true, newServiceUnavailable("down"), 100);
    await clock.advance(10_500);
    assert.deepEqual([a.leading, b.leading], [false, false], "who cannot renew stops in time, whatever the clock says");
    await Promise.all([a.stop(), b.stop()]);
  });
}

test("that nobody can tell who leads is told when it lasts, in the log once per cause", async () => {
  const clock = new FakeClock();
  const server = new FakeClient(clock);
  const warnings: unknown[] = [];
  const told: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: ({ cause }) => warnings.push(cause), child: () => log };
  const abort = new AbortController();
  server.fail(() => clock.now() < Date.parse("2026-01-01T00:01:00Z"), newServiceUnavailable("down"), 100);
  const elector = new LeaderElector({
    ...{ client: server, clock, log, namespace: "demo", name: "leader", identity: "a", random: () => 0 },
    onUnknown: (error) => told.push(error),
  });
  const running = elector.run(abort.signal, (signal) => once(signal, "abort").then(() => undefined));
  await clock.advance(14_000);
  assert.deepEqual([told, warnings], [[], []]);
  await clock.advance(40_000);
  assert.ok(told.length > 10);
  assert.equal(warnings.length, 1);
  await clock.advance(20_000);
  const count = told.length;
  assert.equal(elector.leading, true);
  await clock.advance(60_000);
  assert.equal(told.length, count);
  abort.abort();
  await running;
});
