/** An installation whose controllers are measured: what they ask of kube-apiserver, how often they look, and their CPU. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type KubeClient, loadKubeClient } from "../../../apiserver/client/kube-client.ts";
import { configMapType, namespaceType } from "../../../apiserver/client/resource-types.ts";
import { cpuMs } from "../../bench/process-usage.ts";
import { freePort, type Process, untilReady } from "../../support/processes.ts";
import { type Installation, installAggregated, type ReplicaOptions } from "./aggregated.ts";
import { get } from "./http.ts";
import { issue } from "./pki.ts";
import { answersReady } from "./server.ts";

/** By verb and resource, e.g. `APPLY statefulsets`. */
export type Requests = { readonly [what: string]: number };

export type Measured = AsyncDisposable & {
  readonly installation: Installation;
  /** The administrator's, through kube-apiserver. */
  readonly client: KubeClient;
  /** Of our server, itself. */
  readonly url: string;
  server(): Process;
  /** Resolves when the server is ready. */
  start(options?: ReplicaOptions): Promise<void>;
  stop(): Promise<void>;
  /** What kube-apiserver has been asked about children, pods, references and events. */
  requests(): Promise<Requests>;
  /** Runs of all reconcilers since the server started. */
  reconciles(): Promise<number>;
  /** User and system time of the server, in ms. */
  cpuMs(): number;
  /** Resolves when the queues are empty and kube-apiserver has been asked nothing for a while. */
  quiet(): Promise<void>;
  createNamespace(name: string): Promise<void>;
};

const counted: ReadonlySet<string> = new Set([
  ...["statefulsets", "services", "horizontalpodautoscalers", "jobs", "pods", "configmaps", "secrets", "events"],
]);
/** A ConfigMap is written by nobody but the guard of our own store. */
const isWrite = (what: string): boolean => !/^(GET|LIST|WATCH|CONNECT) |configmaps$/.test(what);
export const writesIn = (requests: Requests): Requests =>
  Object.fromEntries(Object.entries(requests).filter(([what]) => isWrite(what)));

export const sum = (requests: Requests): number => Object.values(requests).reduce((total, count) => total + count, 0);

export function since(before: Requests, now: Requests): Requests {
  const grown = Object.entries(now).map(([what, count]) => [what, count - (before[what] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** Silence for so long counts as quiet, in ms. */
const silenceMs = 2_000;

export async function startMeasured(extra: readonly string[] = []): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-fleet-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const installation = stack.use(await installAggregated(directory, ["--shutdown-delay-duration", "0s", ...extra]));
  const { host, servingAuthority } = installation;
  const leaf = await issue(host.clientAuthority, { commonName: "measure", organizations: ["system:masters"] });
  const client = await loadKubeClient({ kubeconfig: host.kubeconfig });
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  let server: Process | undefined;
  const running = (): Process => {
    if (server === undefined) throw new Error("the server doesn't run");
    return server;
  };
  const ownMetric = async (name: string): Promise<number> => {
    const { body } = await get(`${url}/metrics`, servingAuthority.pem, leaf);
    return total(body, name, () => true);
  };
  const requests = async (): Promise<Requests> => {
    const { body } = await get(`${host.url}/metrics`, host.servingAuthority.pem, leaf);
    return requestsIn(body);
  };
  const stop = async (): Promise<void> => {
    await server?.stop();
    server = undefined;
  };
  const start = async (options: ReplicaOptions = {}): Promise<void> => {
    server = installation.startReplica("server", port, options);
    await untilReady("aggregated server", server, () => answersReady(url));
  };
  stack.defer(stop);
  await start();
  await installation.route(port);
  const owned = stack.move();
  return {
    installation,
    client,
    url,
    server: running,
    start,
    stop,
    requests,
    reconciles: () => ownMetric("controller_runtime_reconcile_total"),
    cpuMs: () => cpuMs(running().pid),
    quiet: async () => {
      for (let before = -1; ; ) {
        const now = sum(await requests()) + (await ownMetric("controller_runtime_reconcile_total"));
        if (now === before && (await ownMetric("workqueue_depth")) === 0) return;
        before = now;
        await pause(silenceMs);
      }
    },
    createNamespace: async (name) => {
      await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      const metadata = { name: "pulsar", namespace: name };
      await client.create(configMapType, { apiVersion: "v1", kind: "ConfigMap", metadata });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const sample = /^(\w+)(?:\{([^}]*)\})? (\S+)/;

function total(exposition: string, name: string, isMeant: (labels: string) => boolean): number {
  let found = 0;
  for (const line of exposition.split("\n")) {
    const [, metric, labels = "", value] = sample.exec(line) ?? [];
    if (metric === name && isMeant(labels)) found += Number(value);
  }
  return found;
}

function requestsIn(exposition: string): Requests {
  const found: { [what: string]: number } = {};
  for (const line of exposition.split("\n")) {
    const [, metric, labels = "", value] = sample.exec(line) ?? [];
    if (metric !== "apiserver_request_total") continue;
    const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    const [verb, resource] = [label("verb"), label("resource")];
    if (!counted.has(resource) || verb === "WATCH") continue;
    const what = `${verb} ${resource}`;
    found[what] = (found[what] ?? 0) + Number(value);
  }
  return found;
}
