/**
 * `export` and `import` as commands, between SQLite and etcd, both ways: interrupted by `kill -9` and gone on with, refusing
 * to overwrite, and with children that keep their owners.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openEmbedded } from "../../apiserver/storage/embedded/embedded-store.ts";
import { openEtcd } from "../../apiserver/storage/etcd3/etcd-store.ts";
import { encode } from "../conformance/storage-case.ts";
import { FaultClient } from "../faults/http-cluster.ts";
import { EtcdProcess } from "../support/etcd.ts";
import { eventually } from "../support/processes.ts";
import { startMain, startStandalone } from "./support/server.ts";
import { ensureTool } from "./support/tools.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-backup-"));
const [original, restored] = [join(root, "original"), join(root, "restored")];
const file = join(root, "backup.jsonl");
const fillers = 1500;
let etcd: EtcdProcess;

before(async () => {
  etcd = await EtcdProcess.start(await ensureTool("etcd"));
});
after(async () => {
  await etcd?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

/** Objects that no controller looks after, so that there is something to interrupt. */
async function fill(): Promise<void> {
  await using store = await openEmbedded({ directory: original });
  const configMap = (name: string): string =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "default", uid: `uid-of-${name}` },
    });
  const names = Array.from({ length: fillers }, (_, i) => `filler-${i}`);
  await Promise.all(
    names.map((name) => store.create(`/registry/core/configmaps/default/${name}`, encode(configMap(name)))),
  );
}

const fn = {
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name: "kept", namespace: "default" },
  spec: {
    image: "example/image",
    java: { jar: "/pulsar/function.jar" },
    className: "example.Function",
    input: { topics: ["persistent://public/default/in"] },
    output: { topic: "persistent://public/default/out" },
    pulsar: { pulsarConfig: "pulsar" },
  },
};

/** Name, uid and owner of what a server has of a Function and its children. */
async function familyOf(kubeconfig: string): Promise<readonly string[]> {
  const client = await FaultClient.of(kubeconfig);
  try {
    const paths = [
      "/apis/compute.functionmesh.io/v1alpha1/namespaces/default/functions",
      "/apis/apps/v1/namespaces/default/statefulsets",
      "/api/v1/namespaces/default/services",
    ];
    const lists = await Promise.all(paths.map((path) => client.send("GET", path)));
    return lists.flatMap(({ text }) =>
      JSON.parse(text).items.map(
        ({
          metadata: { name, uid, ownerReferences = [] },
        }: {
          metadata: { name: string; uid: string; ownerReferences?: { uid: string }[] };
        }) => `${name} ${uid} of ${ownerReferences.map((owner) => owner.uid).join()}`,
      ),
    );
  } finally {
    client.close();
  }
}

async function command(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const run = startMain(args);
  const code = await run.exited;
  return { code, output: run.output() };
}

test("backup: from SQLite to etcd and back; interrupted, gone on with, nothing overwritten, children keep their owners", {
  timeout: 240_000,
}, async () => {
  await fill();
  let family: readonly string[];
  {
    await using server = await startStandalone(original);
    const client = await FaultClient.of(server.kubeconfig);
    const { status, text } = await client.send(
      "POST",
      "/apis/compute.functionmesh.io/v1alpha1/namespaces/default/functions",
      fn,
    );
    assert.equal(status, 201, text);
    client.close();
    family = await eventually(async () => {
      const found = await familyOf(server.kubeconfig);
      assert.ok(
        found.some((line) => line.startsWith("kept-function ")),
        found.join("\n"),
      );
      return found;
    }, 60_000);
  }
  const exported = await command("export", "--file", file, "--data-dir", original);
  assert.equal(exported.code, 0, exported.output);
  assert.match(exported.output, /keys exported to /);
  const again = await command("export", "--file", file, "--data-dir", original);
  assert.notEqual(again.code, 0);
  assert.match(again.output, /exists: a backup is not overwritten/);

  const into = ["--file", file, "--etcd-servers", etcd.endpoint];
  const first = startMain(["import", ...into]);
  await eventually(async () => assert.ok((await etcdKeys()) > 50), 60_000, 5);
  first.kill("SIGKILL");
  await first.exited;
  const begun = await etcdKeys();
  assert.ok(begun < fillers, `${begun} keys were imported before it was killed`);
  const rest = await command("import", ...into);
  assert.equal(rest.code, 0, rest.output);
  assert.match(rest.output, /keys imported from /);

  const there = join(root, "on-etcd");
  {
    await using server = await startStandalone(there, ["--etcd-servers", etcd.endpoint]);
    assert.deepEqual((await familyOf(server.kubeconfig)).toSorted(), family.toSorted());
    const live = join(root, "live.jsonl");
    const whole = await command("export", "--file", live, "--etcd-servers", etcd.endpoint);
    assert.equal(whole.code, 0, whole.output);
    assert.ok(existsSync(live));
    const back = await command("import", "--file", live, "--data-dir", restored);
    assert.equal(back.code, 0, back.output);
    const refused = await command("import", "--file", live, "--etcd-servers", etcd.endpoint);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /the store is not empty/);
  }
  await using server = await startStandalone(restored);
  assert.deepEqual((await familyOf(server.kubeconfig)).toSorted(), family.toSorted());
});

async function etcdKeys(): Promise<number> {
  await using store = await openEtcd({ endpoints: [etcd.endpoint], asFound: true });
  return (await store.position()).objects;
}
