/** Child processes of tests: started, watched until they are ready, and ended by the test that started them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";

/** A TCP port on 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

export type Process = AsyncDisposable & {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Everything written so far to stdout and stderr, the newest 64 KiB. */
  output(): string;
  /** Ends it by SIGTERM, after `graceMs` by SIGKILL; resolves with the exit code once it is gone. */
  stop(graceMs?: number): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
};

export type ProcessOptions = {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Output goes here as well, whole. */
  readonly logFile?: string;
};

const keptOutput = 64 * 1024;

export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): Process {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = "";
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptOutput);
      log?.write(chunk);
    });
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      endOnExit.delete(child);
      log?.end();
      resolve(code);
    });
    child.once("error", (error) => {
      output += String(error);
      resolve(null);
    });
  });
  endOnExit.add(child);
  const stop = async (graceMs = 10_000): Promise<number | null> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    stop,
    kill: (signal) => child.kill(signal),
    exited,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** What is left when a test run ends early is ended with it. */
const endOnExit = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of endOnExit) child.kill("SIGKILL");
});

/** Polls `probe` until it is true; fails with the process's last words when it ends first or time runs out. */
export async function untilReady(
  name: string,
  started: Process,
  probe: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const ended = started.exited.then((code) => {
    throw new Error(`${name} ended with ${code} before it was ready:\n${started.output().slice(-4000)}`);
  });
  ended.catch(() => undefined);
  while (!(await Promise.race([probe().catch(() => false), ended]))) {
    if (Date.now() > deadline)
      throw new Error(`${name} was not ready in ${timeoutMs} ms:\n${started.output().slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Repeats `attempt` until it no longer throws; fails with its last error after `timeoutMs`. */
export async function eventually<T>(attempt: () => Promise<T>, timeoutMs = 30_000, everyMs = 150): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
