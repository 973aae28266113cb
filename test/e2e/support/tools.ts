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
const modules = new URL("../tools/", import.meta.url).pathname;
const kubernetesVersion = "v1.37.2";
const linkerFlags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  .map((name) => `-X ${name}.gitVersion=${kubernetesVersion}`)
  .concat("-s", "-w")
  .join(" ");

type Source = {
  readonly module: string;
  readonly path: string;
  readonly static?: true;
  /** Wanted by no suite, so not built before them. */
  readonly onDemand?: true;
};

/**
 * A program, and the folder of the Go module that pins it: one module each where their dependencies differ. In the order
 * they are built: what the first compile, the others share.
 */
const packages = {
  kubectl: { module: ".", path: "k8s.io/kubernetes/cmd/kubectl" },
  etcd: { module: ".", path: "go.etcd.io/etcd/server/v3" },
  "kube-apiserver": { module: ".", path: "k8s.io/kubernetes/cmd/kube-apiserver" },
  "kube-controller-manager": { module: ".", path: "k8s.io/kubernetes/cmd/kube-controller-manager" },
  reflector: { module: ".", path: "./reflector" },
  kubelet: { module: "node", path: "k8s.io/kubernetes/cmd/kubelet" },
  "kube-scheduler": { module: "node", path: "k8s.io/kubernetes/cmd/kube-scheduler" },
  "kube-proxy": { module: "node", path: "k8s.io/kubernetes/cmd/kube-proxy" },
  pause: { module: "node", path: "./pause", static: true },
  coredns: { module: "coredns", path: "." },
  clients: { module: "clients", path: "." },
  helm: { module: "helm", path: "helm.sh/helm/v4/cmd/helm" },
  "cert-manager": { module: "cert-manager", path: "." },
  specs: { module: "specs", path: "." },
  "sample-apiserver": { module: "sample", path: "k8s.io/sample-apiserver", onDemand: true },
} as const satisfies Record<string, Source>;
export type Tool = keyof typeof packages;
const isTool = (name: string): name is Tool => Object.hasOwn(packages, name);
/** What the suites need. */
export const tools: readonly Tool[] = Object.keys(packages)
  .filter(isTool)
  .filter((tool) => !("onDemand" in packages[tool]));

/** Folder of a Go module that the module of a tool requires: what it has besides its program. */
export async function moduleDirectory(tool: Tool, required: string): Promise<string> {
  const cwd = join(modules, packages[tool].module);
  const { stdout } = await run("go", ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", required], { cwd });
  return stdout.trim();
}

/** Where peers are kept from one run to the next. */
export const toolsCache = process.env.FUNCTIONMESH_TOOLS_CACHE ?? join(homedir(), ".cache", "functionmesh-tools");

/** Building all of Kubernetes takes about 11 minutes on two cores; twice that is a machine that will not make it. */
const buildTimeoutMs = 25 * 60 * 1000;

export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Keyed by everything the tool is made of, so that a stale binary is never taken for a new one. */
async function cacheDirectory({ module, path }: Source): Promise<string> {
  const directory = join(modules, module);
  const sources = ["go.mod", "go.sum"];
  if (path.startsWith(".")) {
    const files = await readdir(join(directory, path));
    sources.push(...files.filter((file) => file.endsWith(".go")).map((file) => join(path, file)));
  }
  const hash = createHash("sha256").update(kubernetesVersion);
  for (const file of sources) hash.update(await readFile(join(directory, file)));
  return join(toolsCache, hash.digest("hex").slice(0, 16));
}

/** Path of a peer's binary, built first if it is not there. Builds run one after the other: each uses all cores. */
export async function ensureTool(tool: Tool): Promise<string> {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given !== undefined && (await exists(join(given, tool)))) return join(given, tool);
  const source: Source = packages[tool];
  const directory = await cacheDirectory(source);
  const binary = join(directory, tool);
  if (await exists(binary)) return binary;
  await mkdir(directory, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  await run("go", ["build", "-mod=readonly", "-trimpath", "-ldflags", linkerFlags, "-o", unfinished, source.path], {
    cwd: join(modules, source.module),
    env: { ...process.env, ...(source.static === true ? { CGO_ENABLED: "0" } : {}) },
    timeout: buildTimeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  await rename(unfinished, binary);
  return binary;
}
