/** A server behind a front proxy, as a cluster has it: its host is another server of ours, its users are named in headers. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ensurePki, mintClientCertificate } from "../../apiserver/cmd/pki.ts";
import { pkiDirectory } from "../../apiserver/cmd/standalone.ts";
import { answersReady, startMain } from "../e2e/support/server.ts";
import { freePort, type Process, untilReady } from "../support/processes.ts";
import type { Target } from "./measure.ts";

export type ProxiedServer = AsyncDisposable & { readonly process: Process; readonly target: Target };

const proxyName = "front-proxy";

/**
 * @param hostKubeconfig  of an administrator of the host
 * @param create          an object of the host
 */
export async function startProxied(
  directory: string,
  hostKubeconfig: string,
  create: (path: string, object: object) => Promise<void>,
): Promise<ProxiedServer> {
  const proxies = join(directory, "proxies");
  await ensurePki(proxies);
  const { certificate, key, caBundle } = await mintClientCertificate(proxies, { user: proxyName });
  await create("/api/v1/namespaces/kube-system/configmaps", {
    metadata: { name: "extension-apiserver-authentication" },
    data: {
      "client-ca-file": caBundle,
      "requestheader-client-ca-file": caBundle,
      "requestheader-allowed-names": JSON.stringify([proxyName]),
      "requestheader-username-headers": '["X-Remote-User"]',
      "requestheader-group-headers": '["X-Remote-Group"]',
      "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    },
  });
  const dataDirectory = join(directory, "proxied");
  const port = await freePort();
  const clusters = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];
  const server = startMain([
    ...["serve", "--data-dir", dataDirectory, "--secure-port", String(port), "--bind-address", "127.0.0.1"],
    ...clusters.flatMap((name) => [`--${name}`, hostKubeconfig]),
    ...["--controllers", "none", "--log-level", "error"],
  ]);
  const url = `https://127.0.0.1:${port}`;
  await untilReady("proxied server", server, () => answersReady(url));
  const ca = await readFile(join(pkiDirectory(dataDirectory), "ca.crt"));
  return {
    process: server,
    target: { url, pid: server.pid, identity: { ca, cert: Buffer.from(certificate), key: Buffer.from(key) } },
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}
