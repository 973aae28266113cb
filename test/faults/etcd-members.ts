/** Three etcd members that are killed, stopped and cut off, in one direction or both, with history compacted under lists. */
import { setTimeout as pause } from "node:timers/promises";
import { isStorageError } from "../../apiserver/storage/errors.ts";
import { openEtcd } from "../../apiserver/storage/etcd3/etcd-store.ts";
import type { StorageBackend } from "../../apiserver/storage/interface.ts";
import { Recorder, violation } from "../conformance/linearizability.ts";
import { EtcdProcess } from "../support/etcd.ts";
import { eventually } from "../support/processes.ts";
import { random } from "../support/random.ts";
import { TcpSwitch } from "../support/tcp-switch.ts";
import { Follower, Ledger } from "./chain.ts";
import { followStore, prefix, stateOf, writeToStore } from "./store-clients.ts";

type Parts = { readonly members: readonly EtcdProcess[]; readonly ways: readonly TcpSwitch[]; readonly victim: number };

/** Does harm to one member or the way to it, and returns how it is undone. */
const faults: { readonly [name: string]: (parts: Parts) => Promise<() => Promise<void>> } = {
  kill: async ({ members, victim }) => {
    await members[victim]?.kill();
    return async () => members[victim]?.start();
  },
  stop: async ({ members, victim }) => {
    members[victim]?.signal("SIGSTOP");
    return async () => members[victim]?.signal("SIGCONT");
  },
  cut: async ({ ways, members, victim }) => {
    ways[victim]?.lead(undefined);
    return async () => ways[victim]?.lead(members[victim]?.port);
  },
  silence: async ({ ways, victim }) => {
    ways[victim]?.hold("toServer", "toClient");
    return async () => ways[victim]?.release();
  },
  deafness: async ({ ways, victim }) => {
    ways[victim]?.hold("toServer");
    return async () => ways[victim]?.release();
  },
  muteness: async ({ ways, victim }) => {
    ways[victim]?.hold("toClient");
    return async () => ways[victim]?.release();
  },
};

export type MembersOptions = {
  readonly seed: number;
  readonly binary: string;
  readonly rounds: number;
  readonly faultMs: number;
};

export async function etcdMembers({ seed, binary, rounds, faultMs }: MembersOptions) {
  const chance = random(seed);
  await using stack = new AsyncDisposableStack();
  const members = await EtcdProcess.cluster(binary, 3);
  for (const member of members) stack.use(member);
  const ways = await Promise.all(members.map(async ({ port }) => stack.use(await TcpSwitch.to(port))));
  const endpoints = ways.map(({ port }) => `http://127.0.0.1:${port}`);
  const open = async (first: number): Promise<StorageBackend> =>
    stack.use(
      await openEtcd({
        endpoints: [...endpoints.slice(first), ...endpoints.slice(0, first)],
        requestTimeoutMs: 3000,
        compactEveryMs: 0,
      }),
    );
  const stores = await Promise.all([open(0), open(0), open(1)]);
  const [store] = stores;
  const ledger = new Ledger();
  const start = await store.currentRevision();
  const ending = new AbortController();
  stack.defer(() => ending.abort());
  const followers = Array.from({ length: 9 }, (_, index) => new Follower(`watcher ${index}`, start));
  const following = followers.map((one, index) => followStore(stores[index % 3] ?? store, one, ending.signal));
  const stopping = new AbortController();
  stack.defer(() => stopping.abort());
  const writing = stores.map((one, index) =>
    writeToStore(one, String(index), ledger, { chance, signal: stopping.signal }),
  );
  const problems: string[] = [];
  const done: { [fault: string]: number } = {};
  let operations = 0;
  let lists = 0;
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(faults);
    const name = names[(round + seed) % names.length] ?? "kill";
    const recorder = new Recorder();
    const contending = contend(recorder, stores, `/registry/contended/${round}`, chance);
    const undo = await faults[name]?.({ members, ways, victim: Math.floor(chance() * 3) });
    done[name] = (done[name] ?? 0) + 1;
    await pause(faultMs);
    lists += await listUnderCompaction(store, Math.min(...followers.map(({ last }) => last)), problems);
    await undo?.();
    await contending;
    operations += recorder.history.length;
    const found = violation(recorder.history);
    if (found !== undefined) problems.push(found);
    const goal = ledger.acknowledged.length + 10;
    await eventually(async () => {
      if (ledger.acknowledged.length < goal) throw new Error(`no writes after ${name}`);
    }, 60_000);
  }
  stopping.abort();
  await Promise.all(writing);
  const found = await eventually(() => stateOf(store));
  const newest = Math.max(...found.values());
  await eventually(async () => {
    const behind = followers.filter(({ last }) => last < newest);
    if (behind.length === 0) return;
    const where = behind.map(({ name, last, resumed, relists }) => `${name} at ${last}, ${resumed}, ${relists}`);
    throw new Error(`not everything was told up to ${newest}: ${where.join("; ")}`);
  }, 60_000);
  ending.abort();
  await Promise.all(following);
  return {
    seed,
    rounds,
    faults: done,
    acknowledged: ledger.acknowledged.length,
    unknown: ledger.unknown,
    linearizedOperations: operations,
    listsUnderCompaction: lists,
    events: followers.reduce((sum, { events }) => sum + events, 0),
    resumed: followers.reduce((sum, { resumed }) => sum + resumed, 0),
    relists: followers.reduce((sum, { relists }) => sum + relists, 0),
    lost: ledger.lost(found),
    problems: [...problems, ...followers.flatMap((one) => [...one.problems, ...ledger.untold(one)])],
  };
}

/** Six clients on two keys, for a bounded number of operations: what they are told is to have an order. */
async function contend(
  recorder: Recorder,
  stores: readonly StorageBackend[],
  key: string,
  chance: () => number,
): Promise<void> {
  const client = async (index: number): Promise<void> => {
    const store = stores[index % stores.length];
    for (let act = 0; act < 8 && store !== undefined; act++) {
      await recorder.act(store, `${key}-${Math.floor(chance() * 2)}`, chance);
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map(client));
}

/** Pages of one revision while history goes: each page is of that state, or it is said that the state is gone. */
async function listUnderCompaction(store: StorageBackend, told: number, problems: string[]): Promise<number> {
  try {
    const first = await store.range({ prefix, limit: 5 });
    const last = first.items.at(-1)?.key ?? prefix;
    // What was told to all; a follower may stand as far back as a member was silent.
    await store.compact(told).catch(() => {});
    const rest = await store.range({ prefix, startKey: `${last}\0`, revision: first.revision });
    if (first.items.length + rest.items.length !== first.count) problems.push("pages of one state don't add up");
    return 1;
  } catch (error) {
    if (isStorageError(error, "Compacted") || isStorageError(error, "Unreachable")) return 0;
    throw error;
  }
}
