/**
 * What each row costs here as a multiple of what it costs a server that sends the same bytes from memory, in the same run:
 * a figure that a busy machine changes little. `node test/bench/gate.ts` measures it anew and writes `gate.json`, which
 * `npm run e2e` holds this server to.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Own } from "./aims.ts";
import { bareColdStart, coldStart } from "./cold-start.ts";
import { lowest, type Measured, measure } from "./measure.ts";
import { create, type Row, rows } from "./rows.ts";
import { startTargets, type Target } from "./targets.ts";

const sizes = { objects: 500, watchers: 100, streams: 4 };
const budgetMs = 80;
const creates = 150;
export const coldStartName = "cold start";

export type Ratios = { readonly [own in Own]: { readonly [row: string]: number } };

/** On etcd, rows in which the store has a part. */
const ofTheStore: ReadonlySet<string> = new Set([
  create.name,
  "GET, 8 in flight",
  "PUT, changed",
  "PATCH (merge), a label",
  "DELETE",
]);

/** `CREATE` is the first: lists have one length from then on. */
export const gated: { readonly [own in Own]: readonly Row[] } = {
  SQLite: rows.filter((row) => !row.without?.includes("bare")),
  etcd: rows.filter((row) => ofTheStore.has(row.name)),
};

export type Gate = AsyncDisposable & {
  /** Measures both once more. @returns the lowest of ours so far, as a multiple of the lowest of the bare server */
  readonly ratio: (own: Own, row: Row) => Promise<number>;
  readonly coldStartRatio: () => Promise<number>;
  /** The lowest of the bare server so far, in ms. */
  readonly bareMs: (row: Row) => number | undefined;
};

/** @param env  of the servers of this program */
export async function openGate(env: NodeJS.ProcessEnv = {}): Promise<Gate> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-gate-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const targets = stack.use(await startTargets(directory, ["SQLite", "etcd", "bare"], { env }));
  const named = (name: string): Target => {
    const found = targets.all.find((target) => target.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const bare = named("bare");
  // All of them warm, or the bare one would seem dear and the others cheap beside it.
  for (const target of [named("SQLite"), named("etcd"), bare])
    await measure(create, target, sizes, { budgetMs, count: sizes.objects }, targets.bodies);
  const all = new Map<string, Measured[]>();
  const take = async (row: Row, target: Target): Promise<number> => {
    const effort = row === create ? { budgetMs, count: creates } : { budgetMs };
    const record = target.name === "SQLite" ? targets.bodies : undefined;
    const key = `${row.name} ${target.name}`;
    const measured = [...(all.get(key) ?? []), await measure(row, target, sizes, effort, record)];
    all.set(key, measured);
    return lowest(measured)?.cpuMsPerOperation ?? Number.NaN;
  };
  let starts = 0;
  let [coldest, barest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const owned = stack.move();
  return {
    ratio: async (own, row) => {
      const here = await take(row, named(own));
      return here / (await take(row, bare));
    },
    bareMs: (row) => lowest(all.get(`${row.name} bare`) ?? [])?.cpuMsPerOperation,
    coldStartRatio: async () => {
      const folder = join(directory, `cold-${starts++}`);
      coldest = Math.min(coldest, (await coldStart(folder)).cpuMs);
      barest = Math.min(barest, (await bareColdStart(folder)).cpuMs);
      return coldest / barest;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const attempts = 3;

async function measured(): Promise<Ratios> {
  await using gate = await openGate();
  const lasting = async (ratio: () => Promise<number>): Promise<number> => {
    let last = Number.NaN;
    for (let attempt = 0; attempt < attempts; attempt++) last = await ratio();
    return Number(last.toPrecision(3));
  };
  const ratiosOf = async (own: Own) => {
    const ratios: [string, number][] = [];
    for (const row of gated[own]) ratios.push([row.name, await lasting(() => gate.ratio(own, row))]);
    return ratios;
  };
  const cold = await lasting(gate.coldStartRatio);
  const onSqlite = await ratiosOf("SQLite");
  return {
    SQLite: { [coldStartName]: cold, ...Object.fromEntries(onSqlite) },
    etcd: Object.fromEntries(await ratiosOf("etcd")),
  };
}

export const ratiosFile = join(import.meta.dirname, "gate.json");
if (import.meta.main) await writeFile(ratiosFile, `${JSON.stringify(await measured(), undefined, 2)}\n`);
