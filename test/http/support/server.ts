/** The composed standalone server in this process, as the tests of one file share it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { parseCommandLine } from "../../../apiserver/cmd/command-line.ts";
import { run } from "../../../apiserver/cmd/compose.ts";
import { mintClientCertificate } from "../../../apiserver/cmd/pki.ts";
import { pkiDirectory, standaloneFoundation } from "../../../apiserver/cmd/standalone.ts";
import { createLogger } from "../../../apiserver/observability/log.ts";
import { Client } from "./client.ts";

export type HttpServer = AsyncDisposable & {
  readonly url: string;
  /** An administrator. */
  readonly admin: Client;
  /** Somebody with a certificate of this server's CA and no rights. */
  clientFor(user: string): Promise<Client>;
  readonly anonymous: Client;
  /** What the server logged at level `error`: a request may never make it do that. */
  readonly errors: readonly string[];
};

/** Controllers that would change or remove what tests store are off: by default nothing but requests changes anything. */
export const noControllers = ["--controllers", "none"];

/** @param foundation  the standalone one, or one with parts of a test's own */
export async function startServer(
  dataDirectory: string,
  args: readonly string[] = noControllers,
  foundation = standaloneFoundation,
): Promise<HttpServer> {
  const { options } = parseCommandLine(["standalone", "--data-dir", dataDirectory, "--secure-port", "0", ...args], {});
  const errors: string[] = [];
  const log = createLogger({ level: "error", pretty: false, write: (line) => errors.push(line) });
  const running = await run(options, log, foundation);
  const { caBundle: ca, admin } = running.foundation.pki;
  const url = `https://127.0.0.1:${running.port}`;
  const clients: Client[] = [];
  const client = (identity: { cert?: string; key?: string }): Client => {
    const added = new Client(url, { ca, ...identity });
    clients.push(added);
    return added;
  };
  return {
    url,
    admin: client({ cert: admin.certificate, key: admin.key }),
    anonymous: client({}),
    clientFor: async (user) => {
      const { certificate, key } = await mintClientCertificate(pkiDirectory(dataDirectory), { user });
      return client({ cert: certificate, key });
    },
    errors,
    [Symbol.asyncDispose]: async () => {
      for (const each of clients) each[Symbol.dispose]();
      await running.stop();
    },
  };
}

/**
 * A server for all tests of the file that awaits this, on a data directory that goes with it. When they are done it must
 * not have logged an error: a bad request is nothing to be alarmed about.
 */
export async function serverForFile(args: readonly string[] = noControllers): Promise<HttpServer> {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-http-"));
  const server = await startServer(directory, args);
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(server.errors, []);
  });
  return server;
}
