/** The fault runs: short for CI, long by hand. */
import { ensureTool } from "../e2e/support/tools.ts";
import { disk } from "./disk.ts";
import { etcdMembers } from "./etcd-members.ts";
import { manyWatchers } from "./many-watchers.ts";
import { serverKill } from "./server-kill.ts";

/** What a run found. */
export type Figures = {
  /** Acknowledged writes that are not there. */
  readonly lost: readonly string[];
  /** Gaps, repeats, writes out of order or untold. */
  readonly problems: readonly string[];
  /** Watches that had to begin anew. */
  readonly relists?: number;
  /** Of the server, in equal parts of the run. */
  readonly residentMiB?: readonly number[];
};

type Scenario = {
  readonly short: (seed: number) => Promise<Figures>;
  readonly long: (seed: number) => Promise<Figures>;
};

const etcd = (): Promise<string> => ensureTool("etcd");

export const scenarios = {
  "kill -9 of the server, on a clock that jumps": {
    short: (seed) => serverKill({ seed, kills: 2, watchers: 4 }),
    long: (seed) => serverKill({ seed, kills: 50, watchers: 20 }),
  },
  "kill -9 of the server, with objects in etcd": {
    short: async (seed) => serverKill({ seed, kills: 1, watchers: 4, etcd: await etcd() }),
    long: async (seed) => serverKill({ seed, kills: 20, watchers: 20, etcd: await etcd() }),
  },
  "three etcd members killed, stopped, cut, silent, deaf and mute, with compaction under lists": {
    short: async (seed) => etcdMembers({ seed, rounds: 6, faultMs: 600, binary: await etcd() }),
    long: async (seed) => etcdMembers({ seed, rounds: 40, faultMs: 1500, binary: await etcd() }),
  },
  "power losses with torn logs, and full disks": {
    short: (seed) => disk({ seed, losses: 5, fills: 2 }),
    long: (seed) => disk({ seed, losses: 100, fills: 20 }),
  },
  "watchers of which every tenth never reads": {
    short: (seed) => manyWatchers({ seed, watchers: 60, writes: 300 }),
    long: (seed) => manyWatchers({ seed, watchers: 1000, writes: 400 }),
  },
} as const satisfies { readonly [name: string]: Scenario };

/** Memory of a later part of a run may be so much larger than that of an early one: garbage is collected when it pays. */
const flatRatio = 1.5;

/** What must not be, in words; nothing when all is well. */
export function judge({ lost, problems, relists = 0, residentMiB = [] }: Figures): readonly string[] {
  const [, early = 0] = residentMiB;
  const last = residentMiB.at(-1) ?? 0;
  return [
    ...lost,
    ...problems,
    ...(relists > 0 ? [`${relists} watches had to begin anew`] : []),
    ...(last > early * flatRatio ? [`memory grew: ${residentMiB.join(", ")} MiB`] : []),
  ];
}
