import { readdirSync, readFileSync } from "node:fs";

/** What the scheduler says of one thread, in ms (Linux counts it in ns). */
type ThreadTimes = {
  /** It ran. */
  readonly cpuMs: number;
  /** It could have run, and others had the CPUs. */
  readonly starvedMs: number;
};

function threadTimes(pid: number, thread: number): ThreadTimes {
  const [cpu, starved] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
  return { cpuMs: Number(cpu) / 1e6, starvedMs: Number(starved) / 1e6 };
}

/** Of the main thread, which has the event loop. */
export const loopCpuMs = (pid: number): number => threadTimes(pid, pid).cpuMs;

/** By process: its main thread and Node's workers, as they were when it was first asked about. */
const workers = new Map<number, readonly number[]>();

function workingThreads(pid: number): readonly number[] {
  let threads = workers.get(pid);
  if (threads === undefined) {
    const nameOf = (thread: number): string => readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8");
    const all = readdirSync(`/proc/${pid}/task`).map(Number);
    threads = all.filter((thread) => thread === pid || nameOf(thread).startsWith("WorkerThread"));
    workers.set(pid, threads);
  }
  return threads;
}

/** For how long the threads that do a process's work, which take turns at it, were kept waiting by the rest of the machine. */
export const starvedMs = (pid: number): number =>
  workingThreads(pid).reduce((sum, thread) => sum + threadTimes(pid, thread).starvedMs, 0);
