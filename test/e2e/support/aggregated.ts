/**
 * The aggregated profile as `deploy/base` installs it, on a host cluster without nodes: the manifests are applied, and
 * what their Deployment would run is a process on loopback with their ServiceAccount's token and no other rights.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { parseYaml } from "../../../apiserver/machinery/yaml.ts";
import { eventually, freePort, type Process, type ProcessOptions, untilReady } from "../../support/processes.ts";
import { type HostCluster, startEtcd, startHostCluster } from "./host-cluster.ts";
import { type Kubectl, kubectlFor } from "./kubectl.ts";
import { type Authority, createAuthority, issue, kubeconfig, writeLeaf } from "./pki.ts";
import { answersReady, startMain } from "./server.ts";

const manifests = new URL("../../../deploy/base/", import.meta.url).pathname;
export const systemNamespace = "functionmesh-system";
const serviceAccount = "functionmesh-apiserver";
const apiService = "v1alpha1.compute.functionmesh.io";

/** A host cluster on which `deploy/base` is applied, and whatever a replica needs to run beside it. */
export type Installation = AsyncDisposable & {
  readonly host: HostCluster;
  /** Client URL of our own etcd. */
  readonly etcdUrl: string;
  readonly servingAuthority: Authority;
  /** Of the cluster's administrator, through kube-apiserver. */
  readonly kubectl: Kubectl;
  /** kubectl of somebody the cluster's CA vouches for, through kube-apiserver. */
  kubectlOf(user: { readonly commonName: string; readonly organizations?: readonly string[] }): Promise<Kubectl>;
  /** A replica on loopback, as the Deployment would run it; not ready yet. `name` is that of its log and directory. */
  startReplica(name: string, port: number, options?: ReplicaOptions): Process;
  /** Has the aggregator reach us at a port of this machine; resolves once it does. */
  route(port: number): Promise<void>;
};

export type ReplicaOptions = ProcessOptions & {
  /** Options of `serve`, after all others. */
  readonly args?: readonly string[];
  /** `main.ts` of another release. */
  readonly program?: string;
};

export type Aggregated = Omit<Installation, "startReplica" | "route"> & {
  /** Our server as it runs now. */
  server(): Process;
  /** Ends our server as a crash would, runs `meanwhile`, and starts it again. */
  crash(meanwhile: () => Promise<void>): Promise<void>;
  /** Of our server itself, past the aggregator. */
  readonly url: string;
};

/** @param extra options of `serve`, after the Deployment's own */
export async function installAggregated(directory: string, extra: readonly string[] = []): Promise<Installation> {
  await mkdir(directory, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const host = stack.use(await startHostCluster(join(directory, "host")));
  const etcd = stack.use(await startEtcd(directory, "own-etcd"));
  const kubectl = await kubectlFor(host.kubeconfig, join(directory, "kubectl"));
  const servingAuthority = await createAuthority("functionmesh-serving");
  await install(kubectl, servingAuthority);

  const options = await replicaOptions(kubectl, { directory, servingAuthority, host });
  const owned = stack.move();
  return {
    host,
    etcdUrl: etcd.url,
    servingAuthority,
    kubectl,
    kubectlOf: async (user) => {
      const leaf = await issue(host.clientAuthority, user);
      const file = join(directory, `${encodeURIComponent(user.commonName)}.kubeconfig`);
      await writeFile(file, kubeconfig(host.url, host.servingAuthority, leaf), { mode: 0o600 });
      return kubectlFor(file, join(directory, "kubectl"));
    },
    startReplica: (name, port, { args = [], program, ...process } = {}) =>
      startMain(
        [...options({ name, port, etcdUrl: etcd.url }), ...extra, ...args],
        { logFile: join(directory, `${name}.log`), ...process },
        program,
      ),
    route: (port) => route(kubectl, port),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @param extra options of `serve`, after the Deployment's own */
export async function startAggregated(directory: string, extra: readonly string[] = []): Promise<Aggregated> {
  await using stack = new AsyncDisposableStack();
  const { startReplica, route, ...installation } = stack.use(await installAggregated(directory, extra));
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const start = async (): Promise<Process> => {
    const started = startReplica("server", port);
    await untilReady("aggregated server", started, () => answersReady(url));
    return started;
  };
  let server = await start();
  stack.defer(async () => void (await server.stop()));
  await route(port);
  const owned = stack.move();
  return {
    ...installation,
    server: () => server,
    crash: async (meanwhile) => {
      server.kill("SIGKILL");
      await server.exited;
      await meanwhile();
      server = await start();
    },
    url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Replica = { readonly name: string; readonly port: number; readonly etcdUrl: string };
type Surroundings = {
  readonly directory: string;
  readonly servingAuthority: Authority;
  /** kube-apiserver, as the replica reaches it. */
  readonly host: { readonly url: string; readonly servingAuthority: Pick<Authority, "pem"> };
};

/** What the Deployment gives a replica, for one on loopback: with the ServiceAccount's rights and a certificate of its own. */
export async function replicaOptions(
  kubectl: Kubectl,
  { directory, servingAuthority, host }: Surroundings,
): Promise<(replica: Replica) => readonly string[]> {
  const serving = await issue(servingAuthority, {
    commonName: "functionmesh",
    names: [`functionmesh.${systemNamespace}.svc`, "localhost", "127.0.0.1"],
  });
  const { cert, key } = await writeLeaf(directory, "serving", serving);
  const identity = join(directory, "server.kubeconfig");
  const token = await kubectl.ok(["create", "token", serviceAccount, "-n", systemNamespace]);
  await writeFile(identity, kubeconfig(host.url, host.servingAuthority, { token: token.trim() }), { mode: 0o600 });
  const deployed = listOf(await deployedContainer(), "args").map(String);
  const kubeconfigs = ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"];
  return ({ name, port, etcdUrl }) => [
    ...deployed,
    ...["--secure-port", String(port), "--bind-address", "127.0.0.1", "--data-dir", join(directory, name)],
    ...["--etcd-servers", etcdUrl, "--tls-cert-file", cert, "--tls-private-key-file", key],
    ...kubeconfigs.flatMap((option) => [option, identity]),
  ];
}

/** What the README of `deploy/base` says to do. */
export async function install(kubectl: Kubectl, servingAuthority: Authority): Promise<void> {
  await kubectl.ok(["apply", "-k", manifests]);
  const caBundle = Buffer.from(servingAuthority.pem).toString("base64");
  await kubectl.ok(["patch", "apiservice", apiService, "--type=merge", "-p", JSON.stringify({ spec: { caBundle } })]);
}

/**
 * Lets the APIService reach a process of this machine, as no pod runs here. Ready is when discovery through the
 * aggregator has the group, a moment after the APIService says so.
 */
export async function route(kubectl: Kubectl, port: number): Promise<void> {
  const service = { name: "functionmesh", namespace: systemNamespace };
  await kubectl.ok(["delete", "service", service.name, "-n", service.namespace, "--ignore-not-found"]);
  const manifest = {
    apiVersion: "v1",
    kind: "Service",
    metadata: service,
    spec: { type: "ExternalName", externalName: "localhost" },
  };
  await kubectl.ok(["apply", "-f", "-"], JSON.stringify(manifest));
  const spec = { service: { ...service, port } };
  await kubectl.ok(["patch", "apiservice", apiService, "--type=merge", "-p", JSON.stringify({ spec })]);
  await kubectl.ok(["wait", "--for=condition=Available", `apiservice/${apiService}`, "--timeout=60s"]);
  await eventually(() => kubectl.ok(["get", "functions", "-A"]));
}

/** The container of the Deployment. */
export async function deployedContainer(): Promise<JsonObject> {
  const deployment = parseYaml(await readFile(join(manifests, "deployment.yaml"), "utf8")).value;
  const template = objectOf(objectOf(isObject(deployment) ? deployment : undefined, "spec"), "template");
  const [container] = listOf(objectOf(template, "spec"), "containers");
  if (!isObject(container)) throw new Error("deployment.yaml has no container");
  return container;
}

/** How many keys an etcd holds of those that begin with `prefix`; of etcd's JSON gateway. */
export async function countKeys(etcdUrl: string, prefix: string): Promise<number> {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
  const answer = await fetch(`${etcdUrl}/v3/kv/range`, {
    method: "POST",
    body: JSON.stringify({ key: base64(prefix), range_end: base64(end), count_only: true }),
  });
  const body: unknown = await answer.json();
  if (typeof body !== "object" || body === null) throw new Error("etcd did not answer with an object");
  return Number("count" in body ? body.count : 0);
}
