/** Another client, in a thread of its own: asks `/livez` over one connection, again and again, and tells the longest wait. */
import { Agent, request } from "node:https";
import { parentPort, workerData } from "node:worker_threads";

const pauseMs = 5;
const url: unknown = workerData;
const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
let longestMs = 0;
/** Answers other than 200. */
let refusals = 0;
let startedAt: number | undefined;

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(`${String(url)}/livez`, { agent }, (answer) => {
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

/** What there was since the last call, the longest wait also of the one that is not over. */
parentPort?.on("message", () => {
  const waiting = startedAt === undefined ? 0 : performance.now() - startedAt;
  parentPort?.postMessage({ longestMs: Math.max(longestMs, waiting), refusals });
  longestMs = 0;
  refusals = 0;
});

for (;;) {
  startedAt = performance.now();
  await ask();
  longestMs = Math.max(longestMs, performance.now() - startedAt);
  startedAt = undefined;
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
