/**
 * `npm run limits`: asks a server what costs it most, in growing sizes, while another client asks whether it is alive.
 * The server is a process of its own. Ends with 1 when some request costs more than the design allows.
 *
 * FUNCTIONMESH_LIMITS_SECONDS says for how long: one round takes about two minutes, 1800 repeats every shape many times and
 * keeps its worst. When there is no time for all of them, every seventh is asked first, so that each route has its turn.
 *
 * What comes by a front proxy is asked of a second server, in the profile that stands behind one. Not asked here: a store
 * other than SQLite; what controllers do of what was written is asked in `minute.ts`, of one large Function and of objects
 * with thousands of owners.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { limits } from "../../apiserver/limits.ts";
import { startStandalone } from "../e2e/support/server.ts";
import { eventually } from "../support/processes.ts";
import { collections, functionWith, namespace } from "./bodies.ts";
import { problemsOf } from "./judge.ts";
import { machineFacts } from "./machine.ts";
import { Meter, residentBytes, type Sample, type Target } from "./measure.ts";
import { startProxied } from "./proxied.ts";
import { type Shape, shapes } from "./shapes.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, only: { type: "string", default: "" } } });
const seconds = Number(process.env.FUNCTIONMESH_LIMITS_SECONDS ?? 60);
const factors = [1, 2, 4, 8] as const;
/** A shape that fails is tried again: what a request costs shows every time, a machine's hiccup does not. */
const attempts = 3;
const idleSeconds = 2;
/** What may stay of the memory when all is over, in bytes: caches, and a heap that isn't given back at once. */
const maxKeptBytes = 256 * 1024 * 1024;

type Kubeconfig = {
  readonly clusters: readonly [{ readonly cluster: { readonly "certificate-authority-data": string } }];
  readonly users: readonly [
    { readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string } },
  ];
};

async function identityOf(kubeconfig: string): Promise<Target["identity"]> {
  const { clusters, users }: Kubeconfig = parse(await readFile(kubeconfig, "utf8"));
  const bytes = (text: string): Buffer => Buffer.from(text, "base64");
  return {
    ca: bytes(clusters[0].cluster["certificate-authority-data"]),
    cert: bytes(users[0].user["client-certificate-data"]),
    key: bytes(users[0].user["client-key-data"]),
  };
}

const creation = (path: string, object: object): Shape => ({
  name: "set-up",
  method: "POST",
  user: "admin",
  n: 1,
  path: () => path,
  headers: () => ({ "content-type": "application/json" }),
  body: () => JSON.stringify(object),
});

async function create(meter: Meter, path: string, object: object): Promise<void> {
  const { status } = await meter.measure(creation(path, object), 1);
  if (status !== 201) throw new Error(`cannot create in ${path}: ${status}`);
}

/** Objects to read, list, patch and replace. @returns their bytes */
async function prepare(meter: Meter): Promise<number> {
  const existing = { ...functionWith({ funcConfig: { l: Array(50_000).fill(0) } }), metadata: { name: "existing" } };
  await create(meter, "/api/v1/namespaces", { metadata: { name: namespace } });
  await create(meter, collections.functions, existing);
  await create(meter, `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "existing" } });
  for (let i = 0; i < 500; i++) {
    const metadata = { name: `c${i}`, labels: { app: "a", shard: String(i) } };
    await create(meter, collections.configmaps, { metadata, data: { a: "b" } });
  }
  const read = { ...creation(collections.configmaps, {}), method: "GET" } as const;
  const { body: _body, ...list } = read;
  const { answerBytes } = await meter.measure(list, 1);
  return answerBytes + Buffer.byteLength(JSON.stringify(existing));
}

/** Every seventh, then the rest: an end for want of time then takes something from each route. */
function byStride(a: Shape, b: Shape): number {
  const [left, right] = [shapes.indexOf(a), shapes.indexOf(b)];
  return (left % stride) - (right % stride) || left - right;
}
const stride = 7;

/** Indentation multiplies what is nested, and is what was asked for; documents are the server's own. */
const mayBeLarge = /[?&]pretty=|^\/(?:openapi|metrics|apis$)/;

/** Bytes that this request may read or make without sending them: `copy` in a JSON patch makes what it copies (API P-14). */
const readableBytes = ({ headers, n }: Shape, storedBytes: number): number =>
  storedBytes + (headers?.(n)["content-type"] === "application/json-patch+json" ? limits.maxPatchCopiedBytes.value : 0);

type Figures = { readonly name: string; readonly samples: readonly Sample[]; readonly problems: readonly string[] };

async function figuresOf(meter: Meter, shape: Shape, storedBytes: number): Promise<Figures> {
  let best: Figures | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const samples: Sample[] = [];
    for (const factor of factors) samples.push(await meter.measure(shape, factor * shape.n));
    const problems = problemsOf(samples, {
      storedBytes: readableBytes(shape, storedBytes),
      isExempt: mayBeLarge.test(shape.path(1)),
    });
    if (best === undefined || problems.length < best.problems.length) best = { name: shape.name, samples, problems };
    if (problems.length === 0) break;
  }
  return best ?? { name: shape.name, samples: [], problems: ["nothing was measured"] };
}

/** Of the largest size, and what the event loop used for each. */
function rowOf({ name, samples, problems }: Figures) {
  const { sentBytes, status, answerBytes } = samples.at(-1) ?? {};
  const most = (of: (sample: Sample) => number): number => Math.round(Math.max(...samples.map(of)));
  return {
    name,
    sentBytes,
    status,
    answerBytes,
    loopCpuMs: samples.map(({ loopCpuMs }) => Math.round(loopCpuMs)).join(" "),
    heldMs: most(({ heldMs }) => heldMs),
    livezMs: most(({ livezMs }) => livezMs),
    grownMiB: most(({ grownBytes }) => grownBytes / 2 ** 20),
    problems,
  };
}

function print({ name, samples, problems }: Figures): void {
  const largest = samples.at(-1);
  const cell = (value: number | undefined, unit: string): string => `${(value ?? 0).toFixed(0)} ${unit}`.padStart(10);
  console.log(
    [
      name.padEnd(60),
      cell((largest?.sentBytes ?? 0) / 1000, "kB"),
      String(largest?.status).padStart(4),
      samples
        .map(({ loopCpuMs }) => loopCpuMs.toFixed(0))
        .join(" ")
        .padStart(20),
      cell(Math.max(...samples.map(({ heldMs }) => heldMs)), "ms"),
      cell(Math.max(...samples.map(({ livezMs }) => livezMs)), "ms"),
      cell((largest?.grownBytes ?? 0) / 2 ** 20, "MiB"),
      problems.join("; "),
    ].join(" "),
  );
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-limits-"));
const figures = new Map<string, Figures>();
let failed = false;
try {
  await using server = await startStandalone(directory, ["--controllers", "none", "--log-level", "error"]);
  const { pid } = server.process;
  const target: Target = { url: server.url, pid, identity: await identityOf(server.kubeconfig) };
  await using meter = new Meter(target);
  await using proxied = await startProxied(directory, server.kubeconfig, (path, object) => create(meter, path, object));
  await using proxiedMeter = new Meter(proxied.target);
  const meterOf = ({ user }: Shape): Meter => (user === "proxied" ? proxiedMeter : meter);
  const storedBytes = await prepare(meter);
  await meter.observed();
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
  const { longestMs: idleMs } = await meter.observed();
  const pids = [pid, proxied.target.pid];
  const resident = (): number => pids.reduce((sum, each) => sum + residentBytes(each), 0);
  const before = resident();
  console.log(`idle: /livez waits ${idleMs.toFixed(1)} ms at most, ${(before / 2 ** 20).toFixed(0)} MiB`);
  console.log(
    "request, largest size, its code, CPU of the event loop in ms for 1, 2, 4, 8 × n, most of it and longest wait of one /livez, memory",
  );

  const wanted = shapes.filter(({ name }) => name.includes(values.only)).sort(byStride);
  const deadline = performance.now() + seconds * 1000;
  let rounds = 0;
  for (; performance.now() < deadline; rounds++) {
    for (const shape of wanted) {
      if (performance.now() > deadline) break;
      const found = await figuresOf(meterOf(shape), shape, storedBytes);
      const known = figures.get(shape.name);
      if (known === undefined || found.problems.length > known.problems.length) figures.set(shape.name, found);
      if (rounds === 0 || found.problems.length > 0) print(found);
    }
    if (figures.size < wanted.length) break;
  }
  const kept = await eventually(async () => {
    const bytes = resident() - before;
    if (bytes > maxKeptBytes) throw new Error(`${Math.round(bytes / 2 ** 20)} MiB of memory did not return`);
    return bytes;
  }).catch((error: unknown) => error);
  const bad = [...figures.values()].filter(({ problems }) => problems.length > 0);
  const unmeasured = wanted.length - figures.size;
  console.log(`${figures.size} shapes, ${bad.length} beyond their bounds, ${unmeasured} not measured for want of time`);
  console.log(kept instanceof Error ? kept.message : `${(Number(kept) / 2 ** 20).toFixed(0)} MiB of memory kept`);
  const ended = [server, proxied].filter(({ process: { child } }) => child.exitCode !== null).length;
  if (ended > 0) console.log(`${ended} servers have ended`);
  failed = bad.length > 0 || kept instanceof Error || ended > 0;
  if (values.json !== undefined) {
    const result = {
      ...machineFacts(),
      seconds,
      rounds,
      idleMs,
      keptBytes: kept,
      shapes: [...figures.values()].map(rowOf),
    };
    await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
