/**
 * A real host cluster without nodes: etcd, kube-apiserver with a front proxy, kube-controller-manager; all on 127.0.0.1
 * and on free ports, in a directory of their own.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, type Process, startProcess, untilReady } from "../../support/processes.ts";
import { get } from "./http.ts";
import { type Authority, createAuthority, issue, kubeconfig, type Leaf, writeLeaf } from "./pki.ts";
import { ensureTool } from "./tools.ts";

export type HostCluster = AsyncDisposable & {
  readonly url: string;
  readonly etcdUrl: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** Signs client certificates of the cluster's users. */
  readonly clientAuthority: Authority;
  readonly servingAuthority: Authority;
  /** What the aggregator shows to extension servers. */
  readonly frontProxy: Leaf;
  readonly frontProxyAuthority: Authority;
  readonly processes: {
    readonly etcd: Process;
    readonly apiserver: Process;
    readonly controllerManager: Process;
  };
};

export async function startEtcd(directory: string, name: string): Promise<Process & { readonly url: string }> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const etcd = startProcess(
    await ensureTool("etcd"),
    [
      `--name=${name}`,
      `--data-dir=${join(directory, name)}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=${name}=http://127.0.0.1:${peer}`,
      "--log-level=error",
    ],
    { logFile: join(directory, `${name}.log`) },
  );
  await untilReady(name, etcd, async () => (await fetch(`${url}/health`)).ok);
  return { ...etcd, url };
}

export async function startHostCluster(directory: string): Promise<HostCluster> {
  await mkdir(directory, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const [clientAuthority, servingAuthority, frontProxyAuthority] = await Promise.all(
    ["cluster-clients", "cluster-serving", "cluster-front-proxy"].map(createAuthority),
  );
  if (clientAuthority === undefined || servingAuthority === undefined || frontProxyAuthority === undefined)
    throw new Error("no CA");
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(directory, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const serving = await writeLeaf(
    directory,
    "apiserver",
    await issue(servingAuthority, {
      commonName: "kube-apiserver",
      names: ["localhost", "kubernetes.default.svc", "127.0.0.1", "10.0.0.1"],
    }),
  );
  const frontProxy = await issue(frontProxyAuthority, {
    commonName: "front-proxy-client",
  });
  const proxyFiles = await writeLeaf(directory, "front-proxy", frontProxy);
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const serviceAccountKey = await write("service-account.key", privateKey);
  const clientCa = await write("client-ca.crt", clientAuthority.pem);
  const servingCa = await write("serving-ca.crt", servingAuthority.pem);
  const proxyCa = await write("front-proxy-ca.crt", frontProxyAuthority.pem);

  const etcd = stack.use(await startEtcd(directory, "host-etcd"));
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const admin = kubeconfig(
    url,
    servingAuthority,
    await issue(clientAuthority, {
      commonName: "admin",
      organizations: ["system:masters"],
    }),
  );
  const adminFile = await write("admin.kubeconfig", admin);
  const apiserver = stack.use(
    startProcess(
      await ensureTool("kube-apiserver"),
      [
        `--etcd-servers=${etcd.url}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${port}`,
        `--tls-cert-file=${serving.cert}`,
        `--tls-private-key-file=${serving.key}`,
        `--client-ca-file=${clientCa}`,
        `--requestheader-client-ca-file=${proxyCa}`,
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-uid-headers=X-Remote-Uid",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        `--proxy-client-cert-file=${proxyFiles.cert}`,
        `--proxy-client-key-file=${proxyFiles.key}`,
        `--service-account-key-file=${serviceAccountKey}`,
        `--service-account-signing-key-file=${serviceAccountKey}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",
      ],
      { logFile: join(directory, "kube-apiserver.log") },
    ),
  );
  const adminLeaf = await issue(clientAuthority, {
    commonName: "probe",
    organizations: ["system:masters"],
  });
  await untilReady(
    "kube-apiserver",
    apiserver,
    async () => (await get(`${url}/readyz`, servingAuthority.pem, adminLeaf)).status === 200,
    120_000,
  );

  const controllerManager = stack.use(
    startProcess(
      await ensureTool("kube-controller-manager"),
      [
        `--kubeconfig=${adminFile}`,
        `--authentication-kubeconfig=${adminFile}`,
        `--authorization-kubeconfig=${adminFile}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${await freePort()}`,
        `--cert-dir=${join(directory, "controller-manager")}`,
        `--service-account-private-key-file=${serviceAccountKey}`,
        `--root-ca-file=${servingCa}`,
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,statefulset-controller,horizontal-pod-autoscaler-controller,job-controller,resourcequota-controller,clusterrole-aggregation-controller",
      ],
      { logFile: join(directory, "kube-controller-manager.log") },
    ),
  );
  const owned = stack.move();
  return {
    url,
    etcdUrl: etcd.url,
    kubeconfig: adminFile,
    clientAuthority,
    servingAuthority,
    frontProxy,
    frontProxyAuthority,
    processes: { etcd, apiserver, controllerManager },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
