/** What the figures were taken on. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

/** Load above the number of CPUs: others had the machine too, and waits by the clock say so. */
export function machineFacts() {
  const { version } = process;
  return {
    date: new Date().toISOString(),
    commit: execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    load: { before: loadBefore, after: loadavg() },
    node: version,
  };
}
const loadBefore = loadavg();
