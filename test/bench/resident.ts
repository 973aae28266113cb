/**
 * `node test/bench/resident.ts`: memory of the server itself with many Functions, without controllers or (`--controllers`)
 * with them and all that a laptop makes of such objects, after they were read; and how long a start takes until it is ready
 * with its caches. Written to `resident-results.json` beside what other runs found.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openEmbedded } from "../../apiserver/storage/embedded/embedded-store.ts";
import { type Standalone, startStandalone } from "../e2e/support/server.ts";
import { ManyFunctions } from "../support/many-functions.ts";
import { type BenchClient, benchClient } from "./client.ts";
import { cpuMs, residentBytes } from "./process-usage.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "10000" },
    controllers: { type: "boolean", default: false },
    json: { type: "string", default: join(import.meta.dirname, "resident-results.json") },
  },
});
const count = Number(values.objects);
const { controllers } = values;
const args = controllers ? [] : ["--controllers=-function,-source,-sink,-function-mesh"];
const collection = "/apis/compute.functionmesh.io/v1alpha1/namespaces/bench/functions";

type Seen = { readonly residentMiB: number; readonly cpuMs: number; readonly ms: number };
type Found = { readonly [moment: string]: Seen | readonly number[] };

/** A server that used less CPU than this in a look has nothing left to do, in ms. */
const [idleMs, lookMs, idleLooks] = [250, 5000, 3];

async function untilSettled({ process: { pid } }: Standalone): Promise<void> {
  for (let [idle, before] = [0, cpuMs(pid)]; idle < idleLooks; ) {
    await delay(lookMs);
    const now = cpuMs(pid);
    idle = now - before < idleMs ? idle + 1 : 0;
    before = now;
  }
}

/** As a server would have stored them, without one. */
async function fill(dataDirectory: string): Promise<void> {
  const functions = await ManyFunctions.of(count);
  await using backend = await openEmbedded({ directory: dataDirectory });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      await backend.create(functions.key(index), functions.value(index));
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

/** Lists as clients do, until one is answered. */
async function list(client: BenchClient, headers: Record<string, string> = {}): Promise<void> {
  for (;;) {
    const { status } = await client.send("GET", collection, { headers });
    if (status === 200) return;
  }
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-resident-"));
try {
  await fill(directory);
  const start = performance.now();
  await using server = await startStandalone(directory, args);
  const seen: { [moment: string]: Seen } = {};
  const look = (moment: string): void => {
    seen[moment] = {
      residentMiB: Math.round(residentBytes(server.process.pid) / 1024 / 1024),
      cpuMs: Math.round(cpuMs(server.process.pid)),
      ms: Math.round(performance.now() - start),
    };
    console.log(moment, seen[moment]);
  };
  look("ready");
  if (controllers) {
    await untilSettled(server);
    look("settled");
  }
  const client = await benchClient(server.kubeconfig, 32);
  await list(client);
  look("listed");
  for (let round = 0; round < 5; round++) await list(client);
  look("listed six times");
  for (let round = 0; round < 3; round++) await list(client, { "accept-encoding": "gzip" });
  look("and three times compressed");
  client.close();
  const others: { [what: string]: Found } = existsSync(values.json)
    ? JSON.parse(await readFile(values.json, "utf8"))
    : {};
  const what = `${count} Functions ${controllers ? "with" : "without"} controllers`;
  const results = { ...others, [what]: { ...seen, loadAverage: loadavg() } };
  await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
