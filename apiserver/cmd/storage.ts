import { readFile } from "node:fs/promises";
import { StartError } from "../errors/start-error.ts";
import { type Sleep, sleep } from "../machinery/clock.ts";
import type { Logger } from "../observability/log.ts";
import { isStorageError } from "../storage/errors.ts";
import { openStorage, readEtcdTls } from "../storage/factory.ts";
import type { StorageBackend } from "../storage/interface.ts";
import type { Options } from "./options.ts";

/**
 * The store that the options name: etcd where there are servers, else the embedded one in the data directory. Whether it
 * may be used is for its guard to say.
 * @param how `asFound`: an etcd that was never used is left so until it is adopted
 */
export async function openBackend(options: Options, { asFound = true } = {}): Promise<StorageBackend> {
  const {
    etcdServers,
    etcdPrefix,
    etcdCaFile: ca,
    etcdCertFile: cert,
    etcdKeyFile: key,
    etcdUsername: username,
    etcdPasswordFile: passwordFile,
    etcdCompactionInterval,
  } = options;
  if (etcdServers.length === 0) {
    return openStorage({ type: "embedded", directory: options.dataDir, compactEveryMs: etcdCompactionInterval });
  }
  return openStorage({
    type: "etcd",
    endpoints: [...etcdServers],
    compactEveryMs: etcdCompactionInterval,
    asFound,
    ...(etcdPrefix === "" ? {} : { prefix: etcdPrefix }),
    ...(username === "" ? {} : { auth: { username, password: await readPassword(passwordFile) } }),
    ...(ca === ""
      ? {}
      : { tls: await readEtcdTls({ ca, ...(cert === "" ? {} : { cert }), ...(key === "" ? {} : { key }) }) }),
  });
}

async function readPassword(file: string): Promise<string> {
  if (file === "") throw new StartError("--etcd-username needs --etcd-password-file");
  try {
    return (await readFile(file, "utf8")).trimEnd();
  } catch (cause) {
    throw new StartError(`the password of etcd's user cannot be read: ${String(cause)}`, { cause });
  }
}

/** Between attempts to reach an etcd at the start, in ms: as etcd's own clients wait at most. */
const reachEveryMs = 2_000;

/**
 * As `openBackend`, for a server: etcd may start after it, so it is waited for, and what keeps it away is said once per cause.
 * @throws StorageError when the store answers and cannot be used; the signal's reason when aborted
 */
export async function openBackendWhenReachable(
  options: Options,
  parts: {
    readonly log: Logger;
    readonly signal: AbortSignal;
    readonly open?: (options: Options) => Promise<StorageBackend>;
    readonly wait?: Sleep;
  },
): Promise<StorageBackend> {
  const { log, signal, open = openBackend, wait = sleep } = parts;
  for (let told = ""; ; ) {
    try {
      return await open(options);
    } catch (error) {
      if (options.etcdServers.length === 0 || !isStorageError(error, "Unreachable")) throw error;
      if (error.message !== told) {
        log.warn({ etcd: options.etcdServers, cause: error.message }, "etcd does not answer; waiting for it");
        told = error.message;
      }
    }
    await wait(reachEveryMs, signal);
  }
}
