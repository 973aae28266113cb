import { readFileSync } from "node:fs";

/** What the scheduler says of the main thread of a process, in ms (Linux counts it in ns). */
type LoopTimes = {
  /** It ran. */
  readonly cpuMs: number;
  /** It could have run, and others had the CPUs. */
  readonly starvedMs: number;
};

export function loopTimes(pid: number): LoopTimes {
  const [cpu, starved] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
  return { cpuMs: Number(cpu) / 1e6, starvedMs: Number(starved) / 1e6 };
}

export const loopCpuMs = (pid: number): number => loopTimes(pid).cpuMs;
