/** Real etcds, alone or several as one cluster, each with a data directory of its own, for as long as a test needs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./processes.ts";

/**
 * The binary, or why there is none. `FUNCTIONMESH_ETCD` names it; else it is looked for in the folders that the tools of
 * the end-to-end tests are built into.
 */
export function findEtcd(): { readonly binary: string } | { readonly missing: string } {
  const named = process.env.FUNCTIONMESH_ETCD;
  const cache = process.env.FUNCTIONMESH_TOOLS_CACHE ?? join(homedir(), ".cache", "functionmesh-tools");
  const candidates = named === undefined ? foldersOf(cache).map((folder) => join(folder, "etcd")) : [named];
  const binary = candidates.find(isExecutable);
  return binary === undefined
    ? { missing: `no etcd ${named === undefined ? `in ${cache}` : `at ${named}`}; FUNCTIONMESH_ETCD can name one` }
    : { binary };
}

function foldersOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export type EtcdOptions = {
  /** More command-line arguments. */
  readonly args?: readonly string[];
  /** Files for `https`: clients are served with it, and need no certificate of their own unless `args` say so. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Writes wait for the disk, as they do in earnest; a power loss loses nothing. Default: they don't. */
  readonly sync?: true;
};

type Ports = { readonly client: number; readonly peer: number; readonly metrics: number };

/** A member by itself, or one of several. */
type Membership = {
  readonly name: string;
  readonly peers: readonly { readonly name: string; readonly peer: number }[];
};

export class EtcdProcess implements AsyncDisposable {
  readonly endpoint: string;
  readonly #binary: string;
  readonly #ports: Ports;
  readonly #membership: Membership;
  readonly #options: EtcdOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), "functionmesh-etcd-"));
  readonly #copies: string[] = [];
  #child: ChildProcess | undefined;

  private constructor(binary: string, ports: Ports, membership: Membership, options: EtcdOptions) {
    this.#binary = binary;
    this.#ports = ports;
    this.#membership = membership;
    this.#options = options;
    this.endpoint = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${ports.client}`;
  }

  static async start(binary: string, options: EtcdOptions = {}): Promise<EtcdProcess> {
    const [etcd = failed()] = await EtcdProcess.cluster(binary, 1, options);
    return etcd;
  }

  /** Members of one cluster, started together. */
  static async cluster(binary: string, size: number, options: EtcdOptions = {}): Promise<readonly EtcdProcess[]> {
    const members = await Promise.all(
      Array.from({ length: size }, async (_, index) => {
        const [client, peer, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
        return { name: `member-${index}`, client, peer, metrics };
      }),
    );
    const processes = members.map(
      ({ name, ...ports }) => new EtcdProcess(binary, ports, { name, peers: members }, options),
    );
    await Promise.all(processes.map((each) => each.start()));
    return processes;
  }

  /** Resolves once it answers. What was stored before is still there. */
  async start(): Promise<void> {
    const { client: _, peer, metrics } = this.#ports;
    const { tls, sync, args = [] } = this.#options;
    const peerUrl = (port: number): string => `http://127.0.0.1:${port}`;
    const cluster = this.#membership.peers.map((each) => `${each.name}=${peerUrl(each.peer)}`).join();
    const child = spawn(
      this.#binary,
      [
        ...["--name", this.#membership.name, "--data-dir", this.#directory, "--log-level", "error"],
        ...["--listen-client-urls", this.endpoint, "--advertise-client-urls", this.endpoint],
        ...["--listen-peer-urls", peerUrl(peer), "--initial-advertise-peer-urls", peerUrl(peer)],
        ...["--initial-cluster", cluster, "--listen-metrics-urls", peerUrl(metrics)],
        ...(sync === undefined ? ["--unsafe-no-fsync"] : []),
        ...(tls === undefined ? [] : ["--cert-file", tls.certFile, "--key-file", tls.keyFile]),
        ...args,
      ],
      { stdio: "ignore" },
    );
    endOnExit.add(child);
    child.once("exit", () => endOnExit.delete(child));
    this.#child = child;
    await this.#healthy(child);
  }

  async #healthy(child: ChildProcess): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt++) {
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`);
      const health = await fetch(`http://127.0.0.1:${this.#ports.metrics}/health`).catch(() => undefined);
      if (health?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("etcd does not become healthy");
  }

  /** Whether it leads its cluster. */
  async leads(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.metrics}/metrics`);
    return /^etcd_server_is_leader 1$/m.test(await answer.text());
  }

  /** SIGSTOP: connections stay, and nothing is answered; until SIGCONT. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  get port(): number {
    return Number(new URL(this.endpoint).port);
  }

  /** A copy of what is stored, that `restore` brings back. It is away for a moment. */
  async backup(): Promise<() => Promise<void>> {
    const copy = mkdtempSync(join(tmpdir(), "functionmesh-etcd-"));
    this.#copies.push(copy);
    await this.kill();
    cpSync(this.#directory, copy, { recursive: true });
    await this.start();
    return async () => {
      await this.kill();
      rmSync(this.#directory, { recursive: true });
      cpSync(copy, this.#directory, { recursive: true });
      await this.start();
    };
  }

  /** Begins anew with nothing, as the same member of the same cluster. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true });
    await this.start();
  }

  /** It stays connected and says nothing, until `resume`. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    for (const directory of [this.#directory, ...this.#copies]) rmSync(directory, { recursive: true, force: true });
  }
}

/** What is left when a test run ends early is ended with it. */
const endOnExit = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of endOnExit) child.kill("SIGKILL");
});

function failed(): never {
  throw new Error("a cluster of one has no member");
}
