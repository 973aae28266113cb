import { readFile } from "node:fs/promises";
import { type EmbeddedOptions, openEmbedded } from "./embedded/embedded-store.ts";
import type { EtcdOptions } from "./etcd3/etcd-store.ts";
import type { StorageBackend } from "./interface.ts";

/** Which store, as an operator says it. */
type StorageOptions = ({ readonly type: "embedded" } & EmbeddedOptions) | ({ readonly type: "etcd" } & EtcdOptions);

/** Reads the PEM files of `--etcd-cafile`, `--etcd-certfile` and `--etcd-keyfile`. */
export async function readEtcdTls(files: {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}): Promise<NonNullable<EtcdOptions["tls"]>> {
  const [ca, cert, key] = await Promise.all([readFile(files.ca), readIf(files.cert), readIf(files.key)]);
  return { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

async function readIf(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : readFile(file);
}

/**
 * Opens the store. Only then is the etcd client loaded, whose packages would double the start-up time of those who
 * don't use it.
 *
 * @throws Error that names the data directory, for an embedded store that cannot be opened
 * @throws StorageError `Unreachable` when no etcd answers
 */
export async function openStorage(options: StorageOptions): Promise<StorageBackend> {
  if (options.type === "embedded") return openEmbedded(options);
  const { openEtcd } = await import("./etcd3/etcd-store.ts");
  return openEtcd(options);
}
