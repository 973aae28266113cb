/**
 * `node test/bench/resident.ts`: memory of the server itself with many Functions, with its controllers or (`--api-only`)
 * without, after they were read; and how long a start takes until lists are answered.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openEmbedded } from "../../apiserver/storage/embedded/embedded-store.ts";
import { type Standalone, startStandalone } from "../e2e/support/server.ts";
import { ManyFunctions } from "../support/many-functions.ts";
import { type BenchClient, benchClient } from "./client.ts";
import { cpuMs, residentBytes } from "./process-usage.ts";

const { values } = parseArgs({
  options: { objects: { type: "string", default: "10000" }, "api-only": { type: "boolean" } },
});
const count = Number(values.objects);
const args = values["api-only"] === true ? ["--controllers=-function,-source,-sink,-function-mesh"] : [];
const collection = "/apis/compute.functionmesh.io/v1alpha1/namespaces/bench/functions";

const tell = (server: Standalone, what: string): void => {
  const mebibytes = Math.round(residentBytes(server.process.pid) / 1024 / 1024);
  console.log(`${what}: ${mebibytes} MiB resident, ${Math.round(cpuMs(server.process.pid))} ms CPU so far`);
};

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
  console.log(`${count} objects: ready after ${Math.round(performance.now() - start)} ms`);
  const client = await benchClient(server.kubeconfig, 32);
  await list(client);
  console.log(`first list whole after ${Math.round(performance.now() - start)} ms`);
  tell(server, "then");
  for (let round = 0; round < 5; round++) await list(client);
  tell(server, "listed five times more");
  for (let round = 0; round < 3; round++) await list(client, { "accept-encoding": "gzip" });
  tell(server, "and three times compressed");
  client.close();
} finally {
  await rm(directory, { recursive: true, force: true });
}
