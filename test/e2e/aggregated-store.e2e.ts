/**
 * A store that is not what it was, seen by a real kube-apiserver and its garbage collector: no child is deleted, whatever
 * becomes of our etcd, and all goes on when it is back (design D9).
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isObject, parseJson } from "../../apiserver/machinery/json.ts";
import { openEtcd } from "../../apiserver/storage/etcd3/etcd-store.ts";
import { EtcdProcess } from "../support/etcd.ts";
import { eventually } from "../support/processes.ts";
import { TcpSwitch } from "../support/tcp-switch.ts";
import { type Aggregated, startAggregated, systemNamespace } from "./support/aggregated.ts";
import { get } from "./support/http.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { issue, type Leaf } from "./support/pki.ts";
import { ensureTool } from "./support/tools.ts";

/** How long the garbage collector is watched: it acts within a second or two on what it takes for deleted. */
const watchedMs = 8_000;
const names = ["first", "second"];

let directory: string;
let etcd: EtcdProcess;
let other: EtcdProcess;
let way: TcpSwitch;
let cluster: Aggregated;
let administrator: Leaf;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-store-"));
  const binary = await ensureTool("etcd");
  [etcd, other] = await Promise.all([EtcdProcess.start(binary), EtcdProcess.start(binary)]);
  way = await TcpSwitch.to(etcd.port);
  cluster = await startAggregated(directory, ["--etcd-servers", `http://127.0.0.1:${way.port}`]);
  administrator = await issue(cluster.host.clientAuthority, { commonName: "root", organizations: ["system:masters"] });
  await cluster.kubectl.ok(["create", "namespace", "guarded"]);
  await inNamespace("apply -f -", connection);
  for (const name of names) await inNamespace("apply -f -", wordcount.replace("name: wordcount", `name: ${name}`));
  for (const name of names) await eventually(() => inNamespace(`get sts ${name}-function`));
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  for (const each of [way, etcd, other]) await each?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const inNamespace = (args: string, input?: string): Promise<string> =>
  cluster.kubectl.ok(["-n", "guarded", ...args.split(" ")], input);

const uidsOf = (resources: string): Promise<string> =>
  inNamespace(`get ${resources} -o jsonpath={range.items[*]}{.kind}/{.metadata.name}={.metadata.uid};{end}`);

/** A child that the garbage collector has not seen before: it has to look for the owner. */
async function newChild(name: string, ownerUid: string): Promise<void> {
  const owner = { apiVersion: "compute.functionmesh.io/v1alpha1", kind: "Function", name: "first", uid: ownerUid };
  const child = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels: { child: "yes" }, ownerReferences: [owner] },
  };
  await inNamespace("create -f -", JSON.stringify(child));
}

/** Through kube-apiserver; without kubectl, which tries again for 20 s when it is told to. */
async function refusedWith(why: RegExp): Promise<void> {
  const functions = `${cluster.host.url}/apis/compute.functionmesh.io/v1alpha1/namespaces/guarded/functions`;
  for (const url of [functions, `${functions}/first`])
    await eventually(async () => {
      const { status, body } = await get(url, cluster.host.servingAuthority.pem, administrator);
      assert.ok(status === 503 || status === 504, `${status} ${body}`);
      assert.match(body, why);
    });
}

type Scenario = {
  readonly why: RegExp;
  /** Does the harm; returns how to undo it. */
  readonly harm: () => Promise<() => Promise<void>>;
  readonly watchedMs?: number;
};

const scenarios: Record<string, Scenario> = {
  "its etcd is wiped under the running server": {
    why: /the store is empty, where there was one/,
    harm: async () => {
      const restore = await etcd.backup();
      await etcd.wipe();
      return restore;
    },
  },
  "an older snapshot is restored": {
    why: /the store is older than it was/,
    harm: async () => {
      const restore = await etcd.backup();
      await eventually(() => inNamespace("label fn first touched=yes --overwrite"));
      const newest = await etcd.backup();
      await eventually(() => inNamespace("get fn first"));
      await restore();
      return newest;
    },
  },
  "its address leads to another etcd": {
    why: /the store is another one/,
    harm: async () => {
      await using somebody = await openEtcd({ endpoints: [other.endpoint] });
      for (let i = 0; i < 2000; i++) await somebody.create(`/registry/somebody/${i}`, new Uint8Array(1));
      way.lead(other.port);
      return async () => way.lead(etcd.port);
    },
  },
  "there is no etcd for a minute": {
    why: /./,
    harm: async () => {
      way.lead(undefined);
      return async () => way.lead(etcd.port);
    },
    watchedMs: 60_000,
  },
};

for (const [name, { why, harm, watchedMs: duration = watchedMs }] of Object.entries(scenarios)) {
  test(`aggregated store: no child is deleted, and all goes on afterwards, when ${name}`, async () => {
    const [owners, children] = [await uidsOf("fn"), await uidsOf("sts,svc")];
    const undo = await harm();
    await refusedWith(why);
    await newChild(`child-${name.replaceAll(" ", "-")}`, /Function\/first=([^;]+)/.exec(owners)?.[1] ?? "");
    await pause(duration);
    await refusedWith(why);
    assert.equal(await uidsOf("sts,svc"), children);
    await undo();
    await eventually(async () => assert.equal(await uidsOf("fn"), owners), 60_000);
    await pause(2_000);
    assert.equal(await uidsOf("sts,svc"), children);
    await inNamespace(`get cm child-${name.replaceAll(" ", "-")}`);
    await eventually(() => inNamespace("annotate fn second seen=again --overwrite"));
  });
}

test("aggregated store: wiped before a start, it is not served either; discovery and liveness answer", async () => {
  const [owners, children] = [await uidsOf("fn"), await uidsOf("sts,svc")];
  const { url, servingAuthority } = cluster;
  const statusOf = async (path: string): Promise<number> =>
    (await get(`${url}${path}`, servingAuthority.pem, administrator)).status;
  let restored: Promise<void> | undefined;
  await cluster.crash(async () => {
    const restore = await etcd.backup();
    await etcd.wipe();
    restored = (async () => {
      await eventually(async () => assert.equal(await statusOf("/livez"), 200));
      await refusedWith(/the store is empty, where there was one/);
      await pause(watchedMs);
      assert.equal(await statusOf("/apis/compute.functionmesh.io/v1alpha1"), 200);
      assert.equal(await uidsOf("sts,svc"), children);
      await restore();
    })();
  });
  await restored;
  await eventually(async () => assert.equal(await uidsOf("fn"), owners));
  assert.equal(await uidsOf("sts,svc"), children);
});

test("aggregated store: what is there is accepted by an annotation, as the refusal says", async () => {
  await etcd.wipe();
  await refusedWith(/kubectl annotate configmap functionmesh-store -n functionmesh-system .*accept-store=empty/);
  const annotation = "functionmesh.io/accept-store=empty";
  await cluster.kubectl.ok(["annotate", "configmap", "functionmesh-store", "-n", systemNamespace, annotation]);
  await eventually(async () => assert.equal(await inNamespace("get fn -o name"), ""));
  await inNamespace("apply -f -", wordcount);
  const memory = parseJson(
    await cluster.kubectl.ok([
      "get",
      "cm",
      "functionmesh-store",
      "-n",
      systemNamespace,
      "-o",
      "jsonpath={.data.store}",
    ]),
  );
  assert.ok(isObject(memory));
  assert.equal(memory.acceptances, 1);
});
