/** What the operating system says a process used (Linux: /proc). */
import { readdirSync, readFileSync } from "node:fs";

/**
 * Time that its threads ran since it started, in ms, to the microsecond. A thread that has ended is no longer counted, which is
 * why it is read of processes that keep theirs: Node's and Go's.
 */
export function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // It ended between both.
    }
  }
  return nanoseconds / 1e6;
}

export function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}
