/**
 * `npm run bench`: what this server costs beside those it is compared with, in one run: kube-apiserver with a
 * CustomResourceDefinition of the same schema, Go's `sample-apiserver`, this server on SQLite and on etcd, and a server that
 * sends the same bytes from memory. They take turns; CPU of server and store per operation, the lowest of all rounds.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { aims, type Bound, type Figures, isMet, type Own } from "./aims.ts";
import { type ColdStart, coldStart } from "./cold-start.ts";
import { lowest, type Measured, measure } from "./measure.ts";
import { residentBytes } from "./process-usage.ts";
import { profilable, profiled, type Share } from "./profile.ts";
import { create, type Row, rows } from "./rows.ts";
import { isTargetName, startTargets, type Target, targetNames } from "./targets.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "10000" },
    watchers: { type: "string", default: "200" },
    streams: { type: "string", default: "10" },
    rounds: { type: "string", default: "2" },
    /** A server's CPU per row and round. */
    "budget-ms": { type: "string", default: "400" },
    targets: { type: "string", default: targetNames.filter((name) => name !== "before").join() },
    /** Only those whose name has this regular expression. */
    rows: { type: "string", default: "." },
    /** The checkout of an older version, for the target `before`. */
    before: { type: "string" },
    json: { type: "string", default: join(import.meta.dirname, "results.json") },
  },
});
const sizes = {
  objects: Number(values.objects),
  watchers: Number(values.watchers),
  streams: Number(values.streams),
};
const rounds = Number(values.rounds);
const budgetMs = Number(values["budget-ms"]);
const names = values.targets.split(",").filter(isTargetName);
const chosen = rows.filter((row) => row === create || new RegExp(values.rows).test(row.name));

/** Work that is profiled: of the server's own time, in ms, and creates. */
const [profiledMs, profiledCreates] = [1000, 1000];

const loadAtStart = loadavg();
const profiles = new Map<string, readonly Share[]>();
const measured = new Map<string, Measured[]>();
const directory = await mkdtemp(join(tmpdir(), "functionmesh-bench-"));
try {
  await using targets = await startTargets(directory, names, { checkout: values.before, env: profilable });
  // What ours answers is what the bare server sends, so it is asked first.
  const recorder = targets.all.find(({ name }) => name === "SQLite");
  const take = async (row: Row, target: Target, count?: number): Promise<void> => {
    if (row.without?.includes(target.name)) return;
    const record = target === recorder ? targets.bodies : undefined;
    const figure = await measure(row, target, sizes, { budgetMs, ...(count !== undefined && { count }) }, record);
    const key = `${row.name} ${target.name}`;
    measured.set(key, [...(measured.get(key) ?? []), figure]);
    const { cpuMsPerOperation, operations } = figure;
    console.log(`${row.name}, ${target.name}: ${cpuMsPerOperation.toFixed(3)} ms, ${operations} operations`);
  };
  const turns = (round: number): readonly Target[] => (round % 2 === 0 ? targets.all : targets.all.toReversed());
  const part = Math.ceil(sizes.objects / rounds);
  for (let round = 0; round < rounds; round++)
    for (const target of turns(round)) await take(create, target, Math.min(part, sizes.objects - round * part));
  const memory = memoryOf(targets.all);
  const cold = await coldStart(directory);
  for (let round = 0; round < rounds; round++) {
    for (const row of chosen.filter((row) => row !== create && round < (row.rounds ?? rounds))) {
      for (const target of turns(round)) await take(row, target);
      // Whoever ends a long run early keeps what it found.
      await keep(resultOf(memory, memoryOf(targets.all), cold));
    }
  }
  const atEnd = memoryOf(targets.all);
  for (const row of chosen) for (const target of targets.all) await explain(row, target);
  await keep(resultOf(memory, atEnd, cold));
} finally {
  await rm(directory, { recursive: true, force: true });
}

function keep(result: ReturnType<typeof resultOf>): Promise<void> {
  return writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Where a row that misses its aim spends its time. */
async function explain(row: Row, target: Target): Promise<void> {
  const { name, server } = target;
  if (server === undefined || (name !== "SQLite" && name !== "etcd") || rowOf(row).aimIsMet[name] !== false) return;
  const effort = row === create ? { budgetMs, count: profiledCreates } : { budgetMs: profiledMs };
  const shares = await profiled(server, (begin) => measure(row, target, sizes, { ...effort, onPrepared: begin }));
  profiles.set(`${row.name} ${name}`, shares);
  console.log(`${row.name}, ${name}: ${shares.map(({ of, percent }) => `${of} ${percent} %`).join(", ")}`);
}

/** MiB of each server alone. */
function memoryOf(targets: readonly Target[]): Figures {
  return Object.fromEntries(targets.map(({ name, pid }) => [name, Math.round(residentBytes(pid) / 2 ** 20)]));
}

function resultOf(memory: Figures, memoryAtEnd: Figures, cold: ColdStart) {
  const args = [`--objects ${sizes.objects}`, `--rounds ${rounds}`, `--budget-ms ${budgetMs}`];
  if (values.before !== undefined) args.push(`--targets ${names}`, "--before CHECKOUT");
  const rounded = (loads: readonly number[]): readonly number[] => loads.map((load) => Math.round(load * 10) / 10);
  return {
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${args.join(" ")}`,
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
      platform: `${process.platform}/${process.arch}`,
      loadAverage: { atStart: rounded(loadAtStart), atEnd: rounded(loadavg()) },
    },
    rows: chosen.map(rowOf),
    residentMiB: { afterCreating: memory, atEnd: memoryAtEnd },
    coldStart: { ms: Math.round(cold.ms), cpuMs: Math.round(cold.cpuMs) },
  };
}

function rowOf({ name }: Row) {
  const figures = names.flatMap((target) => {
    const best = lowest(measured.get(`${name} ${target}`) ?? []);
    return best === undefined ? [] : [[target, significant(best)] as const];
  });
  const cpu: Figures = Object.fromEntries(
    figures.map(([target, { cpuMsPerOperation }]) => [target, cpuMsPerOperation]),
  );
  const judged = (bounds: Partial<Record<Own, Bound>> = {}) => ({
    SQLite: isMet(bounds.SQLite, "SQLite", cpu),
    etcd: isMet(bounds.etcd, "etcd", cpu),
  });
  const { mustKeep, aim } = aims[name] ?? {};
  const explained = names.flatMap((target) => {
    const shares = profiles.get(`${name} ${target}`);
    return shares === undefined ? [] : [[target, shares] as const];
  });
  return {
    name,
    figures: Object.fromEntries(figures),
    mustKeepIsMet: judged(mustKeep),
    aimIsMet: judged(aim),
    ...(explained.length > 0 && { profiles: Object.fromEntries(explained) }),
  };
}

/** To three digits, as no more are worth reading. */
function significant(figures: Measured): Measured {
  const three = (value: number): number => Number(value.toPrecision(3));
  const { cpuMsPerOperation, operations, p50Ms, p99Ms, bytes } = figures;
  return { cpuMsPerOperation: three(cpuMsPerOperation), operations, p50Ms: three(p50Ms), p99Ms: three(p99Ms), bytes };
}
