/**
 * Our server on a node as `deploy/base` installs it, but as a process of the node instead of a pod: the code as it lies here, there
 * within seconds. Its etcd is one beside it.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, type Process, untilReady } from "../../support/processes.ts";
import { install, replicaOptions, route, systemNamespace } from "./aggregated.ts";
import type { Node } from "./node.ts";
import { createAuthority } from "./pki.ts";
import { main } from "./server.ts";

const host = "https://127.0.0.1:6443";
const clientPort = 12379;
const patienceMs = 180_000;

/**
 * Resolves once the aggregator reaches it.
 *
 * @param extra options of `serve`, after the Deployment's own
 */
export async function startServerOn(node: Node, directory: string, extra: readonly string[]): Promise<Process> {
  await mkdir(directory, { recursive: true });
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${clientPort + 1}`;
  const urls = [`--listen-client-urls=${etcdUrl}`, `--advertise-client-urls=${etcdUrl}`, `--listen-peer-urls=${peer}`];
  node.start(
    ["etcd", `--data-dir=${join(directory, "etcd")}`, ...urls, "--unsafe-no-fsync"],
    join(directory, "etcd.log"),
  );
  const servingAuthority = await createAuthority("functionmesh-serving");
  await install(node.kubectl, servingAuthority);
  await node.kubectl.ok(["delete", "deployment", "--all", "-n", systemNamespace]);
  const options = await replicaOptions(node.kubectl, {
    directory,
    servingAuthority,
    host: { url: host, servingAuthority: { pem: await authorityOf(node) } },
  });
  const port = await freePort();
  const args = [...options({ name: "server", port, etcdUrl }), ...extra];
  const server = node.start([process.execPath, main, ...args], join(directory, "server.log"));
  await untilReady("the server on the node", server, () => route(node.kubectl, port).then(() => true), patienceMs);
  return server;
}

async function authorityOf(node: Node): Promise<string> {
  const { clusters } = JSON.parse(await readFile(node.kubeconfig, "utf8"));
  return Buffer.from(clusters[0].cluster["certificate-authority-data"], "base64").toString();
}
