/**
 * One tenant's flood, as a program of its own: `rate` requests a second for `seconds`, however many are on their way; what
 * came of them is printed as JSON. A request is left out, and counted so, while `maxOpen` are unanswered.
 */
import { Pool } from "undici";
import { startProcess } from "../../support/processes.ts";
import type { Leaf } from "./pki.ts";

export type Flood = {
  readonly url: string;
  readonly ca: string;
  readonly user: Leaf;
  /** In turn; those with a body are created. */
  readonly requests: readonly { readonly path: string; readonly body?: string }[];
  readonly rate: number;
  readonly seconds: number;
};

export type FloodResult = {
  readonly seconds: number;
  readonly sent: number;
  readonly leftOut: number;
  /** How often each status was the answer; 0: none came. */
  readonly answers: { readonly [status: string]: number };
};

/** What whoever floods a server, or the proxy before it, may be told: too many, not now, too late, or nothing at all. */
const refusals = ["429", "503", "504", "0"];

/** Answers that are neither `meant` nor of an overload. */
export const unforeseen = (answers: FloodResult["answers"], ...meant: readonly string[]): readonly string[] =>
  Object.keys(answers).filter((status) => !meant.includes(status) && !refusals.includes(status));

const maxOpen = 2000;
const tickMs = 10;

/** Resolves when it is over. */
export async function flood(given: Flood): Promise<FloodResult> {
  await using child = startProcess(process.execPath, [import.meta.filename], {
    env: { FLOOD: JSON.stringify(given) },
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`the flood ended with ${code}: ${child.output()}`);
  return JSON.parse(child.output());
}

async function run({ url, ca, user, requests, rate, seconds }: Flood): Promise<FloodResult> {
  const pool = new Pool(url, {
    connections: 100,
    connect: { ca, cert: user.certificatePem, key: user.keyPem },
    headersTimeout: 70_000,
  });
  const answers: { [status: string]: number } = {};
  let [sent, leftOut, open] = [0, 0, 0];
  const ask = async (): Promise<void> => {
    const { path, body } = requests[sent++ % requests.length] ?? { path: "/" };
    open++;
    const options = {
      path,
      method: body === undefined ? ("GET" as const) : ("POST" as const),
      headers: { accept: "application/json", "content-type": "application/json", "user-agent": "flood" },
      ...(body === undefined ? {} : { body: body.replaceAll("SERIAL", String(sent)) }),
    };
    const status = await pool
      .request(options)
      .then(async ({ statusCode, body: answer }) => {
        await answer.dump({ limit: Number.MAX_SAFE_INTEGER });
        return statusCode;
      })
      .catch(() => 0);
    answers[status] = (answers[status] ?? 0) + 1;
    open--;
  };
  const startedMs = performance.now();
  const elapsed = (): number => (performance.now() - startedMs) / 1000;
  for (let due = 0; elapsed() < seconds; ) {
    for (const until = Math.min(rate * elapsed(), rate * seconds); due < until; due++) {
      if (open < maxOpen) void ask();
      else leftOut++;
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  const took = elapsed();
  await pool.close();
  return { seconds: took, sent, leftOut, answers };
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(process.env.FLOOD ?? ""))));
  process.exit(0);
}
