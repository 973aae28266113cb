/**
 * What becomes of a cluster when we are in trouble, seen by its real kube-apiserver and controllers: its other APIs are
 * served, no child of ours is collected, and all recovers by itself. Whether namespaces still go is said per trouble: their
 * controller asks every group whether it holds something in them, so while no replica can say, none goes (API KC-10, KC-11).
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { EtcdProcess } from "../support/etcd.ts";
import { eventually } from "../support/processes.ts";
import { type Installation, installAggregated } from "./support/aggregated.ts";
import { flood, unforeseen } from "./support/flood.ts";
import { get } from "./support/http.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { issue, type Leaf } from "./support/pki.ts";
import { type Pod, type Replicas, startReplicas } from "./support/pod.ts";
import { ensureTool } from "./support/tools.ts";

const names = ["a", "b"];
/** What a namespace takes longer than in quiet times and is still not held up by us, in ms. */
const toleranceMs = 10_000;
const floodSeconds = 8;
/** With the rest of that trouble longer than a liveness probe is patient, in ms. */
const silentMs = 15_000;
const hog = new URL("./support/eat-memory.ts", import.meta.url).href;
/** A heap that the server has room in, and that is full soon. */
const memoryEaters = { NODE_OPTIONS: `--max-old-space-size=400 --import=${hog}` };

let directory: string;
let etcd: EtcdProcess;
let installation: Installation;
let replicas: Replicas;
let hungForMs: number;
let administrator: Leaf;
let quietMs: number;
const resources = new AsyncDisposableStack();

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-harm-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  etcd = resources.use(await EtcdProcess.start(await ensureTool("etcd")));
  installation = resources.use(await installAggregated(directory, ["--etcd-servers", etcd.endpoint]));
  replicas = resources.use(await startReplicas(installation, 2, { env: memoryEaters }));
  const { liveness } = replicas;
  hungForMs = (liveness.failures + 1) * Math.max(liveness.periodMs, liveness.timeoutMs) + liveness.graceMs;
  administrator = await issue(installation.host.clientAuthority, {
    commonName: "root",
    organizations: ["system:masters"],
  });
  await installation.kubectl.ok(["create", "namespace", "guarded"]);
  await inGuarded("apply -f -", connection);
  for (const name of names) await inGuarded("apply -f -", wordcount.replace("name: wordcount", `name: ${name}`));
  for (const name of names) await eventually(() => inGuarded(`get sts ${name}-function`));
  quietMs = Math.max(await (await deleteNamespace("quiet-1")).gone(), await (await deleteNamespace("quiet-2")).gone());
});
after(() => resources.disposeAsync());

const inGuarded = (args: string, input?: string): Promise<string> =>
  installation.kubectl.ok(["-n", "guarded", ...args.split(" ")], input);

async function ofCluster(path: string): Promise<{ status: number; body: string }> {
  return get(`${installation.host.url}${path}`, installation.host.servingAuthority.pem, administrator);
}

/** Begins to delete a namespace that holds a ConfigMap and nothing of ours. */
async function deleteNamespace(name: string) {
  const { kubectl } = installation;
  await kubectl.ok(["create", "namespace", name]);
  await kubectl.ok(["-n", name, "create", "configmap", "held"]);
  const startedMs = performance.now();
  await kubectl.ok(["delete", "namespace", name, "--wait=false"]);
  return {
    /** @returns after how many ms it was gone */
    gone: async (): Promise<number> => {
      const { status } = await ofCluster(`/api/v1/namespaces/${name}`);
      if (status === 404) return performance.now() - startedMs;
      await pause(200);
      return eventually(async () => {
        assert.equal((await ofCluster(`/api/v1/namespaces/${name}`)).status, 404);
        return performance.now() - startedMs;
      }, 120_000);
    },
    conditions: async (): Promise<string> => (await ofCluster(`/api/v1/namespaces/${name}`)).body,
    held: async (): Promise<string> => (await ofCluster(`/api/v1/namespaces/${name}/configmaps/held`)).body,
  };
}

const uids = (resources: string): Promise<string> =>
  inGuarded(`get ${resources} -o jsonpath={range.items[*]}{.kind}/{.metadata.name}={.metadata.uid};{end}`);

type Trouble = {
  /** Brings it about; what it returns ends it, where it doesn't pass by itself. */
  readonly harm: () => Promise<() => Promise<void>>;
  /** How long it may hold up a namespace, in ms; `undefined`: no namespace goes before it is over. */
  readonly delayMs: (() => number) | undefined;
  /** Replicas that the kubelet starts again for it. */
  readonly restarts: number;
};

const nothing = async (): Promise<void> => undefined;
const [first, second] = [() => replicas.pods[0], () => replicas.pods[1]];

const troubles: Record<string, Trouble> = {
  "one replica hangs": {
    harm: async () => {
      first()?.process.kill("SIGSTOP");
      return nothing;
    },
    // Requests on its open connections wait until the kubelet ends it.
    delayMs: () => hungForMs,
    restarts: 1,
  },
  "both hang": {
    harm: async () => {
      for (const pod of replicas.pods) pod.process.kill("SIGSTOP");
      return nothing;
    },
    // Until they have been ended and have started; the namespace controller waits for as long again, as it backs off.
    delayMs: () => 4 * hungForMs,
    restarts: 2,
  },
  "one replica runs out of memory": {
    harm: async () => {
      second()?.process.kill("SIGUSR2");
      return nothing;
    },
    delayMs: () => hungForMs,
    restarts: 1,
  },
  "every answer takes a second": {
    harm: async () => {
      replicas.service.latencyMs = 400;
      return async () => {
        replicas.service.latencyMs = 0;
      };
    },
    // Five kinds are asked one after the other, in two requests each and on new connections.
    delayMs: () => 60_000,
    restarts: 0,
  },
  "one tenant floods us": {
    harm: async () => {
      const { host, kubectl } = installation;
      await kubectl.ok(["-n", "guarded", "create", "rolebinding", "mallory", "--clusterrole=edit", "--user=mallory"]);
      const flooding = flood({
        url: host.url,
        ca: host.servingAuthority.pem,
        user: await issue(host.clientAuthority, { commonName: "mallory" }),
        requests: [{ path: "/apis/compute.functionmesh.io/v1alpha1/namespaces/guarded/functions" }],
        rate: 300,
        seconds: floodSeconds,
      });
      return async () => {
        const { answers } = await flooding;
        assert.deepEqual(unforeseen(answers, "200"), []);
      };
    },
    // kube-apiserver and its controllers share the machine's cores with the flood, and its controllers back off.
    delayMs: () => 60_000,
    restarts: 0,
  },
  "both are away": {
    harm: async () => {
      await Promise.all(replicas.pods.map((pod) => pod.stop()));
      return async () => {
        for (const pod of replicas.pods) pod.start();
      };
    },
    delayMs: undefined,
    restarts: 2,
  },
  "their etcd is silent, then away": {
    harm: async () => {
      etcd.pause();
      await pause(silentMs);
      etcd.resume();
      await etcd.kill();
      return () => etcd.start();
    },
    delayMs: undefined,
    restarts: 0,
  },
};

/** How long a trouble lasts during which no namespace goes, in ms. */
const blockedMs = 5_000;

for (const [name, { harm, delayMs, restarts }] of Object.entries(troubles)) {
  test(`harm: when ${name}, ${delayMs ? "namespaces go" : "namespaces wait"}, others are served, no child is collected`, async (t) => {
    const [owners, children] = await eventually(async () => [await uids("fn"), await uids("sts,svc")] as const, 60_000);
    const before = restartsOf(replicas.pods);
    const end = await harm();
    const startedMs = performance.now();
    let namespace: Awaited<ReturnType<typeof deleteNamespace>>;
    try {
      namespace = await deleteNamespace(`during-${name.replaceAll(/[^a-z]+/g, "-")}`);
      if (delayMs === undefined) {
        await pause(blockedMs);
        await eventually(async () => assert.match(await namespace.held(), /NotFound/));
        assert.match(await namespace.conditions(), /Terminating/);
      } else {
        const tookMs = await namespace.gone();
        t.diagnostic(`the namespace was gone after ${Math.round(tookMs)} ms, ${Math.round(quietMs)} ms in quiet times`);
        assert.ok(tookMs < 2 * quietMs + toleranceMs + delayMs(), `${tookMs} ms`);
      }
      assert.equal((await ofCluster("/api/v1/pods")).status, 200);
      assert.equal(await inGuarded("get sts,svc -o name"), namesOf(children));
    } finally {
      await end();
    }

    const recoveringMs = performance.now();
    await namespace.gone();
    await eventually(async () => assert.equal(await uids("fn"), owners), 60_000);
    await eventually(() => inGuarded(`annotate fn a trouble=${performance.now()} --overwrite`));
    assert.equal(await uids("sts,svc"), children);
    await eventually(async () => assert.equal(restartsOf(replicas.pods) - before, restarts), hungForMs + toleranceMs);
    await replicas.ready();
    t.diagnostic(
      `over after ${Math.round(performance.now() - startedMs)} ms, ${Math.round(performance.now() - recoveringMs)} of them to recover`,
    );
  });
}

const restartsOf = (pods: readonly Pod[]): number => pods.reduce((sum, { restarts }) => sum + restarts, 0);

/** `StatefulSet/a-function=UID;…` as `get -o name` prints it. */
function namesOf(uids: string): string {
  const prefix: { readonly [kind: string]: string } = { StatefulSet: "statefulset.apps", Service: "service" };
  return [...uids.matchAll(/(\w+)\/([^=]+)=/g)].map(([, kind = "", name]) => `${prefix[kind]}/${name}\n`).join("");
}
