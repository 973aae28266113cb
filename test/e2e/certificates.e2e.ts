/**
 * Certificates that two replicas make for themselves live for seconds instead of years: CA and serving certificate are
 * renewed and end while clients call through a real aggregator and straight to each replica, and nobody notices.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { parseCommandLine } from "../../apiserver/cmd/command-line.ts";
import { run } from "../../apiserver/cmd/compose.ts";
import { aggregatedFoundation } from "../../apiserver/cmd/serve.ts";
import { createLogger } from "../../apiserver/observability/log.ts";
import type { Lifetimes } from "../../apiserver/registration/serving-certificate.ts";
import { Tenant } from "../limits/tenants.ts";
import { ServicePort } from "../support/service-port.ts";
import { type Installation, installAggregated, systemNamespace } from "./support/aggregated.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { issue } from "./support/pki.ts";

/** A third of a life is left for a renewal: longer than a busy machine keeps anybody from working. */
const lifetimes: Lifetimes = { caMs: 60_000, servingMs: 30_000, settleMs: 5_000, lookMs: 500 };
const serverName = `functionmesh.${systemNamespace}.svc`;
const path = "/apis/compute.functionmesh.io/v1alpha1/namespaces/certified/functions";

let installation: Installation;
let service: ServicePort;
const ports: number[] = [];
const resources = new AsyncDisposableStack();

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-certificates-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  installation = resources.use(await installAggregated(directory));
  service = resources.use(await ServicePort.open());
  const { host, etcdUrl } = installation;
  const log = createLogger({ level: "error", pretty: false });
  for (const name of ["first", "second"]) {
    const { options } = parseCommandLine(
      [
        ...["serve", "--secure-port", "0", "--bind-address", "127.0.0.1", "--data-dir", join(directory, name)],
        ...["--etcd-servers", etcdUrl, "--kubeconfig", host.kubeconfig, "--controllers", "none"],
        ...["--authentication-kubeconfig", host.kubeconfig, "--authorization-kubeconfig", host.kubeconfig],
        ...["--serving-cert-secret", "functionmesh-serving-ca", "--register-apiservice"],
        ...["--service-namespace", systemNamespace, "--service-port", String(service.port)],
      ],
      {},
    );
    const replica = await run(options, log, (parts) => aggregatedFoundation(parts, lifetimes));
    resources.defer(() => replica.stop());
    ports.push(replica.port);
  }
  service.endpoints = ports;
  await installation.route(service.port);
  await installation.kubectl.ok(["create", "namespace", "certified"]);
  await installation.kubectl.ok(["-n", "certified", "apply", "-f", "-"], `${connection}---\n${wordcount}`);
});
after(() => resources.disposeAsync());

/** What clients of ours are told to trust. */
async function publishedBundle(): Promise<string> {
  const bundle = ["get", "apiservice", "v1alpha1.compute.functionmesh.io", "-o", "jsonpath={.spec.caBundle}"];
  return Buffer.from(await installation.kubectl.ok(bundle), "base64").toString();
}

/** The certificate that a replica shows to somebody new who trusts `ca`. @throws Error when it is not trusted */
function certificateOf(port: number, ca: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: serverName, ALPNProtocols: ["http/1.1"] }, () => {
      const shown = socket.getPeerX509Certificate();
      socket.destroy();
      if (shown === undefined) reject(new Error("no certificate was shown"));
      else resolve(shown);
    });
    socket.on("error", reject);
  });
}

// API R-24
test("certificates: CA and serving certificate end, and no request fails", async (t) => {
  const { host } = installation;
  const admin = await issue(host.clientAuthority, { commonName: "root", organizations: ["system:masters"] });
  const identity = { ca: host.servingAuthority.pem, cert: admin.certificatePem, key: admin.keyPem };
  using client = new Tenant(host.url, identity, 4);
  const failures: string[] = [];
  const served = new Map<string, X509Certificate>();
  const authorities = new Map<string, X509Certificate>();
  const over = new AbortController();
  let requests = 0;

  const untilOver = async (call: () => Promise<void>): Promise<void> => {
    while (!over.signal.aborted) {
      requests++;
      await call().catch((error: unknown) => failures.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const must = async (answer: ReturnType<Tenant["send"]>): Promise<void> => {
    const { status, text } = await answer;
    if (status !== 200) throw new Error(`${status} ${text}`);
  };
  const calls = [
    untilOver(() => must(client.send("GET", path))),
    untilOver(() => {
      const patch = { metadata: { annotations: { touched: String(requests) } } };
      return must(client.json("PATCH", `${path}/wordcount`, patch, "application/merge-patch+json"));
    }),
    untilOver(async () => {
      const bundle = await publishedBundle();
      for (const pem of bundle.match(/-----BEGIN[A-Za-z0-9+/=\s-]+?-----END CERTIFICATE-----/g) ?? []) {
        const authority = new X509Certificate(pem);
        authorities.set(authority.fingerprint256, authority);
      }
      for (const port of ports) {
        const certificate = await certificateOf(port, bundle);
        served.set(certificate.fingerprint256, certificate);
      }
    }),
  ];
  const firstBundle = await publishedBundle();
  const firstEndMs = new X509Certificate(firstBundle).validToDate.getTime();
  while (Date.now() < firstEndMs + lifetimes.settleMs) await new Promise((resolve) => setTimeout(resolve, 500));
  over.abort();
  await Promise.all(calls);

  t.diagnostic(`${requests} requests, ${served.size} serving certificates, ${authorities.size} CAs`);
  assert.deepEqual(failures, []);
  assert.ok(requests > 100);
  assert.ok(served.size >= 3 && authorities.size >= 2);
  const ended = [...served.values(), ...authorities.values()].filter((each) => each.validToDate.getTime() < Date.now());
  assert.ok(ended.length >= 2, "what was used first has ended");
  assert.doesNotMatch(await publishedBundle(), new RegExp(firstBundle.split("\n")[1] ?? "-"));
});
