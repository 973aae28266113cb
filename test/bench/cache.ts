/**
 * `node test/bench/cache.ts`: what the watch cache costs as objects become many: bytes that each takes, and CPU per object that
 * an answer shows. In process and without TLS: what grows here grows with the cache. A process per number of objects.
 */
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ApiResponse } from "../../apiserver/endpoints/api-handler.ts";
import { joinParts } from "../../apiserver/endpoints/compression.ts";
import { listObjects } from "../../apiserver/endpoints/handlers/list.ts";
import { scopeOf } from "../../apiserver/endpoints/scope.ts";
import { everyField, everyLabel } from "../../apiserver/machinery/selectors.ts";
import { ChunkBuffers } from "../../apiserver/server/chunk-buffers.ts";
import { functionsEndpoint, ManyFunctions, manyNamespace } from "../support/many-functions.ts";
import { aRequest } from "../support/requests.ts";
import { aContext, watchOptions } from "../support/widgets.ts";

const { values } = parseArgs({
  options: {
    /** Measures in this process and prints JSON. */
    size: { type: "string" },
    objects: { type: "string", multiple: true, default: ["10000", "100000"] },
    json: { type: "string", default: join(import.meta.dirname, "cache-results.json") },
  },
});

type Figures = { readonly [name: string]: number };

const collect = (): void => {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
};

function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const cpuMs = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/** CPU ms of one run, all threads: the lowest of some rounds. */
async function cost(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  let lowest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    lowest = Math.min(lowest, cpuMs(process.cpuUsage(before)));
  }
  return lowest;
}

const buffers = new ChunkBuffers(528 * 1024, 4);
const take = (bytes: number): Buffer => buffers.take(bytes);

/** As the transport takes it. */
async function written({ body }: ApiResponse): Promise<number> {
  const content = body?.() ?? "";
  if (typeof content === "string" || content instanceof Uint8Array) return content.length;
  let bytes = 0;
  for await (const part of Symbol.asyncIterator in content ? content : [content]) {
    const chunks = part instanceof Uint8Array ? [part] : joinParts(part, () => 512 * 1024, { take });
    for (const chunk of chunks) {
      bytes += chunk.length;
      buffers.giveBack(chunk);
    }
  }
  return bytes;
}

async function measured(count: number): Promise<Figures> {
  const ending = new AbortController();
  const backend = await ManyFunctions.of(count);
  const before = heldBytes();
  const start = process.cpuUsage();
  const endpoint = functionsEndpoint(backend, ending.signal);
  const scope = scopeOf(endpoint);
  const path = `/apis/compute.functionmesh.io/v1alpha1/namespaces/${manyNamespace}/functions`;
  const get = (query: string, headers: Record<string, string> = {}): Promise<ApiResponse> =>
    listObjects(aRequest({ url: `${path}?${query}`, headers }), scope);
  let first: ApiResponse | undefined;
  while (first === undefined) first = await get("labelSelector=none").catch(() => undefined);
  const loadMs = cpuMs(process.cpuUsage(start));
  const bytes = (heldBytes() - before) / count;
  const whole = async (query: string, headers: Record<string, string> = {}) => written(await get(query, headers));
  const pages = async (): Promise<void> => {
    let token = "";
    do {
      const response = await get(`limit=500&continue=${token}`);
      await written(response);
      token = response.result?.kind === "list" ? (response.result.list.metadata.continue ?? "") : "";
    } while (token !== "");
  };
  const initialEvents = async (): Promise<void> => {
    const done = new AbortController();
    const context = aContext({ namespace: manyNamespace, signal: done.signal });
    const events = await endpoint.storage.watch?.(
      context,
      watchOptions({ sendInitialEvents: true, allowBookmarks: true, labels: everyLabel, fields: everyField }),
    );
    for await (const batch of events ?? []) if (batch.some(({ type }) => type === "BOOKMARK")) break;
    done.abort();
  };
  const perObject = async (rounds: number, work: () => Promise<unknown>, returned = count) =>
    ((await cost(rounds, work)) / returned) * 1000;
  const figures = {
    jsonBytes: Buffer.byteLength(backend.value(0)),
    bytesPerObject: bytes,
    loadCpuMs: loadMs,
    listMicros: await perObject(7, () => whole("")),
    pagesMicros: await perObject(5, pages),
    labelMicros: await perObject(9, () => whole("labelSelector=shard%3D7"), count / 100),
    initialEventsMicros: await perObject(5, initialEvents),
    tableMicros: await perObject(3, () => whole("", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" })),
    metadataMicros: await perObject(3, () =>
      whole("", { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" }),
    ),
    gzipMicros: await perObject(3, () => whole("", { "accept-encoding": "gzip" })),
    bytesPerObjectAfter: (heldBytes() - before) / count,
    residentMiB: process.memoryUsage.rss() / 1024 / 1024,
  };
  ending.abort();
  return figures;
}

if (values.size !== undefined) {
  console.log(JSON.stringify(await measured(Number(values.size))));
  process.exit(0);
}
const results: { [objects: string]: Figures } = {};
for (const size of values.objects) {
  const output = execFileSync(process.execPath, ["--expose-gc", import.meta.filename, "--size", size], {
    encoding: "utf8",
  });
  results[size] = JSON.parse(output);
  console.log(size, results[size]);
}
const machine = { cpu: cpus()[0]?.model, node: process.version, load: loadavg() };
await writeFile(values.json, `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
