/** `kill -9` of the server, again and again, on a clock that jumps, while writers write and watchers watch. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startStandalone } from "../e2e/support/server.ts";
import { EtcdProcess } from "../support/etcd.ts";
import { freePort } from "../support/processes.ts";
import { random } from "../support/random.ts";
import { Follower, Ledger } from "./chain.ts";
import { FaultClient, follow, list, writeOn } from "./http-cluster.ts";

/** Loaded before the server: its clock is up to an hour wrong, and differently so every few hundred ms. */
const jumpingClock = (seed: number): string => `
  const Real = Date;
  let state = ${seed} >>> 0;
  let offset = 0;
  let next = 0;
  const jumped = () => {
    const real = Real.now();
    if (real >= next) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      offset = (state / 2 ** 32 - 0.5) * 2 * 3600_000;
      next = real + 200 + (state % 400);
    }
    return Math.floor(real + offset);
  };
  // Whichever way it is asked: gRPC compares the one with the other.
  globalThis.Date = class Date extends Real {
    constructor(...given) {
      super(...(given.length === 0 ? [jumped()] : given));
    }
    static now = jumped;
  };
`;

export type KillOptions = {
  readonly seed: number;
  readonly kills: number;
  readonly watchers: number;
  /** Binary of the etcd that objects are in. Default: the embedded store. */
  readonly etcd?: string;
};

export async function serverKill({ seed, kills, watchers, etcd }: KillOptions) {
  const chance = random(seed);
  await using stack = new AsyncDisposableStack();
  const args = etcd === undefined ? [] : ["--etcd-servers", stack.use(await EtcdProcess.start(etcd)).endpoint];
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-faults-"));
  const clock = join(directory, "clock.mjs");
  await writeFile(clock, jumpingClock(seed));
  const port = await freePort();
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${before ?? ""} --import file://${clock}`;
  const data = join(directory, "data");
  const ending = new AbortController();
  let server = await startStandalone(data, args, { port });
  try {
    const client = await FaultClient.of(server.kubeconfig);
    const ledger = new Ledger();
    const { revision } = await list(client);
    const followers = Array.from({ length: watchers }, (_, index) => new Follower(`watcher ${index}`, revision));
    const following = followers.map((follower) => follow(client, follower, ending.signal));
    const stopping = new AbortController();
    const writing = Array.from({ length: 6 }, (_, index) =>
      writeOn(client, String(index), ledger, { chance, signal: stopping.signal, ending: ending.signal }),
    );
    let restartMs = 0;
    for (let kill = 0; kill < kills; kill++) {
      const goal = ledger.acknowledged.length + 20;
      while (ledger.acknowledged.length < goal) await pause(20);
      await pause(chance() * 300);
      server.process.kill("SIGKILL");
      await server.process.exited;
      const started = performance.now();
      server = await startStandalone(data, args, { port });
      restartMs += performance.now() - started;
    }
    const goal = ledger.acknowledged.length + 50;
    while (ledger.acknowledged.length < goal) await pause(20);
    stopping.abort();
    await Promise.all(writing);
    const found = await list(client);
    const newest = Math.max(...found.items.map((item) => item.revision));
    await untilTold(followers, newest);
    ending.abort();
    await Promise.all(following);
    client.close();
    const lost = ledger.lost(new Map(found.items.map((item) => [item.name, item.revision])));
    return {
      seed,
      store: etcd === undefined ? "SQLite" : "etcd",
      kills,
      acknowledged: ledger.acknowledged.length,
      unknown: ledger.unknown,
      watchers,
      events: followers.reduce((sum, { events }) => sum + events, 0),
      resumed: followers.reduce((sum, { resumed }) => sum + resumed, 0),
      relists: followers.reduce((sum, { relists }) => sum + relists, 0),
      restartMs: Math.round(restartMs / Math.max(1, kills)),
      lost,
      problems: followers.flatMap((follower) => [...follower.problems, ...ledger.untold(follower)]),
    };
  } finally {
    ending.abort();
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A busy machine may be slow to tell them, but not tell nobody anything. */
const silentMs = 60_000;

export async function untilTold(followers: readonly Follower[], revision: number): Promise<void> {
  let told = -1;
  let end = 0;
  while (followers.some(({ last }) => last < revision)) {
    const now = followers.reduce((sum, { last }) => sum + last, 0);
    if (now > told) end = performance.now() + silentMs;
    told = now;
    assert.ok(performance.now() < end, `told up to ${Math.min(...followers.map(({ last }) => last))} of ${revision}`);
    await pause(50);
  }
}
