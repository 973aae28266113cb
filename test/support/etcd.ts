/** A real etcd, with one member and a data directory of its own, for as long as a test needs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

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

export class EtcdProcess implements AsyncDisposable {
  readonly endpoint: string;
  readonly #binary: string;
  readonly #peerPort: number;
  readonly #directory = mkdtempSync(join(tmpdir(), "functionmesh-etcd-"));
  readonly #copies: string[] = [];
  #child: ChildProcess | undefined;

  private constructor(binary: string, port: number, peerPort: number) {
    this.#binary = binary;
    this.#peerPort = peerPort;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  static async start(binary: string): Promise<EtcdProcess> {
    const [port, peerPort] = await Promise.all([freePort(), freePort()]);
    const etcd = new EtcdProcess(binary, port, peerPort);
    await etcd.start();
    return etcd;
  }

  /** Resolves once it answers. What was stored before is still there. */
  async start(): Promise<void> {
    const peer = `http://127.0.0.1:${this.#peerPort}`;
    const child = spawn(
      this.#binary,
      [
        ...["--data-dir", this.#directory, "--log-level", "error", "--unsafe-no-fsync"],
        ...["--listen-client-urls", this.endpoint, "--advertise-client-urls", this.endpoint],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
      ],
      { stdio: "ignore" },
    );
    this.#child = child;
    await this.#healthy(child);
  }

  async #healthy(child: ChildProcess): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`);
      const health = await fetch(`${this.endpoint}/health`).catch(() => undefined);
      if (health?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("etcd does not become healthy");
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
