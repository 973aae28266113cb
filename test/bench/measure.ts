/** How a row is measured at one server, and what the bare one is given to send. */
import { existsSync, writeFileSync } from "node:fs";
import { fileOf } from "./bare.ts";
import { cpuMs } from "./process-usage.ts";
import { eventWork, type Row, type Sizes } from "./rows.ts";
import type { Target } from "./targets.ts";

export type Measured = {
  /** Of server and store. */
  readonly cpuMsPerOperation: number;
  readonly operations: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of an answer, or of an event. */
  readonly bytes: number;
};

export type Effort = {
  /** The server's own time after which no operation is begun. */
  readonly budgetMs: number;
  /** Exactly so many operations instead. */
  readonly count?: number;
  /** Waited for between preparing and measuring. */
  readonly onPrepared?: () => Promise<unknown>;
};

/** How many operations of a row a server has had. */
const taken = new WeakMap<Target, Map<string, number>>();

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** @param record  folder to keep the first answer in, for the bare server */
export async function measure(
  row: Row,
  target: Target,
  sizes: Sizes,
  { budgetMs, count, onPrepared }: Effort,
  record?: string,
): Promise<Measured> {
  let [bytes, answers] = [0, 0];
  const note = (answer: { readonly bytes: number; readonly body: () => Buffer }): void => {
    bytes += answer.bytes;
    if (answers++ > 0 || record === undefined) return;
    const file = fileOf(record, row.unitsOf === undefined ? row.name : eventWork);
    if (!existsSync(file)) writeFileSync(file, answer.body());
  };
  const work = await row.begin(target, sizes, note);
  await onPrepared?.();
  const used = (): number => target.pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const had = taken.get(target) ?? new Map<string, number>();
  taken.set(target, had);
  const [begin, latencies] = [used(), [] as number[]];
  let operations = 0;
  const most = count ?? row.maxOperations?.(sizes) ?? Number.POSITIVE_INFINITY;
  const isEnough = (): boolean =>
    operations >= most || (count === undefined && operations >= row.minOperations && used() - begin >= budgetMs);
  const oneAfterAnother = async (): Promise<void> => {
    while (!isEnough()) {
      operations++;
      const index = had.get(row.name) ?? 0;
      had.set(row.name, index + 1);
      const began = performance.now();
      await work.run(index);
      latencies.push(performance.now() - began);
    }
  };
  try {
    await Promise.all(Array.from({ length: row.inFlight }, oneAfterAnother));
    const cpu = used() - begin;
    const sorted = [...(work.latencies?.() ?? latencies)].sort((a, b) => a - b);
    const units = row.unitsOf?.(sizes) ?? 1;
    return {
      cpuMsPerOperation: cpu / operations / units,
      operations: operations * units,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      bytes: Math.round(bytes / Math.max(1, answers)),
    };
  } finally {
    work.close?.();
  }
}

/** The one that cost least. */
export const lowest = (measured: readonly Measured[]): Measured | undefined =>
  measured.toSorted((a, b) => a.cpuMsPerOperation - b.cpuMsPerOperation)[0];
