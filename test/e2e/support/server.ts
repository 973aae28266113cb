/** The program itself, as users start it: a process with a data directory, a port and a kubeconfig. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, type Process, type ProcessOptions, startProcess, untilReady } from "../../support/processes.ts";

export const main = new URL("../../../apiserver/cmd/main.ts", import.meta.url).pathname;

export type Standalone = AsyncDisposable & {
  readonly process: Process;
  readonly url: string;
  readonly port: number;
  readonly kubeconfig: string;
  readonly dataDirectory: string;
};

/** @param program  `main.ts` of another release; default: this one's */
export function startMain(args: readonly string[], options: ProcessOptions = {}, program = main): Process {
  return startProcess(process.execPath, [program, ...args], options);
}

/** Ready as soon as it answers its own readiness check. */
export async function answersReady(url: string): Promise<boolean> {
  const { request } = await import("node:https");
  return new Promise((resolve) => {
    const call = request(`${url}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("error", () => resolve(false));
    call.end();
  });
}

export async function startStandalone(
  dataDirectory: string,
  extra: readonly string[] = [],
  { port: given, ...options }: ProcessOptions & { readonly port?: number } = {},
): Promise<Standalone> {
  const port = given ?? (await freePort());
  const kubeconfig = join(dataDirectory, "kubeconfig");
  const url = `https://127.0.0.1:${port}`;
  const server = startMain(
    [
      "standalone",
      "--data-dir",
      dataDirectory,
      "--secure-port",
      String(port),
      "--write-kubeconfig",
      kubeconfig,
      ...extra,
    ],
    options,
  );
  // The file of an earlier run names another port until this one has written its own.
  const isWritten = async (): Promise<boolean> => (await readFile(kubeconfig, "utf8")).includes(url);
  await untilReady("standalone server", server, async () => (await answersReady(url)) && (await isWritten()));
  return {
    process: server,
    url,
    port,
    kubeconfig,
    dataDirectory,
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}
