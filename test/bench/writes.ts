/**
 * `node test/bench/writes.ts`: what reads and writes of one object cost here and at kube-apiserver, which serves the same
 * objects by a CustomResourceDefinition made of the same schema: CPU of server and etcd per operation. They take turns on
 * one machine, and only figures of one run compare. With `--before` and the folder of an older checkout that one takes part.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { definitionOf } from "../e2e/differential/definition.ts";
import { subjects } from "../e2e/differential/subjects.ts";
import { startHostCluster } from "../e2e/support/host-cluster.ts";
import { startStandalone } from "../e2e/support/server.ts";
import { freePort, startProcess, untilReady } from "../support/processes.ts";
import { type BenchClient, benchClient } from "./client.ts";
import { benchFunction } from "./objects.ts";
import { cpuMs, residentBytes } from "./process-usage.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "1000" },
    rounds: { type: "string", default: "3" },
    before: { type: "string" },
    json: { type: "string", default: join(import.meta.dirname, "writes-results.json") },
  },
});
const objects = Number(values.objects);
const rounds = Number(values.rounds);
const inFlight = 8;
const collection = "/apis/compute.functionmesh.io/v1alpha1/namespaces/bench/functions";
const apiOnly = "--controllers=-function,-source,-sink,-function-mesh";
const mergePatch = { "content-type": "application/merge-patch+json" };
const applyPatch = { "content-type": "application/apply-patch+yaml" };

type Target = {
  readonly name: string;
  readonly client: BenchClient;
  /** Whose CPU counts. */
  readonly pids: readonly number[];
  /** The objects as they were last read, for PUT. */
  readonly read: Map<string, string>;
};
type Answer = { readonly status: number; readonly bytes: number };
type Work = {
  readonly name: string;
  readonly operations: number;
  readonly prepare?: (target: Target) => Promise<void>;
  readonly run: (target: Target, index: number, round: number) => Promise<Answer>;
};

const nameOf = (index: number, round: number): string => `b-${round}-${index}`;
const pathOf = (index: number, round: number): string => `${collection}/${nameOf(index, round)}`;
const manifest = (index: number, round: number, logTopic: string): string => {
  const fn = JSON.parse(benchFunction(nameOf(index, round), index));
  return JSON.stringify({ ...fn, spec: { ...fn.spec, logTopic: `persistent://public/default/${logTopic}` } });
};
const apply = ({ client }: Target, index: number, round: number, logTopic: string): Promise<Answer> =>
  client.send(
    "PATCH",
    `${pathOf(index, round)}?fieldManager=gitops&force=true`,
    manifest(index, round, logTopic),
    applyPatch,
  );

const readAll = async (target: Target, round: number): Promise<void> => {
  for (let index = 0; index < objects; index++) {
    const chunks: Buffer[] = [];
    for await (const chunk of await target.client.open(pathOf(index, round))) chunks.push(chunk);
    target.read.set(nameOf(index, round), Buffer.concat(chunks).toString());
  }
};

const works: readonly Work[] = [
  {
    name: "CREATE",
    operations: objects,
    run: ({ client }, index, round) => client.send("POST", collection, benchFunction(nameOf(index, round), index)),
  },
  { name: "GET", operations: objects, run: ({ client }, index, round) => client.send("GET", pathOf(index, round)) },
  { name: "LIST, all objects", operations: 40, run: ({ client }) => client.send("GET", collection) },
  {
    name: "PATCH (merge), a label",
    operations: objects,
    run: ({ client }, index, round) =>
      client.send(
        "PATCH",
        `${pathOf(index, round)}?fieldManager=labels`,
        JSON.stringify({ metadata: { labels: { step: String(round) } } }),
        mergePatch,
      ),
  },
  {
    name: "PATCH (merge), a field of the spec",
    operations: objects,
    run: ({ client }, index, round) =>
      client.send(
        "PATCH",
        `${pathOf(index, round)}?fieldManager=patches`,
        JSON.stringify({ spec: { logTopic: "persistent://public/default/patched" } }),
        mergePatch,
      ),
  },
  {
    name: "PUT, changed",
    operations: objects,
    run: ({ client, read }, index, round) => {
      const text = read.get(nameOf(index, round)) ?? "";
      return client.send("PUT", pathOf(index, round), text.replace(/"image":"[^"]*"/, '"image":"example.org/put:1"'));
    },
  },
  { name: "apply, the first", operations: objects, run: (target, index, round) => apply(target, index, round, "a") },
  { name: "apply, changed", operations: objects, run: (target, index, round) => apply(target, index, round, "b") },
  { name: "apply, unchanged", operations: objects, run: (target, index, round) => apply(target, index, round, "b") },
  {
    name: "apply, unchanged again",
    operations: objects,
    run: (target, index, round) => apply(target, index, round, "b"),
  },
];

type Measured = { readonly cpuMs: number; readonly operations: number; readonly bytes: number };

/** @returns `undefined` for what the target doesn't serve */
async function measure(target: Target, work: Work, round: number): Promise<Measured | undefined> {
  const used = (): number => target.pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
  if (work.name.startsWith("PUT")) await readAll(target, round);
  const before = used();
  let [next, bytes, isServed] = [0, 0, true];
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < work.operations && isServed) {
        const index = next++;
        const answer = await work.run(target, index, round);
        if (answer.status === 415) isServed = false;
        else if (answer.status >= 300) throw new Error(`${target.name}, ${work.name}: HTTP ${answer.status}`);
        bytes += answer.bytes;
      }
    }),
  );
  return isServed ? { cpuMs: used() - before, operations: work.operations, bytes } : undefined;
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-bench-writes-"));
try {
  await using cluster = await startHostCluster(join(directory, "host"));
  await cluster.processes.controllerManager.stop();
  await using server = await startStandalone(join(directory, "data"), [apiOnly]);
  const host = await benchClient(cluster.kubeconfig, inFlight);
  const targets: Target[] = [
    {
      name: "kube-apiserver with a CRD",
      client: host,
      pids: [cluster.processes.apiserver.pid, cluster.processes.etcd.pid],
      read: new Map(),
    },
    {
      name: "this server",
      client: await benchClient(server.kubeconfig, inFlight),
      pids: [server.process.pid],
      read: new Map(),
    },
  ];
  await using others = new AsyncDisposableStack();
  if (values.before !== undefined) targets.push(await older(values.before, others));
  await define(host);
  const namespace = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } });
  for (const { client } of targets) await client.send("POST", "/api/v1/namespaces", namespace);
  const sums = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const work of works) {
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        const measured = await measure(target, work, round);
        const key = `${work.name} ${target.name}`;
        if (measured !== undefined) sums.set(key, [...(sums.get(key) ?? []), measured]);
      }
    }
  }
  const rows = works.map(({ name }) => ({ work: name, ...rowOf(name, targets, sums) }));
  const memory = Object.fromEntries(
    targets.map(({ name, pids }) => [
      name,
      Math.round(pids.reduce((sum, pid) => sum + residentBytes(pid), 0) / 2 ** 20),
    ]),
  );
  console.log(`MiB resident with ${objects * rounds} objects:`, memory);
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), node: process.version };
  const result = {
    date: new Date().toISOString().slice(0, 10),
    command: `node test/bench/writes.ts --objects ${objects} --rounds ${rounds}${values.before === undefined ? "" : " --before CHECKOUT"}`,
    machine: { ...machine, loadAverage: loadavg().map((load) => Math.round(load * 10) / 10) },
    cpuMsPerOperation: rows,
    residentMiB: memory,
  };
  await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  for (const { client } of targets) client.close();
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** CPU per operation of each round's lowest, how many times this server's that is, and bytes of an answer. */
function rowOf(work: string, targets: readonly Target[], sums: ReadonlyMap<string, readonly Measured[]>) {
  const cells = targets.map(({ name }) => {
    const measured = sums.get(`${work} ${name}`) ?? [];
    const [best] = measured.toSorted((a, b) => a.cpuMs - b.cpuMs);
    return best && { name, ms: best.cpuMs / best.operations, bytes: Math.round(best.bytes / best.operations) };
  });
  const own = cells[1]?.ms ?? Number.NaN;
  const row: Record<string, { ms: number; timesThis: number; answerBytes: number }> = {};
  for (const cell of cells) {
    if (cell === undefined) continue;
    const [ms, timesThis] = [Math.round(cell.ms * 1000) / 1000, Math.round((cell.ms / own) * 100) / 100];
    row[cell.name] = { ms, timesThis, answerBytes: cell.bytes };
  }
  console.log(work.padEnd(36), JSON.stringify(row));
  return row;
}

async function older(checkout: string, stack: AsyncDisposableStack): Promise<Target> {
  const [port, kubeconfig] = [await freePort(), join(directory, "older.kubeconfig")];
  const main = join(checkout, "apiserver/cmd/main.ts");
  const data = ["--data-dir", join(directory, "older"), "--write-kubeconfig", kubeconfig];
  const process_ = startProcess(process.execPath, [
    main,
    "standalone",
    "--secure-port",
    String(port),
    ...data,
    apiOnly,
  ]);
  stack.defer(async () => void (await process_.stop()));
  let client: BenchClient | undefined;
  await untilReady("older server", process_, async () => {
    client ??= await benchClient(kubeconfig, inFlight);
    return (await client.send("GET", "/readyz")).status === 200;
  });
  if (client === undefined) throw new Error("the older server has no kubeconfig");
  return { name: "before", client, pids: [process_.pid], read: new Map() };
}

async function define(host: BenchClient): Promise<void> {
  const subject = subjects.find(({ kind }) => kind === "Function");
  if (subject === undefined) throw new Error("no Functions");
  const body = JSON.stringify(definitionOf(subject, loadSchemas()));
  await host.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body);
  for (;;) if ((await host.send("GET", collection)).status === 200) return;
}
