/**
 * The real peers of the end-to-end suites: built once from Go modules into a cache that is keyed by what they are built
 * from, or taken from `KUBEBUILDER_ASSETS` as far as that folder has them.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const moduleDirectory = new URL("../tools/", import.meta.url).pathname;
const kubernetesVersion = "v1.37.2";
const versionFlags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  .map((name) => `-X ${name}.gitVersion=${kubernetesVersion}`)
  .join(" ");

const packages = {
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  etcd: "go.etcd.io/etcd/server/v3",
  reflector: "./reflector",
} as const;
export type Tool = keyof typeof packages;
export const tools = [
  "kubectl",
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "reflector",
] as const satisfies readonly Tool[];

/** Building all of Kubernetes takes about 11 minutes on two cores; twice that is a machine that will not make it. */
const buildTimeoutMs = 25 * 60 * 1000;

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Keyed by everything the tool is made of, so that a stale binary is never taken for a new one. */
async function cacheDirectory(tool: Tool): Promise<string> {
  const sources = ["go.mod", "go.sum"];
  const own = packages[tool];
  if (own.startsWith("./")) sources.push(...(await readdir(join(moduleDirectory, own))).map((file) => join(own, file)));
  const hash = createHash("sha256").update(kubernetesVersion);
  for (const file of sources) hash.update(await readFile(join(moduleDirectory, file)));
  const root = process.env.FUNCTIONMESH_TOOLS_CACHE ?? join(homedir(), ".cache", "functionmesh-tools");
  return join(root, hash.digest("hex").slice(0, 16));
}

/** Path of a peer's binary, built first if it is not there. Builds run one after the other: each uses all cores. */
export async function ensureTool(tool: Tool): Promise<string> {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given !== undefined && (await exists(join(given, tool)))) return join(given, tool);
  const directory = await cacheDirectory(tool);
  const binary = join(directory, tool);
  if (await exists(binary)) return binary;
  await mkdir(directory, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  await run("go", ["build", "-mod=readonly", "-trimpath", "-ldflags", versionFlags, "-o", unfinished, packages[tool]], {
    cwd: moduleDirectory,
    timeout: buildTimeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  await rename(unfinished, binary);
  return binary;
}

if (import.meta.main) {
  for (const tool of tools) {
    const started = Date.now();
    const binary = await ensureTool(tool);
    console.log(`${tool}: ${binary} (${Math.round((Date.now() - started) / 1000)} s)`);
  }
}
