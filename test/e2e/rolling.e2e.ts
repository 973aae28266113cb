/**
 * Our replicas are replaced one after the other behind a real kube-apiserver, as a Deployment does it, while the leader
 * changes. Meanwhile programs with client-go and controller-runtime watch and write, who lose no event and no write and need
 * not begin anew; Helm makes releases; and a person is at kubectl.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, type Process, startProcess } from "../support/processes.ts";
import { helmFor, writeChart } from "./clients/helm.ts";
import { kubectlSession } from "./kubectl-session.ts";
import { type Installation, installAggregated, systemNamespace } from "./support/aggregated.ts";
import { connection, pipeline, wordcount } from "./support/manifests.ts";
import { type Replicas, startReplicas } from "./support/pod.ts";
import { ensureTool } from "./support/tools.ts";

const startMs = 90_000;
const stateMs = 60_000;

/** @param round is given its number, from 1 on; @returns how often it was done; @throws what it first failed with */
function repeat(round: (n: number) => Promise<void>, over: () => boolean): Promise<number> {
  const rounds = (async () => {
    for (let n = 1; ; n++) {
      await round(n);
      if (over()) return n;
    }
  })();
  // It is told by who waits for it, which is later.
  rounds.catch(() => undefined);
  return rounds;
}

let installation: Installation;
let replicas: Replicas;
let clients: Process;
let clientsEnded: Promise<unknown>;
let helm: Promise<number>;
let kubectl: Promise<number>;
let update: Promise<number>;
let replaced = 0;
let sessionIsOver = false;
const leaders = new Set<string>();
const resources = new AsyncDisposableStack();

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-rolling-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  installation = resources.use(await installAggregated(directory));
  replicas = resources.use(await startReplicas(installation, 2));
  const { kubeconfig } = installation.host;
  clients = resources.use(startProcess(await ensureTool("clients"), ["rolling", kubeconfig, "rolling"]));
  clientsEnded = once(clients.child, "close");
  const begun = (): boolean => clients.output().split("\n").includes("in_step");
  await eventually(async () => assert.ok(begun(), clients.output()), startMs);
  await noteLeader();
  helm = repeat(await helmRound(directory), isUpdated);
  kubectl = repeat(await kubectlRound(), isUpdated);
  // The session takes its time: replicas are replaced for as long.
  update = repeat(replaceOne, () => isUpdated() && sessionIsOver);
});
after(() => resources.disposeAsync());

const isUpdated = (): boolean => replaced >= replicas.pods.length;

const noteLeader = (): Promise<void> =>
  eventually(async () => {
    const lease = ["get", "lease", "function-mesh-controller-manager", "-n", systemNamespace];
    const holder = await installation.kubectl.ok([...lease, "-o", "jsonpath={.spec.holderIdentity}"]);
    assert.notEqual(holder, "");
    leaders.add(holder);
  });

async function replaceOne(n: number): Promise<void> {
  const pod = replicas.pods[n % replicas.pods.length];
  assert.ok(pod);
  await pod.stop();
  assert.equal(pod.process.child.exitCode, 0, pod.process.output());
  await noteLeader();
  pod.start();
  await replicas.ready();
  if (++replaced === replicas.pods.length) clients.kill("SIGTERM");
}

const get = (namespace: string, what: string, jsonPath: string): Promise<string> =>
  installation.kubectl.ok(["-n", namespace, "get", ...what.split(" "), "-o", `jsonpath=${jsonPath}`]);

/** Numbers of replicas that differ from one round, and from one write within a round, to the next. */
const replicasOf = (n: number): string => String(n % 3);

/** A release of its own each time: installed, upgraded, rolled back; the last one stays. */
async function helmRound(directory: string): Promise<(n: number) => Promise<void>> {
  const { kubeconfig } = installation.host;
  const run = helmFor({ helm: await ensureTool("helm"), kubeconfig, directory, namespace: "helm" });
  const chart = await writeChart(directory);
  const apply = async (command: string, n: number): Promise<void> => {
    const values = `replicas=${replicasOf(n)},level=round-${n}`;
    await run(command, "words", chart, "--create-namespace", "--wait=legacy", "--set", values);
    assert.equal(await get("helm", "functions wordcount", "{.spec.replicas}"), replicasOf(n));
  };
  return async (n) => {
    if (n > 1) await run("uninstall", "words", "--wait");
    await apply("install", n);
    await apply("upgrade", n + 1);
    await run("rollback", "words", "1", "--wait=legacy");
    assert.equal(await get("helm", "functions wordcount", "{.spec.replicas}"), replicasOf(n));
  };
}

/** A mesh is applied and patched, a Function comes and goes. */
async function kubectlRound(): Promise<(n: number) => Promise<void>> {
  const ok = (args: readonly string[], input?: string): Promise<string> =>
    installation.kubectl.ok(["-n", "rounds", ...args], input);
  const replicasAre = async (wanted: string): Promise<void> =>
    assert.equal(await get("rounds", "functionmesh pipeline", "{.spec.functions[0].replicas}"), wanted);
  await ok(["create", "namespace", "rounds"]);
  await ok(["apply", "-f", "-"], connection);
  return async (n) => {
    await ok(["apply", "-f", "-"], pipeline.replace("name: split\n", `name: split\n    replicas: ${replicasOf(n)}\n`));
    await replicasAre(replicasOf(n));
    const change = [{ op: "replace", path: "/spec/functions/0/replicas", value: (n + 1) % 3 }];
    await ok(["patch", "functionmesh", "pipeline", "--type=json", "-p", JSON.stringify(change)]);
    await replicasAre(replicasOf(n + 1));
    await ok(["apply", "-f", "-"], wordcount);
    await ok(["delete", "function", "wordcount"]);
    assert.equal(await get("rounds", "functions wordcount --ignore-not-found", "{.metadata.name}"), "");
  };
}

kubectlSession({ name: "while replicas are replaced", kubectl: () => installation.kubectl, podsRun: false });

test("every replica was replaced, ended well, and the leader changed", async (t) => {
  sessionIsOver = true;
  await update;
  await noteLeader();
  assert.ok(leaders.size > 1, [...leaders].join());
  t.diagnostic(`${replaced} replaced, ${leaders.size} leaders`);
});

test("meanwhile Helm: no command failed, and the last release is what runs", async (t) => {
  const last = await helm;
  assert.equal(await get("helm", "configmap pulsar", "{.data.level}"), `round-${last}`);
  assert.equal(await get("helm", "functions", "{.items[*].metadata.name}"), "wordcount");
  await eventually(
    async () => assert.equal(await get("helm", "statefulset wordcount-function", "{.spec.replicas}"), replicasOf(last)),
    stateMs,
  );
  t.diagnostic(`${last} releases`);
});

test("meanwhile kubectl: no command failed, and the last mesh is what runs", async (t) => {
  const last = await kubectl;
  const members = "pipeline-lines-source pipeline-split-function pipeline-store-sink";
  await eventually(async () => {
    assert.equal(await get("rounds", "statefulset pipeline-split-function", "{.spec.replicas}"), replicasOf(last + 1));
    assert.equal(await get("rounds", "statefulsets", "{.items[*].metadata.name}"), members);
  }, stateMs);
  t.diagnostic(`${last} rounds`);
});

test("meanwhile client-go and controller-runtime: no event and no write was lost", async (t) => {
  await clientsEnded;
  assert.equal(clients.child.exitCode, 0, clients.output());
  const lines = clients.output().split("\n");
  const report = lines.find((line) => line.includes(" writes, "));
  assert.match(report ?? clients.output(), /^\d{2,} writes/);
  const retried = lines.filter((line) => line.startsWith("retried: "));
  t.diagnostic([report, ...new Set(retried)].join("\n"));
});
