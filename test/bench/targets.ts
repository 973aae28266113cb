/** The servers that take turns: each a process, or two with its store, whose CPU counts as its own. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { definitionOf } from "../e2e/differential/definition.ts";
import { subjects } from "../e2e/differential/subjects.ts";
import { type HostCluster, startEtcd, startHostCluster } from "../e2e/support/host-cluster.ts";
import { createAuthority, issue, kubeconfig, writeLeaf } from "../e2e/support/pki.ts";
import { startStandalone } from "../e2e/support/server.ts";
import { ensureTool } from "../e2e/support/tools.ts";
import { freePort, type Process, startProcess, untilReady } from "../support/processes.ts";
import { type BenchClient, benchClient } from "./client.ts";
import { type BenchKind, flunders, functions } from "./kinds.ts";

export const targetNames = ["CRD", "sample-apiserver", "SQLite", "etcd", "bare", "before"] as const;
export type TargetName = (typeof targetNames)[number];
export const isTargetName = (name: string): name is TargetName => targetNames.some((known) => known === name);

export type Target = {
  readonly name: TargetName;
  readonly client: BenchClient;
  readonly kubeconfig: string;
  readonly kind: BenchKind;
  readonly pid: number;
  /** With its store's. */
  readonly pids: readonly number[];
  /** Of this program, which can be profiled. */
  readonly server?: Process;
  /** Objects as their last answer had them, for PUT. */
  readonly read: Map<string, string>;
};

/** The API is measured, not what controllers make of its objects. */
const apiOnly = "--controllers=-function,-source,-sink,-function-mesh";
/** Watchers of one event, and those who read and write beside them. */
const maxSockets = 256;

export type Targets = AsyncDisposable & {
  readonly all: readonly Target[];
  /** Where the bare server finds what it sends. */
  readonly bodies: string;
};

export type TargetOptions = {
  /** Of an older version, for `before`. */
  readonly checkout?: string | undefined;
  /** Of the servers of this program. */
  readonly env?: NodeJS.ProcessEnv;
};

export async function startTargets(
  directory: string,
  names: readonly TargetName[],
  { checkout, env = {} }: TargetOptions = {},
): Promise<Targets> {
  await using stack = new AsyncDisposableStack();
  const bodies = join(directory, "bodies");
  await mkdir(bodies, { recursive: true });
  const all: Target[] = [];
  const add = async (
    name: TargetName,
    file: string,
    pids: readonly [server: number, ...store: number[]],
    { kind = functions, server }: { readonly kind?: BenchKind; readonly server?: Process } = {},
  ): Promise<void> => {
    const client = await benchClient(file, maxSockets);
    stack.defer(() => client.close());
    all.push({ name, client, kubeconfig: file, kind, pid: pids[0], pids, read: new Map(), ...(server && { server }) });
  };
  const needsHost = names.includes("CRD") || names.includes("sample-apiserver");
  const host = needsHost ? stack.use(await startHostCluster(join(directory, "host"))) : undefined;
  await host?.processes.controllerManager.stop();
  if (host !== undefined && names.includes("CRD"))
    await add("CRD", host.kubeconfig, [host.processes.apiserver.pid, host.processes.etcd.pid]);
  if (host !== undefined && names.includes("sample-apiserver")) {
    const sample = await startSample(join(directory, "sample"), host, stack);
    await add("sample-apiserver", sample.kubeconfig, sample.pids, { kind: flunders });
  }
  if (names.includes("SQLite")) {
    const server = stack.use(await startStandalone(join(directory, "sqlite"), [apiOnly], { env }));
    await add("SQLite", server.kubeconfig, [server.process.pid], { server: server.process });
  }
  if (names.includes("etcd")) {
    const etcd = stack.use(await startEtcd(directory, "own-etcd"));
    const store = ["--etcd-servers", etcd.url];
    const server = stack.use(await startStandalone(join(directory, "etcd"), [apiOnly, ...store], { env }));
    await add("etcd", server.kubeconfig, [server.process.pid, etcd.pid], { server: server.process });
  }
  if (names.includes("before")) {
    if (checkout === undefined) throw new Error("--before names the checkout of an older version");
    const older = await startOlder(join(directory, "older"), checkout, stack);
    await add("before", older.kubeconfig, [older.pid]);
  }
  if (names.includes("bare")) {
    const bare = await startBare(join(directory, "bare"), bodies, stack);
    await add("bare", bare.kubeconfig, [bare.pid]);
  }
  for (const target of all) await prepare(target);
  const owned = stack.move();
  return { all, bodies, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function prepare({ name, client, kind }: Target): Promise<void> {
  if (name === "bare" || name === "sample-apiserver") return;
  if (name === "CRD") {
    const subject = subjects.find((known) => known.kind === "Function");
    if (subject === undefined) throw new Error("no Functions");
    const body = JSON.stringify(definitionOf(subject, loadSchemas()));
    await client.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body });
    while ((await client.send("GET", kind.collection)).status !== 200);
  }
  const body = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } });
  await client.send("POST", "/api/v1/namespaces", { body });
}

type Started = { readonly kubeconfig: string; readonly pid: number };

/** Go's example asks the host cluster about namespaces, and nobody about an administrator. */
async function startSample(
  directory: string,
  host: HostCluster,
  stack: AsyncDisposableStack,
): Promise<{ readonly kubeconfig: string; readonly pids: readonly [number, number] }> {
  await mkdir(directory, { recursive: true });
  const etcd = stack.use(await startEtcd(directory, "sample-etcd"));
  const [port, authority] = [await freePort(), await createAuthority("sample-serving")];
  const serving = await writeLeaf(
    directory,
    "serving",
    await issue(authority, { commonName: "sample", names: ["localhost", "127.0.0.1"] }),
  );
  const clientCa = join(directory, "client-ca.crt");
  await writeFile(clientCa, host.clientAuthority.pem);
  const process_ = stack.use(
    startProcess(
      await ensureTool("sample-apiserver"),
      [
        `--etcd-servers=${etcd.url}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${port}`,
        `--tls-cert-file=${serving.cert}`,
        `--tls-private-key-file=${serving.key}`,
        `--client-ca-file=${clientCa}`,
        `--kubeconfig=${host.kubeconfig}`,
        `--authentication-kubeconfig=${host.kubeconfig}`,
        `--authorization-kubeconfig=${host.kubeconfig}`,
      ],
      { logFile: join(directory, "sample-apiserver.log") },
    ),
  );
  const hostClient = await benchClient(host.kubeconfig, 1);
  const body = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } });
  await hostClient.send("POST", "/api/v1/namespaces", { body });
  hostClient.close();
  const admin = await issue(host.clientAuthority, { commonName: "admin", organizations: ["system:masters"] });
  const file = join(directory, "kubeconfig");
  await writeFile(file, kubeconfig(`https://127.0.0.1:${port}`, authority, admin));
  await untilReady("sample-apiserver", process_, () => answers(file, flunders.collection), 120_000);
  return { kubeconfig: file, pids: [process_.pid, etcd.pid] };
}

const bareProgram = new URL("bare.ts", import.meta.url).pathname;

export async function startBare(directory: string, bodies: string, stack: AsyncDisposableStack): Promise<Started> {
  await mkdir(directory, { recursive: true });
  const [port, authority] = [await freePort(), await createAuthority("bare-serving")];
  const names = ["localhost", "127.0.0.1"];
  const { cert, key } = await writeLeaf(directory, "serving", await issue(authority, { commonName: "bare", names }));
  const file = join(directory, "kubeconfig");
  const admin = await issue(authority, { commonName: "admin" });
  await writeFile(file, kubeconfig(`https://127.0.0.1:${port}`, authority, admin));
  const process_ = stack.use(startProcess(process.execPath, [bareProgram, bodies, String(port), cert, key]));
  await untilReady("bare server", process_, () => answers(file, "/"));
  return { kubeconfig: file, pid: process_.pid };
}

async function startOlder(directory: string, checkout: string, stack: AsyncDisposableStack): Promise<Started> {
  await mkdir(directory, { recursive: true });
  const [port, file] = [await freePort(), join(directory, "kubeconfig")];
  const program = [join(checkout, "apiserver/cmd/main.ts"), "standalone", apiOnly];
  const where = ["--secure-port", String(port), "--data-dir", directory, "--write-kubeconfig", file];
  const process_ = stack.use(startProcess(process.execPath, [...program, ...where]));
  await untilReady("older server", process_, () => answers(file, "/readyz"));
  return { kubeconfig: file, pid: process_.pid };
}

async function answers(file: string, path: string): Promise<boolean> {
  const client = await benchClient(file, 1);
  try {
    return (await client.send("GET", path)).status === 200;
  } finally {
    client.close();
  }
}
