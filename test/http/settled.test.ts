/**
 * What is settled stays as it is: a restart of the server writes nothing to the children of workloads that use every
 * part of the renderer, whatever the API server filled into them meanwhile.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { eventually } from "../support/processes.ts";
import { aSpec, aWorkload, type WorkloadKind } from "../support/workloads.ts";
import type { Client, Reply } from "./support/client.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { startServer } from "./support/server.ts";

const directory = await mkdtemp(join(tmpdir(), "settled-"));
after(() => rm(directory, { recursive: true, force: true }));

const resources = { requests: { cpu: "0.1", memory: "1.5Gi" }, limits: { cpu: 1, memory: "2Gi" } };
const tls = { enabled: true, certSecretName: "ca", certSecretKey: "ca.crt" };
const oauth2Config = { audience: "a", issuerUrl: "i", keySecretName: "s", keySecretKey: "k" };
const cryptoSecrets = ["a", "b"].map((name) => ({ secretName: name, secretKey: name, asVolume: "/keys" }));
const cryptoConfig = { cryptoKeyReaderClassName: "R", encryptionKeys: ["k"], cryptoSecrets };
const pod: JsonObject = {
  labels: { team: "eu" },
  annotations: { note: "" },
  env: [
    { name: "A", value: "" },
    { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
  ],
  tolerations: [{ key: "k", operator: "Exists" }],
  serviceAccountName: "runner",
  terminationGracePeriodSeconds: 0,
  volumes: [
    { name: "scratch", emptyDir: {} },
    { name: "conf", configMap: { name: "conf" } },
  ],
  initContainers: [{ name: "i", image: "i", volumeMounts: [{ name: "scratch", mountPath: "/s" }] }],
  sidecars: [{ name: "s", image: "s:1", ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } }],
  liveness: { periodSeconds: 10 },
  startupProbe: { tcpSocket: { port: 9094 } },
  securityContext: {},
};
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const workloads: readonly (readonly [kind: WorkloadKind, name: string, changes: JsonObject])[] = [
  ["Function", "plain", {}],
  ["Function", "rich", { pod, resources, logTopic: "logs", logTopicAgent: "sidecar", maxReplicas: 3 }],
  ["Function", "access", { pulsar: { pulsarConfig: "pulsar", authConfig: { oauth2Config }, tlsConfig: tls } }],
  ["Function", "secrets", { pulsar: { pulsarConfig: "pulsar", authSecret: "a", tlsSecret: "t" } }],
  ["Function", "crypto", { output: { topic: "out", producerConf: { cryptoConfig } } }],
  ["Function", "claims", { volumeClaimTemplates: [{ metadata: { name: "d" }, spec: claim }] }],
  ["Function", "off", { replicas: 0, maxReplicas: 3 }],
  ["Source", "source", { batchSourceConfig: { discoveryTriggererClassName: "T" } }],
  ["Sink", "sink", { cleanupSubscription: true, logTopic: "logs", pod: { vpa: {} } }],
];

const children = [
  "/apis/apps/v1/namespaces/demo/statefulsets",
  "/api/v1/namespaces/demo/services",
  "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers",
  "/apis/autoscaling.k8s.io/v1/namespaces/demo/verticalpodautoscalers",
];
const group = "/apis/compute.functionmesh.io/v1alpha1/namespaces/demo";

const items = async (admin: Client, collection: string): Promise<JsonObject[]> =>
  listOf(ok(await admin.get(collection)).body, "items").filter(isObject);

/** Of every child: what only a change of its spec raises, and the resourceVersion. */
async function versions(admin: Client): Promise<{ [child: string]: string }> {
  const lists = await Promise.all(children.map((collection) => items(admin, collection)));
  const entries = lists.flatMap((list, index) =>
    list.map((child) => {
      const metadata = objectOf(child, "metadata");
      return [`${children[index]}/${textOf(metadata, "name")}`, textOf(metadata, "resourceVersion")] as const;
    }),
  );
  return Object.fromEntries(entries);
}

async function settled(admin: Client): Promise<void> {
  await eventually(async () => {
    for (const plural of ["functions", "sources", "sinks"]) {
      for (const object of await items(admin, `${group}/${plural}`)) {
        assert.equal(textOf(objectOf(object, "status"), "phase"), "Ready", JSON.stringify(object.status));
      }
    }
  });
}

async function created(reply: Promise<Reply>): Promise<void> {
  const { status, text } = await reply;
  assert.equal(status, 201, text);
}

test("a restart writes to no child of a settled workload", async () => {
  const stack = new AsyncDisposableStack();
  await using _end = stack;
  const first = stack.use(await startServer(directory, ["--controllers", "*"]));
  await createNamespace(first.admin, "demo");
  for (const name of ["pulsar", "conf"]) {
    const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
    await created(first.admin.post("/api/v1/namespaces/demo/configmaps", configMap));
  }
  for (const name of ["a", "b", "ca", "s", "t"]) {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      stringData: { k: "v", [name]: "v", "ca.crt": "v" },
    };
    await created(first.admin.post("/api/v1/namespaces/demo/secrets", secret));
  }
  for (const [kind, name, changes] of workloads) {
    const object = aWorkload(kind, aSpec(kind, changes), { name });
    await created(first.admin.post(`${group}/${kind.toLowerCase()}s`, object));
  }
  await settled(first.admin);
  const before = await versions(first.admin);
  assert.ok(Object.keys(before).length >= 2 * workloads.length, "the children are there");
  assert.deepEqual(first.errors, []);
  await stack.disposeAsync();

  await using second = await startServer(directory, ["--controllers", "*"]);
  await settled(second.admin);
  // A new object is served after the old ones were looked at: the queue is first in, first out.
  const marker = aWorkload("Function", aSpec("Function"), { name: "marker" });
  await created(second.admin.post(`${group}/functions`, marker));
  await settled(second.admin);
  const { ...now } = await versions(second.admin);
  for (const child of Object.keys(now)) if (child.includes("/marker-")) delete now[child];
  assert.deepEqual(now, before);
});
