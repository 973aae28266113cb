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
    ...(ca === ""
      ? {}
      : { tls: await readEtcdTls({ ca, ...(cert === "" ? {} : { cert }), ...(key === "" ? {} : { key }) }) }),
  });
}
