/** What the design asks of each row: what may not be lost, and what is aimed at. */
import type { TargetName } from "./targets.ts";

export type Own = Extract<TargetName, "SQLite" | "etcd">;

/** How many times dearer something else is or may be, or milliseconds of CPU. */
export type Bound = { readonly timesCheaperThanCrd: number } | { readonly timesBare: number } | { readonly ms: number };

export type Aims = {
  readonly mustKeep?: Partial<Record<Own, Bound>>;
  readonly aim?: Partial<Record<Own, Bound>>;
};

const crd = (times: number): Bound => ({ timesCheaperThanCrd: times });
const bare = (times: number): Bound => ({ timesBare: times });
const ms = (value: number): Bound => ({ ms: value });
const both = (bound: Bound): Record<Own, Bound> => ({ SQLite: bound, etcd: bound });
const each = (SQLite: Bound, etcd: Bound): Record<Own, Bound> => ({ SQLite, etcd });

export const aims: { readonly [row: string]: Aims } = {
  "LIST as JSON": { mustKeep: both(crd(25)), aim: both(bare(2)) },
  "LIST, gzip": { mustKeep: both(crd(20)), aim: both(ms(10)) },
  "LIST in pages of 500": { mustKeep: both(crd(25)), aim: both(bare(3)) },
  "LIST, 1 % by label": { mustKeep: both(crd(15)), aim: both(ms(0.6)) },
  "LIST as Table": { mustKeep: both(crd(10)), aim: both(ms(30)) },
  "LIST, metadata only": { mustKeep: both(crd(30)), aim: both(ms(20)) },
  "GET, 1 in flight": { mustKeep: each(crd(15), crd(2)), aim: each(bare(2), ms(0.5)) },
  "GET, 8 in flight": { mustKeep: each(crd(15), crd(5)), aim: each(bare(2), ms(0.5)) },
  "CREATE, 8 in flight": { mustKeep: each(crd(5), crd(3)), aim: each(ms(0.7), ms(1.3)) },
  "PUT, changed": { mustKeep: each(crd(8), crd(5)), aim: each(ms(1), ms(1.6)) },
  "PATCH (merge), a label": { mustKeep: each(crd(8), crd(5)), aim: each(ms(1), ms(1.6)) },
  "apply, unchanged": { mustKeep: both(crd(10)), aim: { SQLite: ms(0.8) } },
  "apply, changed": { mustKeep: both(crd(8)), aim: { SQLite: ms(1.4) } },
  DELETE: { mustKeep: each(crd(7), crd(4)) },
  "one event to watchers, per delivery": { mustKeep: both(crd(3)), aim: both(ms(0.02)) },
  "streaming initial lists, all at once": { mustKeep: both(crd(20)), aim: both(ms(400)) },
};

/** The row's figures in this run, by server. */
export type Figures = Partial<Record<TargetName, number>>;

/** @returns `undefined` where one of the figures that it takes is missing */
export function isMet(bound: Bound | undefined, own: Own, figures: Figures): boolean | undefined {
  const [here, theirs, least] = [figures[own], figures.CRD, figures.bare];
  if (bound === undefined || here === undefined) return undefined;
  if ("ms" in bound) return here <= bound.ms;
  if ("timesBare" in bound) return least === undefined ? undefined : here <= least * bound.timesBare;
  return theirs === undefined ? undefined : theirs >= here * bound.timesCheaperThanCrd;
}

export const textOfBound = (bound: Bound): string =>
  "ms" in bound
    ? `${bound.ms} ms`
    : "timesBare" in bound
      ? `${bound.timesBare}× bare`
      : `${bound.timesCheaperThanCrd}×`;
