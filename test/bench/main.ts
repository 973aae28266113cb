/**
 * `npm run bench`: what the server costs, in its own CPU time and in latency, and where its speed targets are. The server
 * is a process of its own; this one is the load. Figures of one run compare with each other, not with another machine's.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { answersReady, startStandalone } from "../e2e/support/server.ts";
import { freePort } from "../support/processes.ts";
import { type BenchClient, benchClient, http2BenchClient } from "./client.ts";
import { benchFunction } from "./objects.ts";
import { cpuMs, residentBytes } from "./process-usage.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "10000" },
    watchers: { type: "string", default: "1000" },
    json: { type: "string", default: join(import.meta.dirname, "results.json") },
  },
});
const objects = Number(values.objects);
const watchers = Number(values.watchers);
const collection = "/apis/compute.functionmesh.io/v1alpha1/namespaces/bench/functions";
/** The API is measured, not what controllers make of its objects. */
const apiOnly = "--controllers=-function,-source,-sink,-function-mesh";

type Row = {
  readonly work: string;
  readonly operations: number;
  readonly cpuMsPerOperation?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly perSecond?: number;
  readonly note?: string;
};
const table: Row[] = [];
const report = (row: Row): void => {
  table.push(row);
  const cell = (value: number | undefined, unit: string): string =>
    value === undefined ? "" : `${value.toFixed(3)} ${unit}`;
  console.log(
    [
      row.work.padEnd(44),
      cell(row.cpuMsPerOperation, "ms CPU").padStart(16),
      cell(row.p50Ms, "p50").padStart(14),
      cell(row.p99Ms, "p99").padStart(14),
      row.perSecond === undefined ? "" : `${row.perSecond.toFixed(0)}/s`.padStart(10),
      row.note ?? "",
    ].join(" "),
  );
};

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** Runs `operation` `count` times with `inFlight` at once and reports the server's CPU per operation. */
async function measure(
  work: string,
  pid: number,
  count: number,
  inFlight: number,
  operation: (index: number) => Promise<void>,
): Promise<void> {
  const latencies: number[] = [];
  let next = 0;
  const [cpu, start] = [cpuMs(pid), performance.now()];
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        const index = next++;
        const began = performance.now();
        await operation(index);
        latencies.push(performance.now() - began);
      }
    }),
  );
  const [elapsed, used] = [performance.now() - start, cpuMs(pid) - cpu];
  latencies.sort((a, b) => a - b);
  report({
    work,
    operations: count,
    cpuMsPerOperation: used / count,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    perSecond: (count * 1000) / elapsed,
  });
}

async function expectStatus(answer: Promise<{ status: number }>, status: number): Promise<void> {
  const { status: got } = await answer;
  if (got !== status) throw new Error(`HTTP ${got}, not ${status}`);
}

async function coldStarts(directory: string): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const port = await freePort();
    const start = performance.now();
    await using server = await startStandalone(join(directory, `cold-${run}`), [], { port });
    times.push(performance.now() - start);
    if (!(await answersReady(server.url))) throw new Error("not ready");
  }
  times.sort((a, b) => a - b);
  report({
    work: "cold start to /readyz, new data directory",
    operations: times.length,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  });
}

async function resourceVersionOf(client: BenchClient, path: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await client.open(path)) chunks.push(chunk);
  return /"resourceVersion":"(\d+)"/.exec(Buffer.concat(chunks).toString())?.[1] ?? "0";
}

/** One event to many watchers: from the write's acknowledgement on the wire to each watcher's event. */
async function fanOut(client: BenchClient, pid: number, rounds: number): Promise<void> {
  const version = await resourceVersionOf(client, `${collection}/bench-0`);
  let [arrived, sum] = [0, 0];
  let latencies: number[] = [];
  let sent = 0;
  let done = (): void => undefined;
  const streams = await Promise.all(
    Array.from({ length: watchers }, async () => {
      const stream = await client.open(
        `${collection}?watch=true&fieldSelector=metadata.name%3Dbench-0&resourceVersion=${version}`,
      );
      stream.on("data", (chunk: Buffer) => {
        sum += chunk.length;
        if (chunk.at(-1) !== 0x0a) return;
        latencies.push(performance.now() - sent);
        if (++arrived === watchers) done();
      });
      return stream;
    }),
  );
  const all: number[] = [];
  const cpu = cpuMs(pid);
  for (let round = 0; round < rounds; round++) {
    [arrived, latencies] = [0, []];
    const everyone = new Promise<void>((resolve) => {
      done = resolve;
    });
    sent = performance.now();
    const patch = client.send(
      "PATCH",
      `${collection}/bench-0`,
      JSON.stringify({ metadata: { annotations: { round: String(round) } } }),
      { "content-type": "application/merge-patch+json" },
    );
    await Promise.all([expectStatus(patch, 200), everyone]);
    all.push(...latencies);
  }
  all.sort((a, b) => a - b);
  const deliveries = rounds * watchers;
  report({
    work: `one event to ${watchers} watchers, per delivery`,
    operations: deliveries,
    cpuMsPerOperation: (cpuMs(pid) - cpu) / deliveries,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    note: `${Math.round(sum / deliveries)} bytes each`,
  });
  for (const stream of streams) stream.destroy();
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-bench-"));
try {
  await coldStarts(directory);
  await using server = await startStandalone(join(directory, "data"), [apiOnly]);
  const pid = server.process.pid;
  const client = await benchClient(server.kubeconfig, watchers + 128);
  await expectStatus(
    client.send(
      "POST",
      "/api/v1/namespaces",
      JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } }),
    ),
    201,
  );
  const create = (index: number): Promise<void> =>
    expectStatus(client.send("POST", collection, benchFunction(`bench-${index}`, index)), 201);
  let created = 0;
  const createAt = async (inFlight: number, count: number): Promise<void> => {
    const first = created;
    created += count;
    await measure(`CREATE, ${inFlight} in flight`, pid, count, inFlight, (index) => create(first + index));
  };
  await measure("warm-up: CREATE, 8 in flight", pid, 500, 8, (index) => create(index));
  created = 500;
  await createAt(1, 500);
  await createAt(8, 2000);
  await createAt(16, 2000);
  await createAt(64, Math.max(0, objects - created));
  await measure("GET", pid, 4000, 1, (index) =>
    expectStatus(client.send("GET", `${collection}/bench-${index % created}`), 200),
  );
  await measure("GET, 8 in flight", pid, 8000, 8, (index) =>
    expectStatus(client.send("GET", `${collection}/bench-${index % created}`), 200),
  );
  await measure(`LIST ${created} as JSON`, pid, 10, 1, () => expectStatus(client.send("GET", collection), 200));
  const http2 = await http2BenchClient(server.kubeconfig);
  for (const inFlight of [1, 8]) {
    await measure(`GET, HTTP/2, ${inFlight} in flight`, pid, 4000 * inFlight, inFlight, (index) =>
      expectStatus(http2.get(`${collection}/bench-${index % created}`), 200),
    );
  }
  await measure(`LIST ${created} as JSON, HTTP/2`, pid, 10, 1, () => expectStatus(http2.get(collection), 200));
  http2.close();
  await measure(`LIST ${created}, gzip`, pid, 5, 1, () =>
    expectStatus(client.send("GET", collection, undefined, { "accept-encoding": "gzip" }), 200),
  );
  await measure(`LIST 1 % of ${created} by label`, pid, 50, 1, () =>
    expectStatus(client.send("GET", `${collection}?labelSelector=shard%3D7`), 200),
  );
  await measure(`LIST ${created} as Table`, pid, 5, 1, () =>
    expectStatus(
      client.send("GET", collection, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }),
      200,
    ),
  );
  await measure("PATCH (merge), 8 in flight", pid, 2000, 8, (index) =>
    expectStatus(
      client.send(
        "PATCH",
        `${collection}/bench-${index % created}`,
        JSON.stringify({ metadata: { labels: { step: String(index) } } }),
        { "content-type": "application/merge-patch+json" },
      ),
      200,
    ),
  );
  report({
    work: `resident memory with ${created} objects`,
    operations: created,
    note: `${Math.round(residentBytes(pid) / 1024 / 1024)} MiB`,
  });
  await fanOut(client, pid, 20);
  client.close();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    platform: `${process.platform}/${process.arch}`,
  };
  await writeFile(
    values.json,
    `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), command: `npm run bench -- --objects ${objects} --watchers ${watchers}`, machine, results: table }, undefined, 2)}\n`,
  );
} finally {
  await rm(directory, { recursive: true, force: true });
}
