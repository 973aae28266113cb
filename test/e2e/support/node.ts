/**
 * A cluster with a node on this machine: kubelet and containerd run real pods, from images that were packed here. What it is
 * made of runs in namespaces of its own (`test/e2e/node/node.py`).
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pack } from "../../../deploy/image/build.ts";
import { freePort, type Process, startProcess } from "../../support/processes.ts";
import { type Kubectl, kubectlFor } from "./kubectl.ts";
import { ensureTool, type Tool } from "./tools.ts";

const run = promisify(execFile);
const script = new URL("../node/node.py", import.meta.url).pathname;
const programs: readonly Tool[] = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kubectl",
  "kubelet",
  "kube-scheduler",
  "kube-proxy",
  "coredns",
];

export type Node = AsyncDisposable & {
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  /** Imports image archives into the node's containerd. */
  load(...archives: readonly string[]): Promise<void>;
  /** Runs a command inside the node's namespaces. */
  shell(...command: readonly string[]): Promise<string>;
  /** Starts a program inside the node's namespaces; it ends with the node, whatever becomes of the process that is returned. */
  start(command: readonly string[], logFile: string): Process;
};

/** Why this machine cannot have a node; `false` when it can. */
export async function nodeIsMissing(): Promise<string | false> {
  if (process.platform !== "linux") return "a node needs Linux";
  if (process.getuid?.() !== 0) return "a node needs root, for namespaces and cgroups";
  for (const program of ["unshare", "nsenter", "apt-get", "openssl", "ip"]) {
    const found = await run("which", [program]).catch(() => undefined);
    if (found === undefined) return `a node needs ${program}`;
  }
  return false;
}

/** @param directory kept by the caller: Debian's packages stay in it for the next node */
export async function startNode(directory: string): Promise<Node> {
  const tools = join(directory, "tools");
  await rm(tools, { recursive: true, force: true });
  await mkdir(tools, { recursive: true });
  for (const program of programs) await symlink(await ensureTool(program), join(tools, program));
  await packPause(await ensureTool("pause"), join(tools, "pause.tar"));
  const environment = {
    ...process.env,
    NODE_BASE: directory,
    NODE_TOOLS: tools,
    NODE_PORT: String(await freePort()),
  };
  const node = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run("python3", [script, ...args], { env: environment, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  };
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => void (await node("down")));
  await node("up");
  const kubeconfig = join(directory, "kubeconfig");
  const kubectl = await kubectlFor(kubeconfig, join(directory, "kubectl"));
  const owned = stack.move();
  return {
    kubeconfig,
    kubectl,
    load: async (...archives) => void (await node("load", ...archives)),
    shell: (...command) => node("sh", ...command),
    start: (command, logFile) => startProcess("python3", [script, "sh", ...command], { env: environment, logFile }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function packPause(binary: string, archive: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-pause-"));
  try {
    const root = join(directory, "root");
    await mkdir(root);
    await copyFile(binary, join(root, "pause"));
    const image = {
      file: "pause.tar",
      reference: "functionmesh/pause:1",
      layers: [root],
      config: { Entrypoint: ["/pause"], User: "65535:65535" },
    };
    const { path } = await pack(image, directory);
    await copyFile(path, archive);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
