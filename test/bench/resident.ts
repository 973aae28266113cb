/**
 * `node test/bench/resident.ts`: memory of the server itself with many Functions, with its controllers or (`--api-only`)
 * without, as they were created, after they were read, and after a restart; and how long that takes until lists are answered.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Standalone, startStandalone } from "../e2e/support/server.ts";
import { type BenchClient, benchClient } from "./client.ts";
import { benchFunction } from "./objects.ts";
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

async function createAll(client: BenchClient): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const { status } = await client.send("POST", collection, { body: benchFunction(`bench-${index}`, index) });
      if (status !== 201) throw new Error(`HTTP ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
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
  {
    await using server = await startStandalone(directory, args);
    const client = await benchClient(server.kubeconfig, 32);
    const namespace = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } });
    await client.send("POST", "/api/v1/namespaces", { body: namespace });
    await createAll(client);
    tell(server, `${count} created`);
    for (let round = 0; round < 5; round++) await list(client);
    tell(server, "listed five times");
    for (let round = 0; round < 3; round++) await list(client, { "accept-encoding": "gzip" });
    tell(server, "and three times compressed");
    client.close();
  }
  const start = performance.now();
  await using server = await startStandalone(directory, args);
  console.log(`restarted: ready after ${Math.round(performance.now() - start)} ms`);
  const client = await benchClient(server.kubeconfig, 32);
  await list(client);
  console.log(`first list whole after ${Math.round(performance.now() - start)} ms`);
  tell(server, "then");
  client.close();
} finally {
  await rm(directory, { recursive: true, force: true });
}
