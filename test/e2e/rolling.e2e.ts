/**
 * Our replicas are replaced one after the other behind a real kube-apiserver, as a Deployment does it, while programs with
 * client-go and controller-runtime watch and write: they lose no event and no write, and need not begin anew.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, freePort, startProcess } from "../support/processes.ts";
import { ServicePort } from "../support/service-port.ts";
import { deployedContainer, type Installation, installAggregated, systemNamespace } from "./support/aggregated.ts";
import { Pod, probeOf } from "./support/pod.ts";
import { ensureTool } from "./support/tools.ts";

const startMs = 90_000;

let installation: Installation;
let service: ServicePort;
let pods: readonly Pod[];
const resources = new AsyncDisposableStack();

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-rolling-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  installation = resources.use(await installAggregated(directory));
  service = resources.use(await ServicePort.open());
  const container = await deployedContainer();
  const [liveness, readiness] = [probeOf(container, "livenessProbe"), probeOf(container, "readinessProbe")];
  const ports = [await freePort(), await freePort()];
  const onReadiness = (): void => {
    service.endpoints = ports.filter((_, index) => pods[index]?.ready);
  };
  pods = ports.map((port, index) =>
    resources.use(
      new Pod({
        url: `https://127.0.0.1:${port}`,
        ca: installation.servingAuthority.pem,
        start: () => installation.startReplica(`server-${index}`, port),
        ...{ liveness, readiness, onReadiness },
      }),
    ),
  );
  await eventually(async () => assert.equal(service.endpoints.length, 2), startMs);
  await installation.route(service.port);
});
after(() => resources.disposeAsync());

const leader = (): Promise<string> => {
  const lease = ["get", "lease", "function-mesh-controller-manager", "-n", systemNamespace];
  return installation.kubectl.ok([...lease, "-o", "jsonpath={.spec.holderIdentity}"]);
};

test("client-go and controller-runtime go on across a rolling update and a change of our leader", async (t) => {
  const clients = await ensureTool("clients");
  await using session = startProcess(clients, ["rolling", installation.host.kubeconfig, "rolling"]);
  const ended = once(session.child, "close");
  const reached = (step: string): Promise<void> =>
    eventually(async () => assert.ok(session.output().split("\n").includes(step), session.output()), startMs);
  await reached("in_step");
  const leaders = new Set([await leader()]);
  for (const pod of pods) {
    await pod.stop();
    assert.equal(pod.process.child.exitCode, 0, pod.process.output());
    await eventually(async () => assert.notEqual(await leader(), ""));
    leaders.add(await leader());
    pod.start();
    await eventually(async () => assert.equal(service.endpoints.length, 2), startMs);
  }
  await eventually(async () => leaders.add(await leader()));
  session.kill("SIGTERM");
  await ended;
  assert.equal(session.child.exitCode, 0, session.output());
  assert.ok(leaders.size > 1, [...leaders].join());
  const report = session
    .output()
    .split("\n")
    .find((line) => line.includes(" writes, "));
  assert.match(report ?? session.output(), /^\d{2,} writes/);
  const retried = session.output().match(/^retried: .*$/gm) ?? [];
  t.diagnostic([`${report}; ${leaders.size} leaders`, ...new Set(retried)].join("\n"));
});
