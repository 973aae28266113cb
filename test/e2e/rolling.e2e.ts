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
import { eventually, startProcess } from "../support/processes.ts";
import { type Installation, installAggregated, systemNamespace } from "./support/aggregated.ts";
import { type Replicas, startReplicas } from "./support/pod.ts";
import { ensureTool } from "./support/tools.ts";

const startMs = 90_000;

let installation: Installation;
let replicas: Replicas;
const resources = new AsyncDisposableStack();

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-rolling-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  installation = resources.use(await installAggregated(directory));
  replicas = resources.use(await startReplicas(installation, 2));
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
  for (const pod of replicas.pods) {
    await pod.stop();
    assert.equal(pod.process.child.exitCode, 0, pod.process.output());
    await eventually(async () => assert.notEqual(await leader(), ""));
    leaders.add(await leader());
    pod.start();
    await replicas.ready();
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
