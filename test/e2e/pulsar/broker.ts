/** Pulsar on a node: standalone in one pod, with a package service and a store of functions' state, and a client beside it. */
import { readFile } from "node:fs/promises";
import { eventually } from "../../support/processes.ts";
import type { Node } from "../support/node.ts";
import { pulsarImage } from "./image.ts";

const namespace = "pulsar";
const address = `pulsar-broker.${namespace}.svc.cluster.local`;
const pod = "pulsar-0";
/** A JVM starts and makes a cluster of itself, on a machine with company. */
const patienceMs = 180_000;

/** Where BookKeeper serves tables; it tells clients to go on with 127.0.0.1, which only those beside it can. */
export const statePort = 4181;
export const brokerAddress = address;

/** What a workload's `pulsarConfig` names. */
export const connection = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "pulsar" },
  data: { webServiceURL: `http://${address}:8080`, brokerServiceURL: `pulsar://${address}:6650` },
};

const settings = {
  // A topic may wait for its Function longer than a minute.
  brokerDeleteInactiveTopicsEnabled: "false",
  enablePackagesManagement: "true",
  packagesManagementStorageProvider:
    "org.apache.pulsar.packages.management.storage.filesystem.FileSystemPackagesStorageProvider",
};
const edits = Object.entries(settings).map(([name, value]) => `s#^${name}=.*#${name}=${value}#`);
const start = [
  `sed -i '${edits.join(";")}' conf/standalone.conf`,
  `exec bin/pulsar standalone --no-functions-worker --advertised-address ${address} --stream-storage-port ${statePort}`,
].join(" && ");

const manifests = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "pulsar-broker", namespace },
      spec: {
        // It reaches itself by this name before it is ready.
        publishNotReadyAddresses: true,
        selector: { app: "pulsar" },
        ports: [
          { name: "binary", port: 6650 },
          { name: "http", port: 8080 },
          { name: "state", port: statePort },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "pulsar", namespace },
      spec: {
        serviceName: "pulsar-broker",
        selector: { matchLabels: { app: "pulsar" } },
        template: {
          metadata: { labels: { app: "pulsar" } },
          spec: {
            containers: [
              {
                name: "pulsar",
                image: pulsarImage,
                imagePullPolicy: "Never",
                command: ["bash", "-c", start],
                env: [
                  // The store of state needs it.
                  { name: "PULSAR_STANDALONE_USE_ZOOKEEPER", value: "1" },
                  { name: "PULSAR_MEM", value: "-Xms128m -Xmx512m -XX:MaxDirectMemorySize=512m" },
                  { name: "PULSAR_GC", value: "-XX:+UseSerialGC" },
                  { name: "PULSAR_GC_LOG", value: " " },
                ],
                // "ready" comes before the default namespace.
                readinessProbe: {
                  httpGet: { path: "/admin/v2/namespaces/public/default", port: 8080 },
                  periodSeconds: 1,
                  failureThreshold: 3,
                },
                resources: { requests: { cpu: "100m", memory: "512Mi" } },
              },
            ],
          },
        },
      },
    },
  ],
};

export type Message = { readonly text: string; readonly properties: { readonly [name: string]: string } };
export type Broker = {
  produce(topic: string, messages: readonly string[]): Promise<void>;
  /** The first `count` messages of a topic from its beginning; fewer after `seconds`. */
  read(topic: string, count: number, seconds?: number): Promise<readonly Message[]>;
  /** Names of a topic's subscriptions. */
  subscriptions(topic: string): Promise<readonly string[]>;
  /** Puts a file of the broker's image into the package service. */
  upload(name: string, file: string): Promise<void>;
};

/** Topics are named shortly: they are those of `public/default`. */
export const topicOf = (name: string): string => `persistent://public/default/${name}`;

/** Resolves before it is ready: other things can start meanwhile. */
export async function startBroker(node: Node): Promise<{ readonly ready: () => Promise<Broker> }> {
  await node.kubectl.ok(["apply", "-f", "-"], JSON.stringify(manifests));
  const client = await readFile(new URL("client.py", import.meta.url), "utf8");
  const exec = ["exec", "-i", "-n", namespace, pod, "--"];
  const ask = async (request: object): Promise<unknown> => {
    const answer = await node.kubectl.ok([...exec, "python3", "-c", client], JSON.stringify(request));
    return JSON.parse(answer);
  };
  const broker: Broker = {
    produce: async (topic, messages) => void (await ask({ produce: topicOf(topic), messages })),
    read: async (topic, count, seconds = 20) => messagesOf(await ask({ read: topicOf(topic), count, seconds })),
    subscriptions: async (topic) => {
      const { status, body } = answerOf(await ask({ admin: `v2/persistent/public/default/${topic}/subscriptions` }));
      if (status === 404) return [];
      if (!Array.isArray(body)) throw new Error(`subscriptions of ${topic}: ${status} ${JSON.stringify(body)}`);
      return body.map(String);
    },
    upload: async (name, file) => {
      const { status } = answerOf(await ask({ upload: name, file }));
      if (status !== 204) throw new Error(`upload of ${file} ended with ${status}`);
    },
  };
  const ready = async (): Promise<Broker> => {
    const wait = ["wait", "--for=condition=Ready", `pod/${pod}`, "-n", namespace, "--timeout=50s"];
    await eventually(() => node.kubectl.ok(wait), patienceMs, 500);
    return broker;
  };
  return { ready };
}

function answerOf(answer: unknown): { readonly status: unknown; readonly body: unknown } {
  if (typeof answer === "object" && answer !== null && "status" in answer && "body" in answer) return answer;
  throw new Error(`no answer: ${JSON.stringify(answer)}`);
}

function messagesOf(answer: unknown): readonly Message[] {
  if (!Array.isArray(answer)) throw new Error(`no messages: ${JSON.stringify(answer)}`);
  return answer;
}
