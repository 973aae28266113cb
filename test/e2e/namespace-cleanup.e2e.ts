/**
 * A namespace deleted with all that is in it, by a real namespace controller: the clean-up of its Functions runs elsewhere,
 * and the namespace goes. There are no nodes; that the Job's pod has ended is said by hand.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { configMapType, jobType, namespaceType, podType, secretType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { eventType } from "../../controllers/runtime/event-recorder.ts";
import { eventually } from "../support/processes.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { startMeasured } from "./support/fleet.ts";

const home = "cleanups";
const cluster = await startMeasured(["--cleanup-namespace", home]);
after(() => cluster[Symbol.asyncDispose]());
const { client } = cluster;
await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: home } });

// As `rbac.readSecrets` of the chart has it.
const rbac = { group: "rbac.authorization.k8s.io", version: "v1", namespaced: false };
const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "create"] }];
const metadata = { name: "read-secrets" };
const apiVersion = "rbac.authorization.k8s.io/v1";
await client.create(
  { ...rbac, kind: "ClusterRole", resource: "clusterroles" },
  { apiVersion, kind: "ClusterRole", metadata, rules },
);
await client.create(
  { ...rbac, kind: "ClusterRoleBinding", resource: "clusterrolebindings" },
  {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata,
    roleRef: { apiGroup: rbac.group, kind: "ClusterRole", name: metadata.name },
    subjects: [{ apiGroup: rbac.group, kind: "Group", name: "system:serviceaccounts:functionmesh-system" }],
  },
);

const patienceMs = 120_000;
const jobs = async (): Promise<readonly KubeObject[]> => (await client.list(jobType, { namespace: home })).items;
const isGone = async (namespace: string): Promise<boolean> =>
  (await unlessGone(client.get({ type: namespaceType, namespace: "", name: namespace }))) === undefined;
const eventsAbout = async (namespace: string): Promise<string[]> =>
  (await client.list(eventType, { namespace: "default" })).items
    .filter((event) => textOf(objectOf(event, "involvedObject"), "name") === namespace)
    .map((event) => `${textOf(event, "reason")} ${textOf(event, "message")}`);

async function aNamespace(name: string, authSecret: string): Promise<void> {
  await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const namespace = name;
  const data = { webServiceURL: "http://pulsar.shared:8080", brokerServiceURL: "pulsar://pulsar.shared:6650" };
  await client.create(configMapType, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "pulsar", namespace },
    data,
  });
  const auth = { clientAuthenticationPlugin: "cA==", clientAuthenticationParameters: "dG9rZW4=" };
  await client.create(secretType, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "auth", namespace },
    data: auth,
  });
  const spec = aSpec("Function", { cleanupSubscription: true, pulsar: { pulsarConfig: "pulsar", authSecret } });
  await client.create(functionType, aWorkload("Function", spec, { name: "counts", namespace }));
  await eventually(async () => {
    const { metadata } = await client.get({ type: functionType, namespace, name: "counts" });
    assert.deepEqual(metadata.finalizers, ["cleanup.subscription.finalizer"]);
  }, patienceMs);
}

test("with its Secrets, the connection is read before the namespace controller takes it, and the Job runs elsewhere", async () => {
  await aNamespace("tenant", "auth");
  await client.delete({ type: namespaceType, namespace: "", name: "tenant" });
  await eventually(async () => assert.equal((await jobs()).length, 1), patienceMs);
  const [job] = await jobs();
  const { name = "" } = job?.metadata ?? {};
  const secret = await client.get({ type: secretType, namespace: home, name });
  assert.equal(textOf(objectOf(secret, "data"), "clientAuthenticationParameters"), "dG9rZW4=");
  await eventually(
    async () =>
      assert.equal(await unlessGone(client.get({ type: secretType, namespace: "tenant", name: "auth" })), undefined),
    patienceMs,
  );

  await eventually(async () => {
    const { items } = await client.list(podType, { namespace: home });
    const [pod] = items;
    assert.ok(pod !== undefined, "the Job was started");
    const ref = { type: podType, namespace: home, name: pod.metadata.name ?? "" };
    const containerStatuses = [
      {
        name: "cleanup",
        ready: false,
        restartCount: 0,
        image: "i",
        imageID: "i",
        state: { terminated: { exitCode: 0 } },
      },
    ];
    await client.patch(
      ref,
      { type: "merge", body: { status: { phase: "Succeeded", containerStatuses } } },
      { subresource: "status" },
    );
  }, patienceMs);
  await eventually(async () => assert.ok(await isGone("tenant")), patienceMs);
  const told = await eventsAbout("tenant");
  assert.ok(
    told.some((text) => /^CleaningUp Function tenant\/counts: Started Job/.test(text)),
    told.join("\n"),
  );
  assert.ok(
    told.some((text) => /^CleanedUp Function tenant\/counts: Removed/.test(text)),
    told.join("\n"),
  );
  await eventually(async () => assert.deepEqual(await jobs(), []), patienceMs);
  await eventually(
    async () => assert.equal(await unlessGone(client.get({ type: secretType, namespace: home, name })), undefined),
    patienceMs,
  );
});

test("what can't be read is told, and the namespace goes at once", async () => {
  await aNamespace("other", "missing");
  await client.delete({ type: namespaceType, namespace: "", name: "other" });
  await eventually(async () => assert.ok(await isGone("other")), patienceMs);
  const told = await eventsAbout("other");
  assert.ok(
    told.some((text) => /^CleanupFailed Function other\/counts: .*Left in Pulsar: subscription/.test(text)),
    told.join("\n"),
  );
});
