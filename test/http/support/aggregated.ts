/**
 * The aggregated profile in this process. Its host cluster is a standalone server of ours: it has the reviews, namespaces
 * and ConfigMaps that the profile asks a kube-apiserver for. Whoever has a certificate of `proxies` is the front proxy.
 */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { parseCommandLine } from "../../../apiserver/cmd/command-line.ts";
import { run } from "../../../apiserver/cmd/compose.ts";
import { mintClientCertificate, writeKubeconfig } from "../../../apiserver/cmd/pki.ts";
import { aggregatedFoundation } from "../../../apiserver/cmd/serve.ts";
import { pkiDirectory } from "../../../apiserver/cmd/standalone.ts";
import { createLogger } from "../../../apiserver/observability/log.ts";
import { issueOdd, keyPem, nameOf, type Signed } from "../../support/certificates.ts";
import { Client } from "./client.ts";
import { ok } from "./objects.ts";
import { type HttpServer, noControllers, startServer } from "./server.ts";

export type AggregatedServer = {
  readonly host: HttpServer;
  /** The CA of front proxies. */
  readonly proxies: Signed;
  /** The CA of users, who have certificates of the host cluster; with its key, which no cluster would give away. */
  readonly clients: Signed;
  /** Who shows these certificates, its own first. */
  clientWith(...chain: readonly Signed[]): Client;
  /** What the host publishes about those it believes; `proxyCa` in PEM. */
  trust(proxyCa: string): Promise<void>;
  readonly errors: readonly string[];
};

const configMap = "extension-apiserver-authentication";
const configMaps = "/api/v1/namespaces/kube-system/configmaps";

export async function aggregatedServerForFile(): Promise<AggregatedServer> {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-aggregated-"));
  const hostDirectory = join(directory, "host");
  const host = await startServer(hostDirectory);
  const hostPki = pkiDirectory(hostDirectory);
  const proxies = issueOdd({ name: nameOf("proxies"), ca: true, to: 10 });
  const { caBundle: clientCa, ...credentials } = await mintClientCertificate(hostPki, {
    user: "functionmesh",
    groups: ["system:masters"],
  });
  const data = (proxyCa: string) => ({
    "client-ca-file": clientCa,
    "requestheader-client-ca-file": proxyCa,
    "requestheader-allowed-names": '["front-proxy"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
  });
  const body = (proxyCa: string) => ({ metadata: { name: configMap }, data: data(proxyCa) });
  ok(await host.admin.post(configMaps, body(proxies.certificate)), 201);

  const kubeconfig = join(directory, "kubeconfig");
  await writeKubeconfig(kubeconfig, { server: host.url, caBundle: clientCa, user: "functionmesh", credentials });
  const ownDirectory = join(directory, "own");
  const clusters = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];
  const { options } = parseCommandLine(
    [
      ...["serve", "--data-dir", ownDirectory, "--secure-port", "0", "--bind-address", "127.0.0.1"],
      ...clusters.flatMap((name) => [`--${name}`, kubeconfig]),
      ...noControllers,
    ],
    {},
  );
  const errors: string[] = [];
  const log = createLogger({ level: "error", pretty: false, write: (line) => errors.push(line) });
  const running = await run(options, log, aggregatedFoundation);
  const ca = await readFile(join(pkiDirectory(ownDirectory), "ca.crt"), "utf8");
  const opened: Client[] = [];
  after(async () => {
    for (const client of opened) client[Symbol.dispose]();
    await running.stop();
    await host[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(errors, []);
  });
  const clientKey = await readFile(join(hostPki, "ca.key"), "utf8");
  return {
    host,
    proxies,
    clients: { certificate: clientCa, key: createPrivateKey(clientKey), name: nameOf("functionmesh-ca") },
    clientWith: (...chain) => {
      const [leaf] = chain;
      const identity =
        leaf === undefined ? {} : { cert: chain.map(({ certificate }) => certificate).join(""), key: keyPem(leaf.key) };
      const client = new Client(`https://127.0.0.1:${running.port}`, { ca, ...identity });
      opened.push(client);
      return client;
    },
    trust: async (proxyCa) => void ok(await host.admin.put(`${configMaps}/${configMap}`, body(proxyCa))),
    errors,
  };
}
