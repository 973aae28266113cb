import { readFileSync } from "node:fs";

/** CPU time that the main thread of a process has had, in ms (Linux: the scheduler's own count, in ns). */
export function loopCpuMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}
