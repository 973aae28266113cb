/**
 * Another client, in a thread of its own: asks `/livez` over one connection, again and again, and tells the longest wait, by
 * the clock and by the CPU that the server's event loop used within one of them. A busy machine makes the first long, the
 * server alone the second.
 */
import { Agent, request } from "node:https";
import { parentPort, workerData } from "node:worker_threads";
import { loopCpuMs } from "./loop-cpu.ts";

const pauseMs = 5;
const { url, pid }: { readonly url: string; readonly pid: number } = workerData;
const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
let longestMs = 0;
/** Answers other than 200. */
let refusals = 0;
let heldMs = 0;
let started: { readonly atMs: number; readonly cpuMs: number } | undefined;

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/livez`, { agent }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if (answer.statusCode !== 200) refusals++;
        resolve();
      });
    });
    call.on("error", reject);
    call.end();
  });
}

function note(): void {
  if (started === undefined) return;
  longestMs = Math.max(longestMs, performance.now() - started.atMs);
  heldMs = Math.max(heldMs, loopCpuMs(pid) - started.cpuMs);
}

/** What there was since the last call, the longest wait also of the one that is not over. */
parentPort?.on("message", () => {
  note();
  parentPort?.postMessage({ longestMs, heldMs, refusals });
  longestMs = 0;
  heldMs = 0;
  refusals = 0;
});

for (;;) {
  started = { atMs: performance.now(), cpuMs: loopCpuMs(pid) };
  await ask();
  note();
  started = undefined;
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
