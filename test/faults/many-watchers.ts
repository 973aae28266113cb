/** Watchers of which every tenth never reads: the others miss nothing, and memory stays flat. */

import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { residentBytes } from "../bench/process-usage.ts";
import { startStandalone } from "../e2e/support/server.ts";
import { random } from "../support/random.ts";
import { Follower, Ledger } from "./chain.ts";
import { FaultClient, follow, list, metric, writeOn } from "./http-cluster.ts";
import { untilTold } from "./server-kill.ts";

export type WatcherOptions = { readonly seed: number; readonly watchers: number; readonly writes: number };

export async function manyWatchers({ seed, watchers, writes }: WatcherOptions) {
  const chance = random(seed);
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-faults-"));
  const server = await startStandalone(directory);
  const ending = new AbortController();
  const unread: IncomingMessage[] = [];
  try {
    const client = await FaultClient.of(server.kubeconfig);
    const { revision } = await list(client);
    const ledger = new Ledger();
    const followers: Follower[] = [];
    const following: Promise<void>[] = [];
    for (let index = 0; index < watchers; index++) {
      if (index % 10 === 0) {
        const path = `/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${revision}`;
        unread.push(await client.open("GET", path, undefined, true));
        continue;
      }
      const follower = new Follower(`watcher ${index}`, revision);
      followers.push(follower);
      following.push(follow(client, follower, ending.signal));
      if (index % 20 === 0) await pause(20);
    }
    for (const each of unread) each.on("error", () => {});
    const stopping = new AbortController();
    const options = { chance, signal: stopping.signal, ending: ending.signal, bytes: 2000 };
    const writing = Array.from({ length: 4 }, (_, index) => writeOn(client, String(index), ledger, options));
    const memory: number[] = [];
    for (let part = 1; part <= 6; part++) {
      while (ledger.acknowledged.length < (writes * part) / 6) await pause(20);
      memory.push(residentBytes(server.process.pid));
    }
    stopping.abort();
    await Promise.all(writing);
    const found = await list(client);
    await untilTold(followers, Math.max(...found.items.map((item) => item.revision)));
    const notReading = await metric(client, "apiserver_terminated_watchers_total");
    ending.abort();
    await Promise.all(following);
    client.close();
    return {
      seed,
      watchers,
      neverReading: unread.length,
      closedForIt: notReading,
      acknowledged: ledger.acknowledged.length,
      events: followers.reduce((sum, { events }) => sum + events, 0),
      relists: followers.reduce((sum, { relists }) => sum + relists, 0),
      residentMiB: memory.map((bytes) => Math.round(bytes / 1024 / 1024)),
      lost: ledger.lost(new Map(found.items.map((item) => [item.name, item.revision]))),
      problems: followers.flatMap((follower) => [...follower.problems, ...ledger.untold(follower)]),
    };
  } finally {
    ending.abort();
    for (const each of unread) each.destroy();
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
}
